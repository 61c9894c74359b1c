import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Section, tableOf, time } from '#test/bench/section.ts';
import { type Spread, spreadOf } from '#test/bench/spread.ts';
import { fine, number, spread } from '#test/bench/table.ts';
import { UnitsMeter } from '#test/bench/units/units-meter.ts';
import { largest, perPage, type Stored, type StoredWorld, startStoredWorld } from './stored-world.ts';

const rounds = 15;

const few: Stored = { events: 1000, watches: 200, transfers: 1000 };
const manyWatches = 10_000;
const manyTransfers = 100_000;

/** Times by which a page may take longer with all that is stored. */
const mostGrowth = 2;

/** Reads pages of lists, with few and with many events, watches and transfers stored. */
export const paging: Section = {
  name: 'paging',
  what: 'pages of lists of what is stored',
  async measure({ stored, progress }) {
    const many: Stored = { events: stored, watches: manyWatches, transfers: manyTransfers };
    progress(`writing ${number.format(stored)} events`);
    const large = await measureStored(many);
    // The process is warm by now, so nothing makes many look better than few.
    const small = await measureStored(few);
    const pages = large.pages.map((page, index) => ({ ...page, before: small.pages[index]! }));
    // Other work on the machine only adds time, so the least times tell what is stored.
    const growthOf = ({ ms, before }: (typeof pages)[number]) => ms.least / before.ms.least;
    const lists = pages.filter(({ isList }) => isList);
    const worst = lists.toSorted((a, b) => growthOf(b) - growthOf(a))[0]!;
    return {
      measured: { small, large },
      tables: [
        tableOf(
          'paging',
          `Pages of lists, of ${perPage} entries in the API: median ms (least to greatest)`,
          ['page', 'KB', 'read units', 'few: ms', 'all: ms', 'growth'],
          pages.map((page) => [
            ...[page.name, fine.format(page.kilobytes), fine.format(page.read)],
            ...[spread(page.before.ms), spread(page.ms), fine.format(growthOf(page))],
          ]),
        ),
        tableOf(
          'stored',
          'What was stored',
          ['', 'events', 'watches', 'transfers of one', 'written in s', 'MB on disk', 'MB of memory before', 'after'],
          [
            ['few', small],
            ['all', large],
          ].map(([name, of]) => storedTexts(name as string, of as Measured)),
        ),
      ],
      figures: [time('page of a list with all stored', mostGrowth, '× with few', growthOf(worst))],
    };
  },
};

type Measured = Awaited<ReturnType<typeof measureStored>>;

const storedTexts = (name: string, { stored, writtenMs, disk, before, after }: Measured): string[] => [
  name,
  ...[stored.events, stored.watches, stored.transfers, writtenMs / 1000, disk, before, after].map((value) =>
    number.format(value),
  ),
];

async function measureStored(stored: Stored) {
  const world = await startStoredWorld(stored);
  try {
    const before = memory();
    const visits = pagesOf(world).map((page) => ({ ...page, times: [] as number[], kilobytes: 0 }));
    for (let round = 0; round < rounds; round += 1) {
      for (const page of visits) {
        // What the console keeps for a while is read anew.
        world.clock.advance(120_000);
        const begun = performance.now();
        page.kilobytes = (await page.read()) / 1000;
        page.times.push(performance.now() - begun);
      }
    }
    const after = memory();
    // The meter has the database count, which takes it time.
    const meter = new UnitsMeter(world.dynamo, world.dynamo);
    const pages: Page[] = [];
    for (const { name, isList, read, times, kilobytes } of visits) {
      world.clock.advance(120_000);
      const units = await meter.of(read);
      pages.push({ name, isList, kilobytes, read: units.read, ms: spreadOf(times) });
    }
    return { stored, pages, writtenMs: world.writtenMs, disk: bytesIn(world.data) / 1e6, before, after };
  } finally {
    await world.close();
  }
}

interface Page {
  readonly name: string;
  readonly isList: boolean;
  /** KB of 10^3 bytes. */
  readonly kilobytes: number;
  /** Units of DynamoDB. */
  readonly read: number;
  readonly ms: Spread;
}

/** Pages with what reads each of them; it tells the bytes. */
function pagesOf({ api, console, cursors }: StoredWorld) {
  const ask = async (path: string): Promise<number> => {
    const answer = await fetch(`${api}${path}`);
    const text = await answer.text();
    const { items } = JSON.parse(text) as { readonly items?: readonly unknown[] };
    const isWhole = items === undefined || items.length === perPage;
    if (!answer.ok || !isWhole) throw new Error(`${path} is answered by ${answer.status}, ${items?.length} entries`);
    return Buffer.byteLength(text);
  };
  const show = async (path: string): Promise<number> => {
    const { status, bytes } = await console.ask(path, { headers: { 'accept-encoding': 'gzip' } });
    if (status !== 200) throw new Error(`${path} is answered by ${status}`);
    return bytes;
  };
  const ofWatch = `mailbox=${largest.mailbox}&direction=${largest.direction}`;
  const lists = [
    ['events', 'events', ask, `/events?limit=${perPage}`],
    ['transfers', 'transfers', ask, `/watches/sent/${largest.mailbox}/transfers?limit=${perPage}`],
    ['watches', 'watches', ask, `/watches?limit=${perPage}`],
    ['deliveries', 'deliveries', ask, `/deliveries?endpoint=crm&limit=${perPage}`],
    ['console: transfers', 'transfers', show, `/transfers?${ofWatch}`],
    ['console: watches', 'watches', show, '/watches?'],
    ['console: deliveries', 'deliveries', show, '/deliveries?endpoint=crm'],
  ] as const;
  const pages = lists.flatMap(([name, list, get, path]) => {
    const { middle, last } = cursors[list];
    return [
      { name: `${name}, first`, isList: true, read: () => get(path) },
      { name: `${name}, middle`, isList: true, read: () => get(`${path}&cursor=${middle}`) },
      { name: `${name}, last`, isList: true, read: () => get(`${path}&cursor=${last}`) },
    ];
  });
  const others = [
    { name: 'status', isList: false, read: () => ask('/status') },
    { name: 'console: overview', isList: false, read: () => show('/') },
    { name: 'console: a watch', isList: false, read: () => show(`/watch?${ofWatch}`) },
    { name: 'console: a webhook', isList: false, read: () => show('/endpoint?name=crm') },
  ];
  return [...pages, ...others];
}

/** MB that this process holds: database, operator API and console are all in it. */
const memory = (): number => process.memoryUsage().rss / 1e6;

function bytesIn(folder: string): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    return sum + (entry.isDirectory() ? bytesIn(path) : statSync(path).size);
  }, 0);
}
