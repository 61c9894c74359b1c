import pLimit from 'p-limit';
import { getRows, rowName } from '../batches.ts';
import { type Patience, patienceUntil } from '../pauses.ts';
import { announceEndpoint } from '../transfers/announce.ts';
import type { Topics } from '../transfers/publish.ts';
import { clockWitness } from './clock-witness.ts';
import { isDue, longestWait } from './delivery.ts';
import type { Endpoint } from './endpoint.ts';
import { Endpoints, type WebhookDependencies } from './endpoints.ts';
import { limitsOf } from './format.ts';
import { rowsIn } from './index-walk.ts';
import { admission, believedLease, type Lease } from './lease.ts';
import { Leases, leaseKey, leaseOf } from './leases.ts';
import { deliveryIn, dueEvents, readDeliveries, retriesBetween } from './waiting.ts';
import type { TimedWakeUp, WakeUp } from './wake-ups.ts';

export interface SweepDependencies extends WebhookDependencies {
  readonly topics: Topics;
}

export interface Sweep {
  /** Endpoints that it has looked after. */
  readonly woken: number;
  /** Endpoints left for the next sweep, because time was short. */
  readonly left: number;
  /** Milliseconds for which the longest waiting of the due deliveries has been due. */
  readonly longestWait: number;
  /** Events about endpoints that were published. */
  readonly announced: number;
  /** Wake-ups that SQS did not take, and events that SNS did not take. */
  readonly failed: number;
  /** Milliseconds by which the clock was set back since an earlier sweep, told once; all that waits was looked at. */
  readonly clockSetBack?: number;
}

/** Endpoints looked at at the same time. */
const concurrency = 16;

/** Events that a wake-up names. */
const eventsPerWakeUp = 50;

/** Retries put off by a wrong clock that one sweep looks at, for each endpoint. */
const mostMisplaced = 500;

/** Milliseconds for which the sweep looks whether a lone attempt has ended whose time is over. */
const loneMemory = 180_000;

/** Later than every instant at which something is due. */
const forever = Number.MAX_SAFE_INTEGER;

/**
 * Has every endpoint looked after that has something to do and nobody who does it: retries whose time has come, attempts of
 * processes that died, requests that were left to them. Then publishes what operators are to know of endpoints.
 *
 * @param stopAt instant of the steady clock after which nothing new is begun
 */
export async function sweep(deps: SweepDependencies, stopAt: number): Promise<Sweep> {
  const started = deps.now().getTime();
  const { setBack, note } = await clockWitness(deps.dynamo, deps.table, started);
  const looking = { started, misplacedFrom: setBack > 0 ? started + 1 : started + longestWait, stopAt };
  const wakeUps: TimedWakeUp[] = [];
  let overdue = 0;
  let left = 0;
  let announced = 0;
  let failed = 0;
  const limit = pLimit(concurrency);
  for await (const page of new Endpoints(deps.dynamo, deps.table).pages()) {
    const keys = page.map(({ name }) => leaseKey(name));
    const rows = await getRows(deps.dynamo, deps.table, keys, patienceUntil(stopAt, deps.steady));
    await limit.map(page, async (endpoint) => {
      if (deps.steady() >= stopAt) {
        left += 1;
        return;
      }
      const need = await needOf(deps, endpoint, leaseOf(rows.get(rowName(leaseKey(endpoint.name)))), looking);
      wakeUps.push(...need.wakeUps.map((wakeUp) => ({ ...wakeUp, at: started })));
      overdue = Math.max(overdue, need.overdue);
      if (!endpoint.pending?.length) return;
      if (await announceEndpoint(deps.topics, endpoint.pending)) failed += endpoint.pending.length;
      else {
        announced += endpoint.pending.length;
        await new Endpoints(deps.dynamo, deps.table).clearPending(endpoint);
      }
    });
  }
  const refused = await deps.wakeUps.send(wakeUps, started);
  // Where something is left, the next sweep has to look, too.
  if (left === 0 || setBack === 0) await note?.();
  return {
    woken: new Set(wakeUps.map(({ endpoint }) => endpoint)).size,
    left,
    longestWait: overdue,
    announced,
    failed: failed + refused.length,
    ...(setBack > 0 && { clockSetBack: setBack }),
  };
}

/**
 * What one endpoint needs, by its lease and by what waits for it.
 *
 * @returns wake-ups, and milliseconds for which something has been due
 */
async function needOf(
  deps: SweepDependencies,
  endpoint: Endpoint,
  row: Lease,
  { started, misplacedFrom, stopAt }: Readonly<Record<'started' | 'misplacedFrom' | 'stopAt', number>>,
): Promise<{ readonly wakeUps: readonly WakeUp[]; readonly overdue: number }> {
  const { name, format, maxInFlight, status } = endpoint;
  const lease = believedLease(row, started);
  const admitted = admission(lease, limitsOf(format, maxInFlight), started);
  const patience = patienceUntil(stopAt, deps.steady);
  const misplaced = await misplacedRetries(deps, name, misplacedFrom, patience);
  const wakeUps = groupsOf(misplaced).map((events) => ({ endpoint: name, events }));
  // The holder looks for more itself, and nobody may send to one whose breaker is open; one that is paused is sent nothing.
  if (status === 'active' && admitted.kind !== 'free') return { wakeUps, overdue: 0 };
  const interrupted = admitted.kind === 'free' ? Object.entries(admitted.interrupted) : [];
  const lone = await unfinishedLone(deps, name, lease, started, patience);
  const [[request], [retry]] = await Promise.all([
    new Leases(deps.dynamo, deps.table, Math.random).requests(name, '', 1),
    dueEvents(deps.dynamo, deps.table, name, started, 1),
  ]);
  const since = [request?.at, retry?.dueAt, ...[...interrupted, ...lone].map(([, { until }]) => until || started)];
  const overdue = Math.max(0, ...since.map((at = started) => started - at));
  const named = [...interrupted, ...lone].map(([event]) => event);
  if (named.length > 0) wakeUps.push({ endpoint: name, events: named });
  if (request || retry) wakeUps.push({ endpoint: name, events: [] });
  return { wakeUps, overdue };
}

/** Lone attempts whose time has been over for a little while, and whose deliveries are not done. */
async function unfinishedLone(
  { dynamo, table }: SweepDependencies,
  endpoint: string,
  { flights }: Lease,
  now: number,
  patience: Patience,
) {
  const over = Object.entries(flights).filter(
    ([, { isLone, until }]) => isLone && until <= now && (until === 0 || now - until < loneMemory),
  );
  const names = over.map(([event]) => ({ event, endpoint }));
  const rows = names.length > 0 ? await readDeliveries(dynamo, table, names, patience) : [];
  const waiting = new Set(rows.filter((delivery) => isDue(delivery, now)).map(({ event }) => event));
  return over.filter(([event]) => waiting.has(event));
}

/** Ids of events whose retries a clock that was ahead has put off: they are due, however late they stand in the index. */
async function misplacedRetries(
  deps: SweepDependencies,
  endpoint: string,
  from: number,
  patience: Patience,
): Promise<string[]> {
  const found: string[] = [];
  for await (const page of rowsIn(deps, [retriesBetween(endpoint, from, forever)], patience)) {
    const due = page.map(deliveryIn).filter((delivery) => isDue(delivery, deps.now().getTime()));
    found.push(...due.map(({ event }) => event));
    if (found.length >= mostMisplaced) break;
  }
  return found;
}

const groupsOf = (events: readonly string[]): string[][] => [
  ...Map.groupBy(events, (_, at) => Math.floor(at / eventsPerWakeUp)).values(),
];
