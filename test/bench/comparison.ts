import { Listing } from '#functions/cryptshare/listing.ts';
import { type DiffContext, diff, type TransferRow } from '#functions/snapshot/diff.ts';
import { planReads } from '#functions/snapshot/read-plan.ts';
import type { Root } from '#functions/snapshot/snapshot-rows.ts';
import { bitsFor } from '#functions/transfers/digest.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { cpuOf, measured } from './measurement.ts';
import type { PlainServer } from './plain-listing.ts';
import type { Services } from './services.ts';
import { type Spread, spreadOf } from './spread.ts';

/** What it costs to compare a listing with a snapshot, without any request. */
export interface ComparisonCost {
  readonly transfers: number;
  /** Transfers that differ from the snapshot. */
  readonly changes: number;
  readonly rounds: number;
  /** Milliseconds of CPU of `JSON.parse` of every page, each once. */
  readonly parsing: Spread;
  /** Milliseconds of CPU of everything else: hash, digest, plan, read changed buckets' transfers from the pages, diff. */
  readonly comparing: Spread;
  /** The second in terms of the first, round by round. */
  readonly ratio: Spread;
  /** Megabytes by which heap and array buffers grew at most, the pages' text included. */
  readonly heapGrowth: number;
}

const transfers = 100_000;
const warmUpRounds = 5;
const rounds = 15;

/** Compares 100,000 listed transfers with their snapshot: once with no difference, once with one. */
export async function measureComparison(services: Services, server: PlainServer): Promise<ComparisonCost[]> {
  const watch = await services.fill('comparison@example.com', transfers);
  const pages = await server.pages(watch);
  const snapshot = snapshotOf(pages, watch);
  await services.change(watch, 1);
  const changedPages = await server.pages(watch);
  return [await measurePages(pages, snapshot, 0), await measurePages(changedPages, snapshot, 1)];
}

async function measurePages(pages: readonly string[], snapshot: InMemorySnapshot, changes: number) {
  const ratios: number[] = [];
  const parsing: number[] = [];
  const comparing: number[] = [];
  const measureParsing = () => cpuOf(() => parse(pages));
  const measureAll = () => cpuOf(() => compare(pages, snapshot, changes));
  for (let round = -warmUpRounds; round < rounds; round += 1) {
    // Whoever comes second may have to collect what the first left, so they take turns.
    const parsedFirst = round % 2 === 0 ? measureParsing() : undefined;
    const all = measureAll();
    const parsed = parsedFirst ?? measureParsing();
    if (round < 0) continue;
    parsing.push(parsed);
    comparing.push(all - parsed);
    ratios.push((all - parsed) / parsed);
  }
  const bytes = pages.map((page) => Buffer.from(page));
  const { heapGrowth } = await measured(() =>
    compare(
      bytes.map((page) => page.toString('utf8')),
      snapshot,
      changes,
    ),
  );
  return {
    transfers,
    changes,
    rounds,
    parsing: spreadOf(parsing),
    comparing: spreadOf(comparing),
    ratio: spreadOf(ratios),
    heapGrowth,
  };
}

function parse(pages: readonly string[]): void {
  for (const page of pages) JSON.parse(page);
}

/** All that a poll does between the last answer of the server and the first write. */
function compare(pages: readonly string[], { root, rowsOf, context }: InMemorySnapshot, expected: number): void {
  const listing = new Listing(root.count);
  for (const page of pages) listing.addPage(page);
  const { bits, buckets } = planReads(root, { scope: 'all', listing, requests: pages.length, failure: undefined });
  const { changes } = diff(rowsOf(buckets), listing.in(buckets, bits), context);
  if (changes.length !== expected) throw new Error(`found ${changes.length} of ${expected} changes`);
}

interface InMemorySnapshot {
  readonly root: Root;
  /** The stored rows of these buckets, as a query would bring them. */
  readonly rowsOf: (buckets: ReadonlySet<number>) => ReadonlyMap<string, TransferRow>;
  readonly context: DiffContext;
}

/** The snapshot that a poll leaves after it has seen these pages. */
function snapshotOf(pages: readonly string[], watch: Watch): InMemorySnapshot {
  const listing = new Listing(transfers);
  for (const page of pages) listing.addPage(page);
  const bits = bitsFor(listing.size);
  const baselineAt = new Date(0).toISOString();
  const rows = new Map<string, ReadonlyMap<string, TransferRow>>();
  const rowsOf = (buckets: ReadonlySet<number>) => {
    const key = [...buckets].join();
    // Made once, in the warm-up: on AWS it is the query that brings them.
    let found = rows.get(key);
    if (!found) {
      found = new Map(
        [...listing.in(buckets, bits)].map(([trackingId, state]) => [
          trackingId,
          { trackingId, state, sequence: 0, firstSeenAt: baselineAt, observedAt: baselineAt, rev: 1 },
        ]),
      );
      rows.set(key, found);
    }
    return found;
  };
  return {
    root: {
      rev: 1,
      bits,
      origin: 'https://cryptshare.example.com',
      count: listing.size,
      active: listing.active,
      baselineAt,
      absence: undefined,
      unsettled: new Set(),
      unsettledUntil: 0,
      deletedUntil: 0,
      digests: listing.digests(bits),
      outdatedBlocks: [],
    },
    rowsOf,
    context: {
      server: 'https://cryptshare.example.com',
      watch,
      rev: 2,
      observedAt: baselineAt,
      silent: false,
      source: 'listing' as const,
    },
  };
}
