import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { ClassicLevel } from 'classic-level';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { putRows } from '#functions/dynamodb/batch.ts';
import { Partition } from '#functions/dynamodb/partition.ts';
import { createTransfersTable } from '#infra/local/services/embedded-services.ts';
import { startAws, type TestAws } from '#test/support/aws.ts';

/** LevelDB reports each opened and closed resource to its own class. */
const { prototype } = Object.getPrototypeOf(ClassicLevel) as {
  prototype: Record<'attachResource' | 'detachResource', (resource: object) => void>;
};
const { attachResource, detachResource } = prototype;
const opened = new Set<object>();
let all = 0;

let aws: TestAws;
beforeAll(async () => {
  prototype.attachResource = function (resource) {
    all += 1;
    opened.add(resource);
    attachResource.call(this, resource);
  };
  prototype.detachResource = function (resource) {
    opened.delete(resource);
    detachResource.call(this, resource);
  };
  aws = await startAws();
  await createTransfersTable(aws.dynamo, 'transfers');
  await putRows(
    aws.dynamo,
    'transfers',
    Array.from({ length: 50 }, (_, index) => ({ pk: 'many', sk: String(index) })),
  );
});
afterAll(async () => {
  Object.assign(prototype, { attachResource, detachResource });
  await aws.close();
});

describe('closeIterators', () => {
  it.each([
    ['a query', () => new Partition({ dynamo: aws.dynamo, table: 'transfers' }, 'many').range('0', '9')],
    [
      'a query that ends before its last row',
      () => new Partition({ dynamo: aws.dynamo, table: 'transfers' }, 'many').page('0', '9', 3),
    ],
    ['a scan', () => aws.dynamo.send(new ScanCommand({ TableName: 'transfers', Limit: 10 }))],
  ])('leaves nothing open in the embedded database after %s', async (_, ask) => {
    const before = all;
    await ask();
    expect(all).toBeGreaterThan(before);
    await expect.poll(() => opened.size).toBe(0);
  });
});
