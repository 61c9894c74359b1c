import { randomBytes } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { steady } from '../../functions/instants.ts';
import { transferNotice } from '../../functions/notices/notice.ts';
import type { Units } from '../../functions/table.ts';
import { eventBody, transferEvent } from '../../functions/transfers/event.ts';
import type { Topics } from '../../functions/transfers/publish.ts';
import type { Watch } from '../../functions/transfers/transfer.ts';
import { Announcements } from '../../functions/webhooks/announcements.ts';
import { deliver } from '../../functions/webhooks/deliver.ts';
import { Doorbells } from '../../functions/webhooks/doorbells.ts';
import { addEndpoint } from '../../functions/webhooks/endpoint-life.ts';
import { fanOut } from '../../functions/webhooks/fan-out.ts';
import { Gates } from '../../functions/webhooks/gates.ts';
import { WebhookClient } from '../../functions/webhooks/post.ts';
import { DataKey } from '../../functions/webhooks/sealing.ts';
import { sweep } from '../../functions/webhooks/sweep.ts';
import { createWebhooksTable } from '../../infra/local/embedded-services.ts';
import { createQueue } from '../../infra/local/event-source.ts';
import { sdkSettings } from '../support/sdk-settings.ts';
import { assumed } from './bill-assumptions.ts';
import type { EventUnits, StoredBytes, WebhookUnits } from './monthly-use.ts';
import type { ServiceAddresses } from './services.ts';
import { storedBytes } from './stored-bytes.ts';
import { UnitsMeter } from './units-meter.ts';

/** Times that everything is measured; rows differ in nothing but ids and times. */
const rounds = 10;

const table = 'metered-webhooks';
const watch: Watch = { mailbox: 'alice@example.com', direction: 'sent' };

/** Measures how many units of DynamoDB webhooks cost, each function by itself, and the bytes that they store. */
export async function measureWebhookUnits(
  { receiver, sdkEnvironment }: ServiceAddresses,
  topics: Topics,
): Promise<{ units: WebhookUnits; stored: Omit<StoredBytes, 'transfer'> }> {
  const sdk = sdkSettings(sdkEnvironment);
  const database = { ...sdk, endpoint: sdkEnvironment.AWS_ENDPOINT_URL_DYNAMODB! };
  const [dynamo, onlooker] = [new DynamoDBClient(database), new DynamoDBClient(database)];
  const sqs = new SQSClient({ ...sdk, endpoint: sdkEnvironment.AWS_ENDPOINT_URL_SQS!, useQueueUrlAsEndpoint: false });
  const client = new WebhookClient({ resolve: async () => [], allowPrivate: true });
  await createWebhooksTable(onlooker, table);
  const meter = new UnitsMeter(dynamo, onlooker);
  const { url } = await createQueue(sqs, table, 60);
  const deps = {
    dynamo,
    table,
    topics,
    client,
    doorbells: new Doorbells(sqs, url),
    announcements: new Announcements(sqs, url),
    gates: new Gates(dynamo, table, Math.random),
    dataKey: new DataKey(randomBytes(32).toString('base64')),
    allowPrivate: true,
    now: () => new Date(),
    steady,
    random: Math.random,
  };
  const endpoint = 'ok';
  /** An event's way, with so many of them in each invocation. */
  const wayOf = async (batch: number): Promise<EventUnits> => {
    const ways: EventUnits[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const each = ({ read, write }: Units): Units => ({ read: read / batch, write: write / batch });
      const eventsOf = (name: string, state: string) =>
        Array.from({ length: batch }, (_, at) => eventOf(`${name}-${batch}-${round}-${at}`, state));
      // An endpoint that wants something else is read all the same.
      const [unwanted, wanted] = [eventsOf('unwanted', 'ACTIVE'), eventsOf('wanted', 'FAILED')];
      const messagesOf = (events: typeof wanted) => events.map((event) => ({ body: eventBody(event) }));
      const event = each(await meter.of(() => fanOut(deps, messagesOf(unwanted))));
      const whole = each(await meter.of(() => fanOut(deps, messagesOf(wanted))));
      const delivery = each(
        await meter.of(async () => {
          const { settled } = await deliver(
            deps,
            wanted.map(({ id }) => ({ event: id, endpoint })),
          );
          if (settled.length !== batch || settled.some((one) => one.delivery.status !== 'DELIVERED')) {
            throw new Error('a webhook was not delivered');
          }
        }),
      );
      ways.push({ event, creation: { read: whole.read - event.read, write: whole.write - event.write }, delivery });
    }
    const partOf = (part: keyof EventUnits) => meanOf(ways.map((way) => way[part]));
    return { event: partOf('event'), creation: partOf('creation'), delivery: partOf('delivery') };
  };
  try {
    await addEndpoint(deps, endpoint, { url: `${receiver}/ok`, types: ['transfer.failed'] });
    const alone = await wayOf(1);
    const burst = await wayOf(assumed('batch'));
    const { record } = transferNotice(watch, [eventOf('notice', 'FAILED')]);
    const notice = await meter.of(() => fanOut(deps, [{ body: JSON.stringify(record) }]));
    const sweeps: Units[] = [];
    for (let round = 0; round < rounds; round += 1) {
      sweeps.push(await meter.of(() => sweep(deps, deps.now().getTime() + 10_000)));
    }
    return { units: { alone, burst, notice, sweep: meanOf(sweeps) }, stored: await storedOf() };
  } finally {
    client.close();
    for (const one of [dynamo, onlooker, sqs]) one.destroy();
  }

  /** Bytes of an event of its own, and of a delivery beside it. */
  async function storedOf() {
    const bytesAfter = async (trackingId: string, state: string) => {
      const event = eventOf(trackingId, state);
      const before = await storedBytes(onlooker, table);
      await fanOut(deps, [{ body: eventBody(event) }]);
      await deliver(deps, [{ event: event.id, endpoint }]);
      return (await storedBytes(onlooker, table)) - before;
    };
    const event = await bytesAfter('unwanted-kept', 'ACTIVE');
    return { event, delivery: (await bytesAfter('wanted-kept', 'FAILED')) - event };
  }
}

const eventOf = (trackingId: string, state: string) => {
  const change = { trackingId, state, previousState: 'PROCESSING', sequence: 1, unlisted: false };
  return transferEvent('https://cryptshare.example.com', watch, change, new Date().toISOString());
};

function meanOf(measured: readonly Units[]): Units {
  const mean = (kind: keyof Units) => measured.reduce((sum, units) => sum + units[kind], 0) / measured.length;
  return { read: mean('read'), write: mean('write') };
}
