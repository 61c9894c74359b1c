import { randomBytes } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { Partition } from '#functions/dynamodb/partition.ts';
import type { EndpointEvent } from '#functions/events/endpoint-event.ts';
import { eventBody, type TransferEvent, transferEvent } from '#functions/events/transfer-event.ts';
import { DataKey } from '#functions/lambda/data-key.ts';
import type { DeliverDependencies } from '#functions/webhooks/deliveries/attempt.ts';
import { type Delivery, deliveryKey, deliveryNameOf, duePart } from '#functions/webhooks/deliveries/delivery.ts';
import { leaseOf } from '#functions/webhooks/endpoints/lease.ts';
import { leaseKey, leasesIn } from '#functions/webhooks/endpoints/leases.ts';
import type { EndpointLifeDependencies } from '#functions/webhooks/endpoints/lifecycle.ts';
import { parseWakeUp, type WakeUp } from '#functions/webhooks/endpoints/wake-ups.ts';
import { ClockWitness } from '#functions/webhooks/engine/clock-witness.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import {
  type FanOutDependencies,
  type SweepDependencies,
  webhookRepositories,
} from '#functions/webhooks/engine/dependencies.ts';
import { fanOut } from '#functions/webhooks/engine/fan-out.ts';
import { sweep } from '#functions/webhooks/engine/sweep.ts';
import type { Mail, MailAnswer } from '#functions/webhooks/http/mail.ts';
import { webhookClient } from '#functions/webhooks/http/webhook-client.ts';
import { createTopic, createTransfersTable, createWebhooksTable } from '#infra/local/services/embedded-services.ts';
import { createQueue } from '#infra/local/services/event-source.ts';
import { takeMessages } from '#infra/local/services/subscribed-queue.ts';
import { startAws } from './aws.ts';
import { AwsFaults } from './aws-faults.ts';
import { TestClock } from './poll-world.ts';

export const webhooksTable = 'webhooks';
/** Of which these functions write one row alone. */
export const transfersTable = 'transfers';

/** A request as the receiver got it. */
export interface Received {
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
  /** By the test's clock, Unix milliseconds. */
  readonly at: number;
}

/** An answer of the receiver. */
export interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** The answer to a call to the table. */
interface Result {
  readonly output: object;
}

/** A step between a process and the table; `next` makes the call, with other input if there is any. */
export type Between = (command: string, input: object, next: (input?: object) => Promise<Result>) => Promise<Result>;

/** Deliveries of an event or digest, with their attempts. */
export interface Trace {
  readonly deliveries: readonly Delivery[];
  readonly attempts: readonly Record<string, unknown>[];
}

/** Embedded services, a receiver, and the functions between them, moved by a clock of the test. */
export type WebhookWorld = Awaited<ReturnType<typeof startWebhookWorld>>;

const server = 'https://cryptshare.example.com';
const watch = { mailbox: 'alice@example.com', direction: 'sent' } as const;

/** An event about a transfer, as the poll publishes it. */
export function exampleEvent(trackingId: string, sequence = 1, state = 'FAILED'): TransferEvent {
  const change = { trackingId, state, previousState: 'ACTIVE', sequence };
  return transferEvent(server, watch, change, '2026-11-24T00:00:00.000Z');
}

/** Events about as many transfers, `<prefix>-0` and so on. */
export const exampleEvents = (prefix: string, count: number): TransferEvent[] =>
  Array.from({ length: count }, (_, index) => exampleEvent(`${prefix}-${index}`));

