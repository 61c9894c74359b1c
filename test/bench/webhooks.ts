import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { PublishCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import pLimit from 'p-limit';
import { steady } from '../../functions/instants.ts';
import { eventBody, type TransferEvent, transferEvent } from '../../functions/transfers/event.ts';
import { Announcements, announcementOf } from '../../functions/webhooks/announcements.ts';
import { attempt, secretsOf } from '../../functions/webhooks/attempt.ts';
import { type DeliverDependencies, deliver } from '../../functions/webhooks/deliver.ts';
import type { Delivery } from '../../functions/webhooks/delivery.ts';
import { Doorbells, parseDoorbell } from '../../functions/webhooks/doorbells.ts';
import { addEndpoint, type EndpointLifeDependencies, removeEndpoint } from '../../functions/webhooks/endpoint-life.ts';
import { type FanOutDependencies, fanOut } from '../../functions/webhooks/fan-out.ts';
import { Gates } from '../../functions/webhooks/gates.ts';
import { WebhookClient } from '../../functions/webhooks/post.ts';
import { DataKey } from '../../functions/webhooks/sealing.ts';
import { createTopic, createWebhooksTable } from '../../infra/local/embedded-services.ts';
import { createQueue, type LocalQueue, startEventSource } from '../../infra/local/event-source.ts';
import { sdkSettings } from '../support/sdk-settings.ts';
import type { Services } from './services.ts';

/** How fast webhooks are delivered. */
export interface WebhookSpeed {
  /** Signed requests a second, on one core and without queue and database. */
  readonly sendPath: number;
  /** Deliveries a second through the embedded queue and database, from the doorbell to the finished row. */
  readonly throughServices: number;
  /** Milliseconds from the publication of an event to the arrival of its webhook. */
  readonly latency: Percentiles;
  /** The same beside three other endpoints that get the same events and are healthy, too; all rounds together. */
  readonly besideHealthy: Percentiles;
  /** The same beside one that sleeps for 14 s, one that refuses connections and one that drips a byte a second. */
  readonly besideBad: Percentiles;
}

export interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
}

const sends = 10_000;
const deliveries = 3000;

/** Events of a measurement of latency, and milliseconds between them. */
const timedEvents = 240;
const pace = 80;

/** Measurements beside other endpoints, healthy and bad ones in turn: the p99 of a single one is the machine's mood. */
const rounds = 5;

/** Milliseconds after the last event until its webhook must have arrived. */
const afterLast = 2000;

/** Measures how fast webhooks are delivered. */
export async function measureWebhooks(services: Services): Promise<WebhookSpeed> {
  const bench = await WebhookBench.start(services);
  try {
    await bench.sendPath(sends / 4);
    const sendPath = await bench.sendPath(sends);
    await bench.throughServices(deliveries / 6);
    const throughServices = await bench.throughServices(deliveries);
    await bench.latency('warm-up', timedEvents / 4);
    const latency = percentiles(await bench.latency('alone', timedEvents));
    const besideHealthy: number[] = [];
    const besideBad: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const healthy = ['healthy-1', 'healthy-2', 'healthy-3'];
      besideHealthy.push(...(await bench.latency(`healthy-${round}`, timedEvents, healthy)));
      besideBad.push(...(await bench.latency(`bad-${round}`, timedEvents, ['sleep', 'drip', 'refused'])));
    }
    return {
      sendPath,
      throughServices,
      latency,
      besideHealthy: percentiles(besideHealthy),
      besideBad: percentiles(besideBad),
    };
  } finally {
    bench.stop();
  }
}

const table = 'webhooks';

type BenchDependencies = DeliverDependencies & EndpointLifeDependencies & FanOutDependencies;

class WebhookBench {
  private readonly services: Services;
  private readonly sns: SNSClient;
  private readonly sqs: SQSClient;
  private readonly shared: Omit<BenchDependencies, 'doorbells' | 'announcements'>;
  /** Set anew for each measurement, so that none hears what an earlier one has left in the queue. */
  private deps!: BenchDependencies;
  private doorbells!: LocalQueue;
  private queues = 0;

  private constructor(
    services: Services,
    sns: SNSClient,
    sqs: SQSClient,
    shared: Omit<BenchDependencies, 'doorbells' | 'announcements'>,
  ) {
    this.services = services;
    this.sns = sns;
    this.sqs = sqs;
    this.shared = shared;
  }

  static async start(services: Services): Promise<WebhookBench> {
    const { sdkEnvironment } = services.addresses;
    const sdk = sdkSettings(sdkEnvironment);
    const endpoint = sdkEnvironment.AWS_ENDPOINT_URL_SQS!;
    const dynamo = new DynamoDBClient({ ...sdk, endpoint: sdkEnvironment.AWS_ENDPOINT_URL_DYNAMODB! });
    const sns = new SNSClient({ ...sdk, endpoint });
    const sqs = new SQSClient({ ...sdk, endpoint, useQueueUrlAsEndpoint: false });
    await createWebhooksTable(dynamo, table);
    const shared = {
      dynamo,
      table,
      gates: new Gates(dynamo, table, Math.random),
      dataKey: new DataKey(randomBytes(32).toString('base64')),
      client: new WebhookClient({ resolve: async () => [], allowPrivate: true }),
      allowPrivate: true,
      now: () => new Date(),
      steady,
      random: Math.random,
    };
    const bench = new WebhookBench(services, sns, sqs, shared);
    await bench.newDoorbells();
    return bench;
  }

