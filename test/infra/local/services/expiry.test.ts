import { PutItemCommand, QueryCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { putRows } from '#functions/dynamodb/batch.ts';
import type { Item } from '#functions/dynamodb/row.ts';
import { indexes } from '#functions/webhooks/deliveries/delivery.ts';
import type { Config } from '#infra/config/config.ts';
import type { Part } from '#infra/local/process/stopping.ts';
import { createTransfersTable, createWebhooksTable } from '#infra/local/services/embedded-services.ts';
import { startExpiry } from '#infra/local/services/expiry.ts';
import { askServerTime } from '#infra/local/services/server-time.ts';
import { startCryptshareServer } from '#infra/simulator/server.ts';
import { startAws, type TestAws } from '#test/support/aws.ts';
import { TestClock } from '#test/support/poll-world.ts';

const [transfers, webhooks] = ['transfers', 'webhooks'];
const minute = 60_000;
const day = 24 * 60 * minute;
let aws: TestAws;
let clock: TestClock;
let part: Part;
let mayGoOn: () => void;
let rests: () => void;
/** The server's time. */
let told: () => number | undefined;

beforeAll(async () => {
  aws = await startAws();
  await createTransfersTable(aws.dynamo, transfers!);
  await createWebhooksTable(aws.dynamo, webhooks!);
});
afterAll(() => aws.close());
beforeEach(async () => {
  clock = new TestClock();
  told = clock.steady;
  const resting = restsAgain();
  part = startExpiry({
    dynamo: aws.dynamo,
    tables: [transfers!, webhooks!],
    now: clock.now,
    serverTime: async () => told(),
    async sleep(milliseconds, signal) {
      if (milliseconds < minute) return;
      rests();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      mayGoOn = resolve;
      signal.addEventListener('abort', reject);
      await promise;
    },
  });
  await resting;
  return async () => {
    part.stop();
    await part.ended;
  };
});

const restsAgain = () =>
  new Promise<void>((resolve) => {
    rests = resolve;
  });

/** Lets the next deletion run; resolves when it has ended. */
async function anHourLater(): Promise<void> {
  const resting = restsAgain();
  mayGoOn();
  await resting;
}

const inSeconds = (milliseconds: number) => Math.floor((clock.now().getTime() + milliseconds) / 1000);

async function rowsOf(table: string): Promise<string[]> {
  const { Items = [] } = await aws.dynamo.send(new ScanCommand({ TableName: table }));
  return Items.map(({ sk }) => sk!.S!).sort();
}

const put = (table: string, rows: readonly Item[]) => putRows(aws.dynamo, table, rows);

describe('startExpiry', () => {
  it('deletes expired rows from all tables and indexes, and no others', async () => {
    await put(transfers!, [
      { pk: 'ANNOUNCED', sk: 'old', expiresAt: inSeconds(minute) },
      { pk: 'ANNOUNCED', sk: 'new', expiresAt: inSeconds(day) },
      { pk: 'sent#alice@example.com', sk: 'ROOT', rev: 1 },
    ]);
    await put(webhooks!, [
      { pk: 'EVENT#1', sk: 'EVENT', day: '2026-11-24', at: 'then', expiresAt: inSeconds(minute) },
      { pk: 'EVENT#2', sk: 'DELIVERY#crm', due: 'DUE#0', dueAt: 1 },
    ]);
    await anHourLater();
    expect(await rowsOf(transfers!)).toEqual(['ROOT', 'new', 'old']);
    clock.advance(2 * minute);
    await anHourLater();
    expect([await rowsOf(transfers!), await rowsOf(webhooks!)]).toEqual([['ROOT', 'new'], ['DELIVERY#crm']]);
    const { Count } = await aws.dynamo.send(
      new QueryCommand({
        TableName: webhooks,
        IndexName: indexes.byDay.name,
        KeyConditionExpression: '#day = :day',
        ExpressionAttributeNames: { '#day': 'day' },
        ExpressionAttributeValues: { ':day': { S: '2026-11-24' } },
      }),
    );
    expect(Count).toBe(0);
    clock.advance(day);
    await anHourLater();
    expect(await rowsOf(transfers!)).toEqual(['ROOT']);
  });

  it('keeps a row whose expiry is extended during the scan', async () => {
    const key = { pk: { S: 'ANNOUNCED' }, sk: { S: 'renewed' } };
    await put(transfers!, [{ pk: 'ANNOUNCED', sk: 'renewed', expiresAt: inSeconds(minute) }]);
    aws.dynamo.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          if (commandName === 'DeleteItemCommand') {
            const Item = { ...key, expiresAt: { N: String(inSeconds(day)) } };
            await aws.dynamo.send(new PutItemCommand({ TableName: transfers, Item }));
          }
          return next(args);
        },
      { step: 'initialize', name: 'renew' },
    );
    clock.advance(2 * minute);
    await anHourLater();
    aws.dynamo.middlewareStack.remove('renew');
    expect(await rowsOf(transfers!)).toContain('renewed');
  });

  it('scans 1,000 rows in several steps', async () => {
    const limits: (number | undefined)[] = [];
    const rows = Array.from({ length: 1000 }, (_, index) => ({ pk: 'many', sk: `many-${index}` }));
    await put(webhooks!, [...rows, { pk: 'many', sk: 'past', expiresAt: inSeconds(minute) }]);
    aws.dynamo.middlewareStack.add(
      (next) => (args) => {
        if ('Limit' in args.input) limits.push(args.input.Limit);
        return next(args);
      },
      { step: 'initialize', name: 'steps' },
    );
    clock.advance(2 * minute);
    await anHourLater();
    aws.dynamo.middlewareStack.remove('steps');
    expect(limits.every((limit) => limit! <= 250)).toBe(true);
    expect(limits.length).toBeGreaterThanOrEqual(4);
    const left = await rowsOf(webhooks!);
    expect(left.filter((sk) => sk.startsWith('many'))).toHaveLength(1000);
    expect(left).not.toContain('past');
  });

  it.each<[string, ahead: number, told: () => number | undefined]>([
    ['a clock ahead of the server’s', 2 * day, () => clock.steady()],
    ['a clock ahead, and a server without a time', 2 * day, () => undefined],
    ['a server whose clock is ahead', 0, () => clock.steady() + 2 * day],
  ])('deletes nothing beside %s', async (name, ahead, theirs) => {
    told = theirs;
    await put(transfers!, [{ pk: 'ANNOUNCED', sk: name, expiresAt: inSeconds(day) }]);
    clock.set(ahead);
    for (let hour = 0; hour < 3; hour += 1) await anHourLater();
    expect(await rowsOf(transfers!)).toContain(name);
  });
});

describe('askServerTime', () => {
  it('returns the server’s time, and undefined when the server cannot be reached', async () => {
    const cryptshare = await startCryptshareServer({ now: clock.now });
    const config = { server: { url: cryptshare.url } } as Config;
    expect(await askServerTime(config.server)).toBe(clock.now().getTime());
    await cryptshare.close();
    expect(await askServerTime(config.server)).toBeUndefined();
  });
});
