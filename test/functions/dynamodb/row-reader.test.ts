import { describe, expect, test } from 'vitest';
import * as r from '#functions/dynamodb/row-reader.ts';
import { logName } from '#functions/parsing/log-name.ts';

const read = r.rowReader(
  r.object({
    rev: r.number,
    status: r.oneOf(['active', 'paused']),
    note: r.optional(r.text),
    count: r.orElse(r.number, 0),
    parts: r.optional(r.list(r.object({ isLone: r.flag }))),
    leases: r.optional(r.record(r.object({ until: r.number }))),
    digests: r.optional(r.bytes),
  }),
);
const row = { pk: 'SHARDS', sk: 'shard#0', rev: 1, status: 'active' };

describe('rowReader', () => {
  test('reads the named attributes and drops keys and others', () => {
    expect(Object.keys(read({ ...row, other: 1 }))).toEqual(['rev', 'status', 'count']);
  });

  test('reads attributes of every kind', () => {
    const parts = { parts: [{ isLone: true }], leases: { a: { until: 2 } }, digests: new Uint8Array(2) };
    expect(read({ ...row, ...parts, note: 'x', count: 3 })).toEqual({
      ...{ rev: 1, status: 'active', note: 'x', count: 3 },
      ...parts,
    });
  });

  test.each([
    [{ rev: '1' }, 'rev must be a number'],
    [{ rev: undefined }, 'rev must be a number'],
    [{ status: 'gone' }, 'status must be active or paused'],
    [{ note: 1 }, 'note must be a text'],
    [{ parts: {} }, 'parts must be a list'],
    [{ parts: [{ isLone: 1 }] }, 'parts.isLone must be true or false'],
    [{ leases: { a: { until: 'secret' } } }, 'leases.a.until must be a number'],
    [{ leases: 1 }, 'leases must be an object'],
    [{ digests: 'x' }, 'digests must be bytes'],
  ])('refuses %j, and says which row and what it expected', (wrong, expected) => {
    const error = new r.RowError(`the row SHARDS shard#0 is not as expected: ${expected}`);
    expect(() => read({ ...row, ...wrong })).toThrow(error);
  });

  test.each([
    ['WATCHES', '0a1b2c3d#sent#a#b@example.com', `WATCHES 0a1b2c3d#${logName('sent#a#b@example.com')}`],
    ['sent#alice@example.com', 'ROOT', `${logName('sent#alice@example.com')} ROOT`],
    ['VERIFICATIONS', 'alice@example.com', `VERIFICATIONS ${logName('alice@example.com')}`],
  ])('names the row %s %s as logs name its mailbox', (pk, sk, name) => {
    const error = new r.RowError(`the row ${name} is not as expected: rev must be a number`);
    expect(() => read({ pk, sk })).toThrow(error);
  });
});