  /** Opens the secret, signs, judges the address, posts and classifies, so many times; returns requests a second. */
  async sendPath(count: number): Promise<number> {
    const { endpoint } = await this.add('ok');
    const events = eventsOf(`send-${count}`, count);
    const started = performance.now();
    const outcomes = await pLimit(32).map(events, async (event) => {
      const secrets = secretsOf(this.deps.dataKey, endpoint);
      const { outcome } = await attempt(this.deps, endpoint, secrets, deliveryOf(event), eventBody(event));
      return outcome.kind;
    });
    const seconds = (performance.now() - started) / 1000;
    if (outcomes.some((kind) => kind !== 'delivered')) throw new Error('not everything that was sent was taken');
    await removeEndpoint(this.deps, 'ok');
    return count / seconds;
  }

  /** Creates so many deliveries, then has them delivered as the doorbell rings; returns deliveries a second. */
  async throughServices(count: number): Promise<number> {
    await this.newDoorbells();
    await this.add('ok', 100);
    await this.services.takeArrivals();
    const bodies = eventsOf(`through-${count}`, count).map((event) => ({ body: eventBody(event) }));
    for (let at = 0; at < count; at += 10) await fanOut(this.deps, bodies.slice(at, at + 10));
    const { promise: done, resolve } = Promise.withResolvers<void>();
    let finished = 0;
    const started = performance.now();
    const source = this.deliverFrom(8, (settled) => {
      finished += settled;
      if (finished === count) resolve();
    });
    await done;
    const seconds = (performance.now() - started) / 1000;
    source.stop();
    await source.ended;
    if (Object.keys(await this.services.takeArrivals()).length !== count) throw new Error('not everything has arrived');
    await removeEndpoint(this.deps, 'ok');
    return count / seconds;
  }

  /** Publishes so many events at a steady pace, and looks when their webhooks arrive at one endpoint beside others; milliseconds. */
  async latency(name: string, count: number, others: readonly string[] = []): Promise<number[]> {
    await this.newDoorbells();
    for (const endpoint of ['ok', ...others]) await this.add(endpoint);
    const result = await this.timed(name, count);
    for (const endpoint of ['ok', ...others]) await removeEndpoint(this.deps, endpoint);
    return result;
  }

  stop(): void {
    this.shared.client.close();
    for (const client of [this.shared.dynamo, this.sns, this.sqs]) client.destroy();
  }

  private async timed(name: string, count: number): Promise<number[]> {
    await this.services.takeArrivals();
    const topic = await createTopic(this.sns, `${name}-events`);
    const arrived = await createQueue(this.sqs, `${name}-fan-out`, 60);
    const Attributes = { RawMessageDelivery: 'true' };
    await this.sns.send(new SubscribeCommand({ TopicArn: topic, Protocol: 'sqs', Endpoint: arrived.arn, Attributes }));
    const fanningOut = startEventSource(this.sqs, arrived, 2, async ({ Records }) => {
      await fanOut(this.deps, Records.map(announcementOf));
      return { batchItemFailures: [] };
    });
    const delivering = this.deliverFrom(40, () => undefined);
    const published = new Map<string, number>();
    for (const event of eventsOf(name, count)) {
      published.set(event.id, performance.timeOrigin + performance.now());
      await this.sns.send(new PublishCommand({ TopicArn: topic, Message: eventBody(event) }));
      await sleep(pace);
    }
    await sleep(afterLast);
    const arrivals = await this.services.takeArrivals();
    fanningOut.stop();
    delivering.stop();
    await Promise.all([fanningOut.ended, delivering.ended]);
    const latencies = [...published].flatMap(([id, at]) => (arrivals[id] === undefined ? [] : [arrivals[id] - at]));
    if (latencies.length !== count) throw new Error(`only ${latencies.length} of ${count} webhooks have arrived`);
    return latencies;
  }

  private async newDoorbells(): Promise<void> {
    this.queues += 1;
    this.doorbells = await createQueue(this.sqs, `bench-doorbells-${this.queues}`, 60);
    // So few endpoints leave nothing to be handed on.
    const announcements = new Announcements(this.sqs, this.doorbells.url);
    this.deps = { ...this.shared, announcements, doorbells: new Doorbells(this.sqs, this.doorbells.url) };
  }

  private deliverFrom(concurrency: number, onSettled: (count: number) => void) {
    return startEventSource(this.sqs, this.doorbells, concurrency, async ({ Records }) => {
      const { settled, unhandled } = await deliver(
        this.deps,
        Records.map(({ body }) => parseDoorbell(body)),
      );
      if (unhandled[0]) throw unhandled[0].error;
      onSettled(settled.filter(({ delivery }) => delivery.status === 'DELIVERED').length);
      return { batchItemFailures: [] };
    });
  }

  private add(name: string, maxInFlight?: number) {
    // Nobody listens on port 1.
    const url = name === 'refused' ? 'http://127.0.0.1:1/' : `${this.services.addresses.receiver}/${name}`;
    return addEndpoint(this.deps, name, { url, ...(maxInFlight && { maxInFlight }) });
  }
}

const eventsOf = (name: string, count: number): TransferEvent[] =>
  Array.from({ length: count }, (_, at) => {
    const change = {
      trackingId: `${name}-${at}`,
      state: 'FAILED',
      previousState: 'ACTIVE',
      sequence: 1,
      unlisted: false,
    };
    const watch = { mailbox: 'alice@example.com', direction: 'sent' } as const;
    return transferEvent('https://cryptshare.example.com', watch, change, new Date().toISOString());
  });

const deliveryOf = ({ id, timestamp }: TransferEvent): Delivery => ({
  event: id,
  endpoint: 'ok',
  endpointSince: timestamp,
  eventAt: timestamp,
  rev: 1,
  status: 'CLAIMED',
  attempt: 1,
  nextAttemptAt: 0,
});

function percentiles(values: readonly number[]): Percentiles {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99) };
}
