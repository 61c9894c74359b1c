import { beforeAll, expect, test } from 'vitest';
import { Partition } from '#functions/dynamodb/partition.ts';
import { createTransfersTable } from '#infra/local/services/embedded-services.ts';
import { startAws } from '#test/support/aws.ts';

let rows: Partition;
beforeAll(async () => {
  const aws = await startAws();
  await createTransfersTable(aws.dynamo, 'rows');
  rows = new Partition({ dynamo: aws.dynamo, table: 'rows' }, 'P');
  return () => aws.close();
});

const read = async (sk: string) => (await rows.range(sk, sk))[0];

test('update sets attributes, whatever DynamoDB reserves, and removes those that are undefined', async () => {
  await rows.put('a', { status: 'old', count: 1, day: 'monday' }, {});
  expect(await rows.update('a', { status: 'new', day: undefined, name: 'x' }, {})).toBe(true);
  expect(await read('a')).toEqual({ pk: 'P', sk: 'a', status: 'new', count: 1, name: 'x' });
});

test('update changes nothing when its condition fails, though it names the attribute that it sets', async () => {
  await rows.put('b', { rev: 3 }, {});
  expect(await rows.update('b', { rev: 5 }, { condition: 'rev = :rev', values: { rev: 4 } })).toBe(false);
  expect(await rows.update('b', { rev: 4 }, { condition: 'rev = :rev', values: { rev: 3 } })).toBe(true);
  expect(await read('b')).toMatchObject({ rev: 4 });
});

test('update removes attributes without setting any', async () => {
  await rows.put('d', { pending: ['x'] }, {});
  expect(await rows.update('d', { pending: undefined }, {})).toBe(true);
  expect(await read('d')).toEqual({ pk: 'P', sk: 'd' });
});
