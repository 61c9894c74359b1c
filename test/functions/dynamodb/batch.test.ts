import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { pause } from '#functions/clock/backoff.ts';
import { BatchLeftoverError, getRows, putRows } from '#functions/dynamodb/batch.ts';

const table = 'webhooks';
const keys = Array.from({ length: 250 }, (_, index) => ({ pk: 'p', sk: String(index) }));

/** A DynamoDB that takes this number of entries of the batch with this number, and leaves the others over. */
async function startStingy(takes: (call: number) => number) {
  let calls = 0;
  const server = http.createServer(async (request, response) => {
    const { RequestItems } = (await json(request)) as { RequestItems: Record<string, unknown> };
    const taken = takes(calls);
    calls += 1;
    const asked = RequestItems[table];
    const answer = Array.isArray(asked)
      ? { UnprocessedItems: leftOf(asked.slice(taken)) }
      : keysAnswer((asked as { Keys: object[] }).Keys, taken);
    response.end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const dynamo = new DynamoDBClient({
    region: 'eu-central-1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  });
  onTestFinished(() => {
    dynamo.destroy();
    server.closeAllConnections();
    server.close();
  });
  return { dynamo, calls: () => calls };
}

const leftOf = (entries: readonly unknown[]) => (entries.length === 0 ? {} : { [table]: entries });
const keysAnswer = (Keys: readonly object[], taken: number) => ({
  Responses: { [table]: Keys.slice(0, taken) },
  UnprocessedKeys: Keys.length > taken ? { [table]: { Keys: Keys.slice(taken) } } : {},
});

/** RetryBudget by a clock that only pauses move on. */
function patienceOf(time: number, random = () => 1 - Number.EPSILON) {
  const pauses: number[] = [];
  let at = 0;
  const sleep = async (milliseconds: number) => {
    pauses.push(Math.round(milliseconds));
    at += milliseconds;
  };
  return { pauses, steady: () => at, sleep, random, deadline: time };
}

const batches = [
  { what: 'reading', run: getRows, rows: keys.slice(0, 100), undone: 'unread' },
  { what: 'writing', run: putRows, rows: keys.slice(0, 25), undone: 'unwritten' },
] as const;

describe.each(batches)('$what rows of which DynamoDB leaves all over', ({ run, rows, undone }) => {
  const ended = async (time: number) => {
    const { dynamo, calls } = await startStingy(() => 0);
    const patience = patienceOf(time);
    const error = await run(dynamo, table, rows, patience).then(
      () => undefined,
      (cause: Error) => cause,
    );
    expect(error).toBeInstanceOf(BatchLeftoverError);
    expect(error!.message).toContain(`${rows.length} of ${rows.length} rows ${undone}`);
    return { pauses: patience.pauses, calls: calls() };
  };

  it('pauses before each repetition, longer each time, and then says what is left', async () => {
    const { pauses, calls } = await ended(3_600_000);
    expect(pauses).toEqual([50, 100, 200, 400, 800, 1600, 3200, 5000]);
    expect(calls).toBe(9);
  });

  it.each([
    { time: 1000, pauses: [50, 100, 200, 400] },
    { time: 40, pauses: [] },
    { time: 0, pauses: [] },
  ])('ends before $time ms are over when there is no more time', async ({ time, pauses }) => {
    expect(await ended(time)).toEqual({ pauses, calls: pauses.length + 1 });
  });
});

test.each(batches)('$what goes on for as long as DynamoDB does a part of it', async ({ run }) => {
  const { dynamo, calls } = await startStingy(() => 10);
  const patience = patienceOf(3_600_000);
  await run(dynamo, table, keys, patience);
  expect(calls()).toBe(25);
  expect(new Set(patience.pauses)).toEqual(new Set([50]));
});

test('getRows reads what DynamoDB has left over in the end, each row once, in the order of the keys', async () => {
  const { dynamo } = await startStingy((call) => [7, 0, 0, 60][call % 4]!);
  const rows = await getRows(dynamo, table, keys, patienceOf(3_600_000));
  expect(rows).toEqual(keys);
});

test('putRows pauses for nothing while nothing is left over', async () => {
  const { dynamo, calls } = await startStingy(() => 100);
  const patience = patienceOf(3_600_000);
  await putRows(dynamo, table, keys, patience);
  expect(calls()).toBe(10);
  expect(patience.pauses).toEqual([]);
});

test.each([
  { chance: 0, milliseconds: 0 },
  { chance: 0.25, milliseconds: 100 },
  { chance: 0.999, milliseconds: 400 },
])(
  'pause takes any length up to its longest with the same chance: $chance of 400 ms',
  async ({ chance, milliseconds }) => {
    const patience = patienceOf(3_600_000, () => chance);
    expect(await pause(4, patience)).toBe(true);
    expect(patience.pauses).toEqual([milliseconds]);
  },
);
