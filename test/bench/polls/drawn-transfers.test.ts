import { describe, expect, test } from 'vitest';
import { drawTransfers } from './drawn-transfers.ts';

const counted = (drawn: ReturnType<typeof drawTransfers>, of: 'recipients' | 'files') =>
  [...new Set(drawn.map((transfer) => transfer[of]))].sort((a, b) => a - b);

describe('drawTransfers', () => {
  test('draws 1 to 5 recipients and 1 to 10 files, and fetches only of these', () => {
    const drawn = drawTransfers({ seed: 1, transfers: 1000, active: 'all' });
    expect(counted(drawn, 'recipients')).toEqual([1, 2, 3, 4, 5]);
    expect(counted(drawn, 'files')).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const places = drawn.flatMap(({ downloads, ...own }) => downloads.map((download) => ({ ...own, ...download })));
    expect(places.every(({ recipient, recipients, file, files }) => recipient <= recipients && file <= files)).toBe(
      true,
    );
  });

  test('draws transfers of which some are fetched and some are not, some overdue, some with a problem', () => {
    const drawn = drawTransfers({ seed: 1, transfers: 1000, active: 'all' });
    for (const is of [
      ({ downloads }: (typeof drawn)[number]) => downloads.length > 0,
      ({ endsInHours }: (typeof drawn)[number]) => endsInHours < 48,
      ({ isProblem }: (typeof drawn)[number]) => isProblem,
    ]) {
      expect(drawn.filter(is).length).toBeGreaterThan(0);
      expect(drawn.filter(is).length).toBeLessThan(1000);
    }
  });

  test('draws the same from the same seed, and others from another', () => {
    const drawing = { seed: 1, transfers: 100, active: { chance: 0.05 } };
    expect(drawTransfers(drawing)).toEqual(drawTransfers(drawing));
    expect(drawTransfers(drawing)).not.toEqual(drawTransfers({ ...drawing, seed: 2 }));
  });

  test('has exactly a part active, or a number near it by chance', () => {
    const activeOf = (active: { chance: number } | { part: number }) =>
      drawTransfers({ seed: 1, transfers: 10_000, active }).filter(({ isActive }) => isActive).length;
    expect(activeOf({ part: 0.05 })).toBe(500);
    expect(Math.abs(activeOf({ chance: 0.05 }) - 500)).toBeLessThan(100);
  });
});
