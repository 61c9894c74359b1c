import { afterAll, beforeAll, expect, it } from 'vitest';
import { largest, perPage, type StoredWorld, startStoredWorld } from './stored-world.ts';

const stored = { events: 320, watches: 130, transfers: 210 };
let world: StoredWorld;
beforeAll(async () => {
  world = await startStoredWorld(stored);
});
afterAll(() => world.close());

const ofWatch = `/watches/${largest.direction}/${largest.mailbox}/transfers`;
const limit = String(perPage);

it.each([
  // The delivery whose form all have is there as well.
  ['/events', {}, stored.events + 1],
  ['/deliveries', { endpoint: 'crm' }, stored.events + 1],
  ['/watches', {}, stored.watches],
  [ofWatch, {}, stored.transfers],
])('the rows that the benchmark writes past DynamoDB are all in the list %s', async (path, query, count) => {
  const pages = await world.pages(path, { ...query, limit });
  const texts = pages.flat().map((item) => JSON.stringify(item));
  expect([texts.length, new Set(texts).size]).toEqual([count, count]);
});

it.each([
  ['events', '/events', {}],
  ['deliveries', '/deliveries', { endpoint: 'crm' }],
  ['watches', '/watches', {}],
  ['transfers', ofWatch, {}],
] as const)(
  'the cursors of the benchmark lead to a page in the middle of the %s, and to the last',
  async (list, path, query) => {
    const { middle, last } = world.cursors[list];
    const inMiddle = await world.ask('GET', path, { query: { ...query, limit, cursor: middle } });
    expect([inMiddle.status, inMiddle.body.items.length, typeof inMiddle.body.next]).toEqual([200, perPage, 'string']);
    const atEnd = await world.ask('GET', path, { query: { ...query, limit, cursor: last } });
    expect([atEnd.status, atEnd.body.items.length, atEnd.body.next]).toEqual([200, perPage, undefined]);
  },
);
