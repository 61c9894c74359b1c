import { Listing } from '#functions/cryptshare/listing.ts';
import { diff, type TransferRow } from '#functions/snapshot/diff.ts';
import { planReads } from '#functions/snapshot/read-plan.ts';
import { bitsFor } from '#functions/transfers/digest.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { cpuOf, measure } from '#test/bench/measurement.ts';
import { count, type Section, tableOf, time } from '#test/bench/section.ts';
import { spreadOf } from '#test/bench/spread.ts';
import { number, spread } from '#test/bench/table.ts';

const transfers = 100_000;
const warmUpRounds = 5;
const rounds = 15;

/** Compares 100,000 listed transfers with their snapshot without any request: once with no difference, once with one. */
export const comparing: Section = {
  name: 'comparing',
  what: 'comparing 100,000 transfers',
  async measure({ services, server }) {
    const watch = await services.call('fill', 'comparison@example.com', transfers);
    const pages = await server.pages(watch);
    const snapshot = snapshotOf(pages, watch);
    await services.call('change', watch, 1);
    const changedPages = await server.pages(watch);
    const costs = [await measurePages(pages, snapshot, 0), await measurePages(changedPages, snapshot, 1)];
    return {
      measured: costs,
      tables: [
        tableOf(
          'comparing',
          'Comparing beside JSON.parse of the same pages',
          ['transfers', 'changed', 'rounds', 'JSON.parse ms', 'comparing ms', 'ratio', 'heap MB'],
          costs.map(({ changes, parsing, comparing, ratio, heapGrowth }) => [
            number.format(transfers),
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
      figures: costs.flatMap(({ changes, ratio, heapGrowth }) => [
        time(`compare 100,000, ${changes} changed: CPU`, 1, '× JSON.parse', ratio),
        count(`compare 100,000, ${changes} changed: heap`, 100, 'MB', heapGrowth),
      ]),
    };
  },
};

async function measurePages(pages: readonly string[], snapshot: InMemorySnapshot, changes: number) {
  const measured: { parsing: number; comparing: number }[] = [];
  const measureParsing = () => cpuOf(() => parse(pages));
  for (let round = -warmUpRounds; round < rounds; round += 1) {
    // The second may have to collect the garbage of the first, so they take turns.
    const parsedFirst = round % 2 === 0 ? await measureParsing() : undefined;
    const all = await cpuOf(() => compare(pages, snapshot, changes));
    const parsing = parsedFirst ?? (await measureParsing());
    if (round >= 0) measured.push({ parsing, comparing: all - parsing });
  }
  const bytes = pages.map((page) => Buffer.from(page));
  const { heapGrowth } = await measure(() =>
    compare(
      bytes.map((page) => page.toString('utf8')),
      snapshot,
      changes,
    ),
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
function compare(pages: readonly string[], { root, rowsOf, context }: InMemorySnapshot, expected: number): void {
  const listing = listingOf(pages);
  const { bits, buckets } = planReads(root, { scope: 'all', listing, requests: pages.length, failure: undefined });
  const { changes } = diff(rowsOf(buckets), listing.in(buckets, bits), context);
  if (changes.length !== expected) throw new Error(`found ${changes.length} of ${expected} changes`);
}

function listingOf(pages: readonly string[]): Listing {
  const listing = new Listing(transfers);
  for (const page of pages) listing.addPage(page);
  return listing;
}

type InMemorySnapshot = ReturnType<typeof snapshotOf>;

/** Makes the snapshot that a poll leaves after it has seen these pages. */
function snapshotOf(pages: readonly string[], watch: Watch) {
  const listing = listingOf(pages);
  const bits = bitsFor(listing.size);
  const server = 'https://cryptshare.example.com';
  const baselineAt = new Date(0).toISOString();
  const rows = new Map<string, ReadonlyMap<string, TransferRow>>();
  return {
    root: {
      rev: 1,
      bits,
      origin: server,
      count: listing.size,
      active: listing.active,
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
          [...listing.in(buckets, bits)].map(([trackingId, state]) => [
            trackingId,
            { trackingId, state, sequence: 0, firstSeenAt: baselineAt, observedAt: baselineAt, rev: 1 },
          ]),
        );
      rows.set(key, found);
      return found;
    },
    context: { server, watch, rev: 2, observedAt: baselineAt, silent: false, source: 'listing' as const },
  };
}
