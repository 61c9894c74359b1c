import { randomBytes } from 'node:crypto';
import { factsReader } from '#functions/cryptshare/details.ts';
import { Listing } from '#functions/cryptshare/listing.ts';
import { ListingMemory } from '#functions/cryptshare/listing-memory.ts';
import { DataKey } from '#functions/lambda/data-key.ts';
import { diff, type TransferRow } from '#functions/snapshot/diff.ts';
import { planReads } from '#functions/snapshot/read-plan.ts';
import { bitsFor } from '#functions/transfers/digest.ts';
import { type FollowingWatch, followable } from '#functions/transfers/follow.ts';
import { cpuOf, measure } from '#test/bench/measurement.ts';
import { count, type Section, tableOf, time } from '#test/bench/section.ts';
import { spreadOf } from '#test/bench/spread.ts';
import { number, spread } from '#test/bench/table.ts';

const transfers = 100_000;
const withDetails = 10_000;
const warmUpRounds = 5;
const rounds = 15;

/** Texts of pages, with the watch that asks for them. */
interface PageSet {
  readonly watch: FollowingWatch;
  readonly pages: readonly string[];
}

/** Compares listed transfers with their snapshot without any request: states, and all that a watch can follow. */
export const comparing: Section = {
  name: 'comparing',
  what: `comparing ${number.format(transfers)} transfers, and ${number.format(withDetails)} with details`,
  async measure({ services, server }) {
    const plain: FollowingWatch = await services.call('fill', 'comparison@example.com', transfers);
    const drawing = { seed: 1, transfers: withDetails, active: 'all' } as const;
    const drawn = await services.call('fillDrawn', 'details@example.com', drawing);
    const detailed: FollowingWatch = { ...drawn.watch, follow: followable };
    const measureBoth = async (watch: FollowingWatch, what: string, size: number, change: () => Promise<void>) => {
      const before = { watch, pages: await server.pages(watch) };
      const snapshot = snapshotOf(before);
      await change();
      const after = { watch, pages: await server.pages(watch) };
      return [
        { what, size, ...(await measurePages(before, snapshot, 0)) },
        { what, size, ...(await measurePages(after, snapshot, 1)) },
      ];
    };
    const costs = [
      ...(await measureBoth(plain, 'states', transfers, () => services.call('change', plain, 1))),
      ...(await measureBoth(detailed, 'details', withDetails, () => services.call('download', detailed))),
    ];
    return {
      measured: costs,
      tables: [
        tableOf(
          'comparing',
          'Comparing beside JSON.parse of the same pages',
          ['transfers', 'listed', 'changed', 'rounds', 'JSON.parse ms', 'comparing ms', 'ratio', 'heap MB'],
          costs.map(({ what, size, changes, parsing, comparing, ratio, heapGrowth }) => [
            number.format(size),
            what,
            number.format(changes),
            String(rounds),
            spread(parsing),
            spread(comparing),
            spread(ratio),
            number.format(heapGrowth),
          ]),
          0,
        ),
      ],
      figures: costs.flatMap(({ what, size, changes, ratio, heapGrowth }) => {
        const name = `compare ${number.format(size)} ${what}, ${changes} changed`;
        return [
          time(`${name}: CPU`, 1, '× JSON.parse', ratio),
          ...(what === 'states' ? [count(`${name}: heap`, 100, 'MB', heapGrowth)] : []),
        ];
      }),
    };
  },
};

