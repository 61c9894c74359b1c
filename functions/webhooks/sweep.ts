import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import pLimit, { type LimitFunction } from 'p-limit';
import { patienceUntil } from '../pauses.ts';
import { announceEndpoint } from '../transfers/announce.ts';
import type { Topics } from '../transfers/publish.ts';
import { ClockWitness } from './clock-witness.ts';
import { Deliveries } from './deliveries.ts';
import { doorbellGrace, duePartNames, dueSince, isDue, longestWait } from './delivery.ts';
import type { Doorbells } from './doorbells.ts';
import { Endpoints } from './endpoints.ts';
import { waitingDeliveries } from './waiting.ts';

/** What a sweep works with. */
export interface SweepDependencies {
  readonly dynamo: DynamoDBClient;
  /** Name of the webhooks table. */
  readonly table: string;
  readonly doorbells: Doorbells;
  readonly topics: Topics;
  readonly now: () => Date;
  /** Milliseconds of a clock that is never set. */
  readonly steady: () => number;
}

/** What a sweep did. */
export interface Sweep {
  /** Deliveries it rang for. */
  readonly rung: number;
  /** Due deliveries left for the next sweep, because their endpoint has had its share or time was short. */
  readonly left: number;
  /** Milliseconds for which the longest waiting of the due deliveries has been due. */
  readonly longestWait: number;
  /** Events about endpoints that were published. */
  readonly announced: number;
  /** Doorbells that SQS did not take, and events that SNS did not take. */
  readonly failed: number;
  /** Milliseconds by which the clock was set back since an earlier sweep, told once; all that waits was looked at. */
  readonly clockSetBack?: number;
}

/** Deliveries put off at the same time, over all parts of the index. */
const concurrency = 32;

/** Deliveries of one endpoint that a sweep rings for: as many as it can take until the next one, and some. */
export const endpointShare = 500;

/**
 * Rings for every delivery whose time has come: retries, claims of functions that died, doorbells that were lost. Then
 * publishes what operators are to know of endpoints.
 *
 * @param stopAt instant of the steady clock after which nothing new is begun
 */
export async function sweep(deps: SweepDependencies, stopAt: number): Promise<Sweep> {
  const started = deps.now().getTime();
  const witness = new ClockWitness(deps.dynamo, deps.table);
  const { setBack, isOld } = await witness.ask(started);
  // What a clock that was ahead has put off stands behind what is due, as far behind as the clock was ahead.
  const late = { from: setBack > 0 ? started + 1 : started + longestWait, until: forever };
  const ranges = [{ from: 0, until: started }, ...(isOld ? [late] : [])];
  const shares = new Map<string, number>();
  const limit = pLimit(concurrency);
  const parts = await Promise.all(
    duePartNames.flatMap((part) =>
      ranges.map((range) => sweepPart(deps, { part, ...range, started }, shares, limit, stopAt)),
    ),
  );
  const left = sum(parts, (part) => part.left);
  // Where something is left, the next sweep has to look, too.
  const isDone = left === 0 && !parts.some(({ isCutShort }) => isCutShort);
  if (isOld && (isDone || setBack === 0)) await witness.note(started);
  const announcements = await announcePending(deps, stopAt);
  return {
    rung: sum(parts, ({ rung }) => rung),
    left,
    longestWait: Math.max(0, ...parts.map(({ overdue }) => overdue)),
    announced: announcements.announced,
    failed: announcements.failed + sum(parts, ({ unrung }) => unrung),
    ...(setBack > 0 && { clockSetBack: setBack }),
  };
}

/** What one query of a sweep is about. */
interface SweptRange {
  readonly part: string;
  readonly from: number;
  readonly until: number;
  /** Unix time in milliseconds. */
  readonly started: number;
}

/** Later than every instant at which something is due. */
const forever = Number.MAX_SAFE_INTEGER;

async function sweepPart(
  { dynamo, table, doorbells, steady }: SweepDependencies,
  { part, from, until, started }: SweptRange,
  shares: Map<string, number>,
  limit: LimitFunction,
  stopAt: number,
) {
  const deliveries = new Deliveries(dynamo, table);
  let rung = 0;
  let left = 0;
  let unrung = 0;
  let overdue = 0;
  let isCutShort = false;
  const patience = patienceUntil(stopAt, steady);
  for await (const page of waitingDeliveries(dynamo, table, part, from, until, patience)) {
    const due = page.filter((delivery) => isDue(delivery, started));
    overdue = Math.max(overdue, ...due.map((delivery) => started - dueSince(delivery)));
    const chosen = due.filter(({ endpoint }) => {
      const share = shares.get(endpoint) ?? 0;
      if (share < endpointShare) shares.set(endpoint, share + 1);
      return share < endpointShare;
    });
    left += due.length - chosen.length;
    if (steady() >= stopAt) {
      left += chosen.length;
      // Pages that follow may hold what is due, even if this one holds none.
      isCutShort = true;
      break;
    }
    unrung += await doorbells.ring(
      chosen.map((delivery) => ({ ...delivery, at: started })),
      started,
    );
    rung += chosen.length;
    // After ringing: a sweep that dies in between rings twice rather than never.
    await limit.map(chosen, (delivery) => deliveries.putOffSweep(delivery, started + doorbellGrace));
  }
  return { rung, left, unrung, overdue, isCutShort };
}

/** Begins with the first endpoint each time: those that are done have nothing pending any more. */
async function announcePending({ dynamo, table, topics, steady }: SweepDependencies, stopAt: number) {
  const endpoints = new Endpoints(dynamo, table);
  let announced = 0;
  let failed = 0;
  for await (const endpoint of endpoints.each()) {
    const { pending = [] } = endpoint;
    if (pending.length === 0) continue;
    if (steady() >= stopAt) break;
    const error = await announceEndpoint(topics, pending);
    if (error) failed += pending.length;
    else {
      announced += pending.length;
      await endpoints.clearPending(endpoint);
    }
  }
  return { announced, failed };
}

const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0);
