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
import type { WebhookUnits } from './monthly-use.ts';
import type { ServiceAddresses } from './services.ts';
import { UnitsMeter } from './units-meter.ts';

/** Times that everything is measured; rows differ in nothing but ids and times. */
const rounds = 10;

const table = 'metered-webhooks';
const watch: Watch = { mailbox: 'alice@example.com', direction: 'sent' };

/** Measures how many units of DynamoDB webhooks cost, each function by itself with one message. */
export async function measureWebhookUnits(
  { receiver, sdkEnvironment }: ServiceAddresses,
  topics: Topics,
): Promise<WebhookUnits> {
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
  const measured: { [Part in keyof WebhookUnits]: Units[] } = {
    event: [],
    notice: [],
    creation: [],
    delivery: [],
    sweep: [],
  };
  try {
    await addEndpoint(deps, endpoint, { url: `${receiver}/ok`, types: ['transfer.failed'] });
    for (let round = 0; round < rounds; round += 1) {
      // An endpoint that wants something else is read all the same.
      const unwanted = eventOf(`unwanted-${round}`, 'ACTIVE');
      const wanted = eventOf(`wanted-${round}`, 'FAILED');
      const base = await meter.of(() => fanOut(deps, [{ body: eventBody(unwanted) }]));
      const whole = await meter.of(() => fanOut(deps, [{ body: eventBody(wanted) }]));
      measured.event.push(base);
      measured.creation.push({ read: whole.read - base.read, write: whole.write - base.write });
      const { record } = transferNotice(watch, [wanted]);
      measured.notice.push(await meter.of(() => fanOut(deps, [{ body: JSON.stringify(record) }])));
      measured.delivery.push(
        await meter.of(async () => {
          const { settled } = await deliver(deps, [{ event: wanted.id, endpoint }]);
          if (settled[0]?.delivery.status !== 'DELIVERED') throw new Error('the webhook was not delivered');
        }),
      );
      measured.sweep.push(await meter.of(() => sweep(deps, deps.now().getTime() + 10_000)));
    }
  } finally {
    client.close();
    for (const one of [dynamo, onlooker, sqs]) one.destroy();
  }
  return {
    event: meanOf(measured.event),
    notice: meanOf(measured.notice),
    creation: meanOf(measured.creation),
    delivery: meanOf(measured.delivery),
    sweep: meanOf(measured.sweep),
  };
}

const eventOf = (trackingId: string, state: string) => {
  const change = { trackingId, state, previousState: 'PROCESSING', sequence: 1, unlisted: false };
  return transferEvent('https://cryptshare.example.com', watch, change, new Date().toISOString());
};

function meanOf(measured: readonly Units[]): Units {
  const mean = (kind: keyof Units) => measured.reduce((sum, units) => sum + units[kind], 0) / measured.length;
  return { read: mean('read'), write: mean('write') };
}