async function measurePages({ watch, pages }: PageSet, snapshot: InMemorySnapshot, changes: number) {
  const measured: { parsing: number; comparing: number }[] = [];
  const measureParsing = () => cpuOf(() => parse(pages));
  for (let round = -warmUpRounds; round < rounds; round += 1) {
    // The second may have to collect the garbage of the first, so they take turns.
    const parsedFirst = round % 2 === 0 ? await measureParsing() : undefined;
    const all = await cpuOf(() => compare({ watch, pages }, snapshot, changes));
    const parsing = parsedFirst ?? (await measureParsing());
    if (round >= 0) measured.push({ parsing, comparing: all - parsing });
  }
  const bytes = pages.map((page) => Buffer.from(page));
  const { heapGrowth } = await measure(() =>
    compare({ watch, pages: bytes.map((page) => page.toString('utf8')) }, snapshot, changes),
  );
  return {
    changes,
    /** Milliseconds of CPU of `JSON.parse` of every page, each once. */
    parsing: spreadOf(measured.map(({ parsing }) => parsing)),
    /** Milliseconds of CPU of everything else: hash, digest, plan, reading changed buckets' transfers, diff. */
    comparing: spreadOf(measured.map(({ comparing }) => comparing)),
    ratio: spreadOf(measured.map(({ parsing, comparing }) => comparing / parsing)),
    /** Megabytes, the pages' text included. */
    heapGrowth,
  };
}

function parse(pages: readonly string[]): void {
  for (const page of pages) JSON.parse(page);
}

/** Does all that a poll does between the last answer of the server and the first write. */
function compare(set: PageSet, { root, rowsOf, context }: InMemorySnapshot, expected: number): void {
  const listing = listingOf(set);
  const isFollowing = listing.hasFacts;
  // A poll asks for what the list does not tell, and finds out afterwards whether all is told.
  const untold = () => (isFollowing && listing.active > 0 ? listing.untold(root.bits).size : 0);
  if (untold() > 0) throw new Error('the pages lack details');
  const pass = { listing, requests: set.pages.length, failure: undefined };
  const { bits, buckets } = planReads(root, { ...pass, scope: isFollowing ? 'active' : 'all' }, isFollowing);
  if (untold() > 0) throw new Error('the pages lack details');
  const { changes } = diff(rowsOf(buckets), listing.in(buckets, bits), {
    ...context,
    ...(buckets.size > 0 && { facts: listing.knownFacts() }),
  });
  if (changes.length !== expected) throw new Error(`found ${changes.length} of ${expected} changes`);
}

function listingOf({ watch, pages }: PageSet): Listing {
  const listing = new Listing(100 * pages.length, new ListingMemory(), factsReader(watch, Date.now()));
  for (const page of pages) listing.addPage(page);
  return listing;
}

type InMemorySnapshot = ReturnType<typeof snapshotOf>;

/** Makes the snapshot that a poll leaves after it has seen these pages. */
function snapshotOf(set: PageSet) {
  const listing = listingOf(set);
  const { watch } = set;
  const bits = bitsFor(listing.size);
  const server = 'https://cryptshare.example.com';
  const baselineAt = new Date(0).toISOString();
  const dataKey = new DataKey(randomBytes(32).toString('base64'));
  const recipientKey = (trackingId: string, id: string) => dataKey.hashOf('recipient', trackingId, id);
  const context = {
    server,
    watch,
    rev: 2,
    observedAt: baselineAt,
    silent: false,
    source: 'listing' as const,
    recipientKey,
  };
  const baseline = { ...context, rev: 1, silent: true, facts: listing.knownFacts() };
  const rows = new Map<string, ReadonlyMap<string, TransferRow>>();
  return {
    root: {
      rev: 1,
      bits,
      origin: server,
      count: listing.size,
      active: listing.active,
      preparing: listing.preparing,
      baselineAt,
      absence: undefined,
      unsettled: new Set<number>(),
      unsettledUntil: 0,
      deletedUntil: 0,
      digests: listing.digests(bits),
      outdatedBlocks: [],
    },
    /** The stored rows of these buckets, as a query would bring them; made once, in the warm-up. */
    rowsOf(buckets: ReadonlySet<number>): ReadonlyMap<string, TransferRow> {
      const key = [...buckets].join();
      const found =
        rows.get(key) ??
        new Map(
          diff(new Map(), listing.in(buckets, bits), baseline).changes.map(({ after }) => [after.trackingId, after]),
        );
      rows.set(key, found);
      return found;
    },
    context,
  };
}
