import { beforeAll, describe, expect, test } from 'vitest';
import { putRows } from '#functions/dynamodb/batch.ts';
import { CursorError, countKeys, type IndexRange, paginate } from '#functions/dynamodb/index-pages.ts';
import type { Item } from '#functions/dynamodb/row.ts';
import { indexes } from '#functions/webhooks/deliveries/delivery.ts';
import { startWebhookWorld, type WebhookWorld, webhooksTable } from '#test/support/webhook-world.ts';

const rowsADay = 1050;
const days = ['2026-11-23', '2026-11-24'];

let world: WebhookWorld;
beforeAll(async () => {
  world = await startWebhookWorld();
  const rows = days.flatMap((day) =>
    Array.from({ length: rowsADay }, (_, index) => ({
      pk: `EVENT#${day}-${index}`,
      sk: 'EVENT',
      day,
      listedAt: `${day}T00:${String(Math.floor(index / 60)).padStart(2, '0')}:${String(index % 60).padStart(2, '0')}.000Z`,
      number: index,
    })),
  );
  await putRows(world.dynamo, webhooksTable, rows);
  return () => world.close();
});

const range = (day: string): IndexRange => ({
  index: indexes.byDay.name,
  partition: ['day', day],
  sort: ['listedAt', '2026', '2027'],
  isDescending: false,
});
const ranges = days.map(range);
const read = (row: Item): Item => row;

describe('paginate', () => {
  test('goes from one range to the next, and ends without a cursor', async () => {
    const isWanted = (row: Item) => row.number % 500 === 0;
    const seen: string[] = [];
    let after: Record<string, string | number> | undefined;
    do {
      const page = await paginate(world.deps, { ranges, read, isWanted }, { after, limit: 10 });
      seen.push(...page.items.map(({ day, number }) => `${day} ${number}`));
      after = page.next;
    } while (after);
    expect(seen).toEqual(days.flatMap((day) => [0, 500, 1000].map((number) => `${day} ${number}`)));
  });

  test('ends after 1,000 rows when it finds little, with the cursor after which to go on', async () => {
    const isWanted = (row: Item) => row.number === rowsADay - 1;
    const first = await paginate(world.deps, { ranges, read, isWanted }, { after: undefined, limit: 1 });
    expect(first).toMatchObject({ items: [], next: { day: days[0] } });
    const second = await paginate(world.deps, { ranges, read, isWanted }, { after: first.next, limit: 1 });
    expect(second.items.map(({ day }) => day)).toEqual([days[0]]);
  });

  test('ends after 200 empty ranges, with the cursor after which to go on', async () => {
    const empty = Array.from({ length: 450 }, (_, index) => range(`1999-${index}`));
    let after: Record<string, string | number> | undefined;
    let walks = 0;
    let found: unknown[] = [];
    do {
      const page = await paginate(world.deps, { ranges: [...empty, range(days[1]!)], read }, { after, limit: 1 });
      walks += 1;
      found = page.items.map(({ day, number }) => `${day} ${number}`);
      after = page.next;
    } while (after && found.length === 0);
    expect({ walks, found }).toEqual({ walks: 3, found: [`${days[1]} 0`] });
  });

  test('goes through rows of the table itself', async () => {
    const rows = Array.from({ length: 30 }, (_, index) => ({
      pk: `EVENT#own${index % 2}`,
      sk: `DELIVERY#${index}`,
      number: index,
    }));
    await putRows(world.dynamo, webhooksTable, rows);
    const own = ['EVENT#own1', 'EVENT#own0'].map(
      (pk): IndexRange => ({
        index: undefined,
        partition: ['pk', pk],
        sort: ['sk', 'DELIVERY#1', 'DELIVERY#1~'],
        isDescending: false,
      }),
    );
    const seen: unknown[] = [];
    let after: Record<string, string | number> | undefined;
    do {
      const page = await paginate(world.deps, { ranges: own, read }, { after, limit: 4 });
      seen.push(...page.items.map(({ number }) => number));
      after = page.next;
    } while (after);
    expect(seen).toEqual([1, 11, 13, 15, 17, 19, 10, 12, 14, 16, 18]);
  });

  test('gives no more rows than its limit, and goes on right after them', async () => {
    const all = { ranges, read };
    const first = await paginate(world.deps, all, { after: undefined, limit: 3 });
    const second = await paginate(world.deps, all, { after: first.next, limit: 3 });
    expect([...first.items, ...second.items].map(({ number }) => number)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test('returns rows of the same sort key once where a range says so, also over several pages', async () => {
    const at = '2026-11-25T00:00:00.000Z';
    const rows = ['a', 'b', 'c'].map((name) => ({ pk: 'EVENT#two', sk: name, day: '2026-11-25', listedAt: at, name }));
    await putRows(world.dynamo, webhooksTable, rows);
    const once = { ...range('2026-11-25'), isOncePerSortKey: true } as const;
    const all = { ranges: [once], read };
    const first = await paginate(world.deps, all, { after: undefined, limit: 5 });
    expect(first).toMatchObject({ items: [{ pk: 'EVENT#two' }], next: undefined });
    const place = { pk: 'EVENT#two', sk: 'a', day: '2026-11-25', listedAt: at };
    const second = await paginate(world.deps, all, { after: place, limit: 5 });
    expect(second.items).toEqual([]);
  });

  test('searches for several things in the same range, each with cursors of its own', async () => {
    await putRows(world.dynamo, webhooksTable, [
      { pk: 'OF#a', sk: `EVENT#${days[0]}-0`, name: 'a' },
      { pk: 'OF#b', sk: `EVENT#${days[0]}-0`, name: 'b' },
    ]);
    const looks = ['a', 'b'].map(
      (of): IndexRange => ({ ...ranges[0]!, of, rowOf: ({ pk }) => ({ pk: `OF#${of}`, sk: pk }) }),
    );
    const search = { ranges: looks, read };
    const first = await paginate(world.deps, search, { after: undefined, limit: 1 });
    expect(first.items).toMatchObject([{ name: 'a' }]);
    const names: unknown[] = [];
    let { next } = first;
    while (next) {
      const page = await paginate(world.deps, search, { after: next, limit: 1 });
      names.push(...page.items.map(({ name }) => name));
      next = page.next;
    }
    expect(names).toEqual(['b']);
  });

  test.each([
    ['of another range', { pk: 'EVENT#a', sk: 'EVENT', day: '2026-11-22', listedAt: '2026-11-22T00:00:00.000Z' }],
    ['outside of the range', { pk: 'EVENT#a', sk: 'EVENT', day: '2026-11-23', listedAt: '2025-11-23T00:00:00.000Z' }],
    ['with a part of another type', { pk: 'EVENT#a', sk: 'EVENT', day: '2026-11-23', listedAt: 1 }],
    ['with a part too few', { pk: 'EVENT#a', sk: 'EVENT', day: '2026-11-23' }],
    ['that the database refuses', { pk: '', sk: 'EVENT', day: '2026-11-23', listedAt: '2026-11-23T00:00:00.000Z' }],
  ])('refuses a cursor %s', async (_, after) => {
    const page = paginate(world.deps, { ranges, read }, { after, limit: 1 });
    await expect(page).rejects.toThrow(CursorError);
  });
});

test('countKeys counts up to a limit', async () => {
  const count = (most: number) => countKeys(world.deps, range(days[0]!), most);
  expect(await count(2000)).toBe(rowsADay);
  expect(await count(100)).toBe(100);
});
