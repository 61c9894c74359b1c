import { expect, it } from 'vitest';
import { remember } from '#infra/bounded/remember.ts';

it('a bounded memory keeps the latest entries, of which one that comes again is the latest', () => {
  const memory = new Map<string, number>();
  const forgotten = ['a', 'b', 'a', 'c'].map((key, index) => remember(memory, key, index, 2));
  expect(forgotten).toEqual([undefined, undefined, undefined, 'b']);
  expect([...memory]).toEqual([
    ['a', 2],
    ['c', 3],
  ]);
});