export async function startWebhookWorld(data?: string) {
  const clock = new TestClock();
  const aws = await startAws(data);
  const { dynamo, sns, sqs } = aws;
  const [eventsTopicArn, queue, announcementQueue] = await Promise.all([
    createTopic(sns, 'transfer-events'),
    createQueue(sqs, 'wake-ups', 30),
    createQueue(sqs, 'announcements', 30),
    createWebhooksTable(dynamo, webhooksTable),
    createTransfersTable(dynamo, transfersTable),
  ]);
  const faults = new AwsFaults(dynamo, sns, sqs);

  const received: Received[] = [];
  const mails: Mail[] = [];
  let answerMail: (mail: Mail) => MailAnswer | Promise<MailAnswer> = () => ({});
  let answer: (request: Received) => Answer | Promise<Answer> = () => ({ status: 204 });
  const receiver = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const got = {
      path: request.url ?? '',
      headers: request.headers,
      body: Buffer.concat(chunks).toString('utf8'),
      at: clock.now().getTime(),
    };
    received.push(got);
    const { status, headers = {}, body = '' } = await answer(got);
    response.writeHead(status, { date: clock.now().toUTCString(), ...headers }).end(body);
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;

  const client = webhookClient({ resolve: async () => ['127.0.0.1'], allowPrivate: true });
  const dataKey = new DataKey(randomBytes(32).toString('base64'));
  const on = (client: DynamoDBClient) => {
    const source = { dynamo: client, table: webhooksTable };
    return { ...source, ...webhookRepositories(source, () => 0.5), witness: new ClockWitness(source) };
  };
  const shared = {
    wakeUps: { sqs, url: queue.url },
    now: clock.now,
    steady: clock.steady,
  };
  const deps: FanOutDependencies &
    DeliverDependencies &
    SweepDependencies &
    EndpointLifeDependencies & { dynamo: DynamoDBClient; table: string } = {
    ...shared,
    ...on(dynamo),
    announcements: { sqs, url: announcementQueue.url },
    dataKey,
    client,
    random: () => 0.5,
    allowPrivate: true,
    topic: { sns, eventsTopicArn, sleep: async () => {} },
    mail: {
      send: async (mail) => {
        const answer = await answerMail(mail);
        if (answer.cause === undefined) mails.push(mail);
        return answer;
      },
    },
  };

  const takeWakeUps = async (): Promise<WakeUp[]> =>
    (await takeMessages(sqs, queue.url)).map(({ Body = '' }) => parseWakeUp(Body)!);
  /** Counts the wake-ups to come, delayed ones included. */
  const countWakeUps = async (): Promise<number> => {
    const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesDelayed'] as const;
    const { Attributes = {} } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: queue.url, AttributeNames: [...names] }),
    );
    return names.reduce((sum, name) => sum + Number(Attributes[name]), 0);
  };
  /** Rows of the whole table. */
  const dump = async () => {
    const all: ReturnType<typeof unmarshall>[] = [];
    for await (const { Items = [] } of paginateScan({ client: dynamo }, { TableName: webhooksTable })) {
      all.push(...Items.map((item) => unmarshall(item)));
    }
    return all;
  };
  /** For each endpoint with work, the instant at which it may begin. */
  const firstDue = async (): Promise<number[]> => {
    const all = await dump();
    const now = clock.now().getTime();
    const pending = new Map(all.flatMap(({ sk, status, rev }) => (status === 'PENDING' ? [[sk, rev as number]] : [])));
    return (await deps.endpoints.list()).flatMap(({ name, status }) => {
      const lease = leaseOf(all.find(({ pk, sk }) => pk === leaseKey(name).pk && sk === 'LEASE'));
      const retries = all.flatMap(({ due, dueAt }) => (due === duePart(name) ? [Math.ceil(dueAt as number)] : []));
      const inFlight = Object.entries(lease.inFlight).flatMap(([event, { until, of }]) =>
        of >= (pending.get(deliveryKey({ event, endpoint: name }).sk) ?? Number.POSITIVE_INFINITY) ? [until] : [],
      );
      // A request for an attempt of another process is due when that attempt has ended.
      const requests = all
        .filter(({ pk, sk }) => pk === leaseKey(name).pk && sk.startsWith('TASK#'))
        .flatMap(({ events }) => {
          const ends = (events as string[]).map((event) => lease.inFlight[event]?.until ?? now);
          return Math.min(...ends, ...(ends.length === 0 ? [now] : []));
        });
      const first = Math.min(...retries, ...inFlight, ...requests);
      if (first === Number.POSITIVE_INFINITY) return [];
      return [
        status === 'active' ? Math.max(first, lease.holder?.until ?? 0, lease.openUntil ?? 0, lease.freeAt) : first,
      ];
    });
  };
  /** Moves the clock from one due instant to the next, until nothing waits for its time any more. */
  const settleAll = async (): Promise<void> => {
    for (let round = 0; round < 500; round += 1) {
      await deliver(deps, await takeWakeUps());
      const due = await firstDue();
      if (due.length === 0) return;
      const wait = Math.min(...due) - clock.now().getTime();
      // Work that is due and yet waits has to wait for the end of another process's attempt.
      clock.advance(wait > 0 ? wait : 1000);
      await sweep(deps, clock.steady() + 50_000);
    }
    throw new Error('deliveries keep waiting');
  };
  const clients: DynamoDBClient[] = [];
  const through = (between: Between) => {
    const endpoint = aws.environment.AWS_ENDPOINT_URL_DYNAMODB!;
    const client = new DynamoDBClient({ ...aws.sdk, endpoint });
    client.middlewareStack.add(
      (next, { commandName = '' }) =>
        (args) =>
          between(commandName, args.input, (input = args.input) => next({ ...args, input } as never)) as never,
      { step: 'initialize' },
    );
    clients.push(client);
    return { ...deps, ...on(client) };
  };
  const rows = (pk: string) => new Partition({ dynamo, table: webhooksTable }, pk).range(' ', '~');

  return {
    clock,
    deps,
    /** Variables by which another process finds the services. */
    sdkEnvironment: aws.environment,
    dynamo,
    sqs,
    queue,
    announcementQueue,
    faults,
    received,
    /** Mails that were taken. */
    mails,
    /** Lets the mail server answer otherwise. */
    setMailAnswer(next: typeof answerMail) {
      answerMail = next;
    },
    /** URL for an endpoint of this name. */
    urlOf: (name: string) => `${url}/${name}`,
    /** Lets the receiver answer otherwise. */
    setAnswer(next: typeof answer) {
      answer = next;
    },
    fanOut: (...events: (TransferEvent | EndpointEvent)[]) =>
      fanOut(
        deps,
        events.map((event) => ({ body: eventBody(event) })),
      ),
    takeWakeUps,
    countWakeUps,
    /** The leases as another process sees them, which knows none from before. */
    otherLeases: () => leasesIn({ dynamo, table: webhooksTable }, () => 0.5),
    /** The dependencies on the webhooks table through another client, as another process has them. */
    depsThrough: (client: DynamoDBClient) => ({ ...deps, ...on(client) }),
    /** The dependencies of a process that knows no lease yet, with a step between it and the table. */
    through,
    /** The dependencies of such a process whose calls take time by the clock. */
    slowed: (callMs: number) =>
      through((_, __, next) => {
        clock.advance(callMs);
        return next();
      }),
    deliver: (wakeUps: readonly WakeUp[]) => deliver(deps, wakeUps),
    /** Answers all wake-ups of the queue. */
    async answerWakeUps() {
      return deliver(deps, await takeWakeUps());
    },
    sweep: () => sweep(deps, clock.steady() + 50_000),
    /** All deliveries of an event, by endpoint, with all of their attempts. */
    async trace(event: string): Promise<Trace> {
      const all = (await rows(deliveryKey({ event, endpoint: '' }).pk)).filter(({ sk }) => sk.includes(`#${event}#`));
      const deliveries = all.flatMap((row) =>
        row.sk.startsWith('DELIVERY#') ? [{ ...row, ...deliveryNameOf(row.sk) } as unknown as Delivery] : [],
      );
      const attempts = [
        ...all.filter(({ sk }) => sk.startsWith('ATTEMPT#')),
        ...deliveries.flatMap(({ lastAttempt }) => (lastAttempt ? [{ ...lastAttempt }] : [])),
      ];
      return { deliveries, attempts };
    },
    rows,
    dump,
    settleAll,
    async close() {
      client.close();
      for (const each of clients) each.destroy();
      receiver.closeAllConnections();
      receiver.close();
      await aws.close();
    },
  };
}
