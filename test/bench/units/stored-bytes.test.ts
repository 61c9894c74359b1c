import { describe, expect, test } from 'vitest';
import { rowBytes } from './stored-bytes.ts';

const row = { pk: { S: 'EVENT#1' }, sk: { S: 'EVENT' }, day: { S: '2026-11-26' }, at: { N: '1795667924218' } };

describe('rowBytes', () => {
  test('counts names and values of a row, and 100 bytes besides', () => {
    expect(rowBytes(row, [])).toBe(100 + (2 + 7) + (2 + 5) + (3 + 10) + (2 + 8));
  });

  test('counts keys and 100 bytes more for each index whose keys the row has', () => {
    const place = 100 + (2 + 7) + (2 + 5) + (3 + 10) + (2 + 8);
    expect(rowBytes(row, [['day', 'at']]) - rowBytes(row, [])).toBe(place);
    expect(rowBytes(row, [['due', 'at']])).toBe(rowBytes(row, []));
  });

  test('counts maps, lists, truth and bytes by the rules of DynamoDB', () => {
    expect(rowBytes({ pk: { S: '' }, a: { M: { b: { BOOL: true } } } }, [])).toBe(100 + 2 + 1 + (3 + 1 + 1 + 1));
    expect(rowBytes({ pk: { S: '' }, a: { L: [{ NULL: true }] } }, [])).toBe(100 + 2 + 1 + (3 + 1 + 1));
    expect(rowBytes({ pk: { S: '' }, a: { B: new Uint8Array(5) } }, [])).toBe(100 + 2 + 1 + 5);
  });
});
