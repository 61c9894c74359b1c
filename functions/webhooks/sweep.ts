import pLimit from 'p-limit';
import { batchesOf } from '../batches.ts';
import { type Patience, patienceUntil } from '../pauses.ts';
import { announceEndpoint } from '../transfers/announce.ts';
import type { Topics } from '../transfers/publish.ts';
import { clockWitness } from './clock-witness.ts';
import { isDue, longestWait } from './delivery.ts';
import type { Endpoint } from './endpoint.ts';
import { clearPending, endpointPages, type WebhookDependencies } from './endpoints.ts';
import { limitsOf } from './format.ts';
import { rowsIn, type TableSource } from './index-walk.ts';
import { admission, believedLease, type Lease } from './lease.ts';
import { Leases } from './leases.ts';
import { deliveryIn, dueEvents, readDeliveries, retriesBetween } from './waiting.ts';
import { sendWakeUps, type WakeUp } from './wake-ups.ts';

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

/** Retries that it looks through for them. */
const longestSearch = 5000;

/** Milliseconds for which the sweep looks whether a lone attempt has ended whose time is over. */
const loneMemory = 180_000;

/** Later than every instant at which something is due. */
const forever = Number.MAX_SAFE_INTEGER;

/**
 * Has every endpoint looked after that has something to do and nobody who does it: retries whose time has come, attempts of
 * processes that died, requests that were left to them. Then publishes what operators are to know of endpoints.
 *
 * @param stopAt instant of the steady clock after which nothing new is begun
 * @throws the first fault that kept it from an endpoint, once the others are looked after
 */
export async function sweep(deps: SweepDependencies, stopAt: number): Promise<Sweep> {
  const started = deps.now().getTime();
  const { setBack, note } = await clockWitness(deps, started);
  const looking = { started, misplacedFrom: setBack > 0 ? started + 1 : started + longestWait, stopAt };
  const limit = pLimit(concurrency);
  const wakeUps: WakeUp[] = [];
  let overdue = 0;
  const telling: Endpoint[] = [];
  let left = 0;
  let fault: Error | undefined;
  const fail = (error: Error) => {
    fault ??= error;
  };
  for await (const page of endpointPages(deps)) {
    await limit.map(page, async (endpoint) => {
      if (endpoint.pending?.length) telling.push(endpoint);
      // What keeps it from one endpoint keeps it from no other.
      if (deps.steady() >= stopAt) left += 1;
      else
        await needOf(deps, endpoint, looking).then((need) => {
          wakeUps.push(...need.wakeUps);
          overdue = Math.max(overdue, need.overdue);
        }, fail);
    });
  }
  const refused = await sendWakeUps(deps, wakeUps);
  let [announced, failed] = [0, refused.length];
  // Only now: deliveries do not wait for SNS.
  await limit.map(telling, async (endpoint) => {
    const { length } = endpoint.pending!;
    if (deps.steady() >= stopAt) return;
    if (await announceEndpoint(deps.topics, endpoint.pending!)) failed += length;
    else await clearPending(deps, endpoint).then(() => (announced += length), fail);
  });
  if (fault) throw fault;
  // Where something is left, the next sweep has to look, too.
  if (left === 0 || setBack === 0) await note?.();
  return {
    woken: new Set(wakeUps.map(({ endpoint }) => endpoint)).size,
    left,
    longestWait: overdue,
    announced,
    failed,
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
  { started, misplacedFrom, stopAt }: Readonly<Record<'started' | 'misplacedFrom' | 'stopAt', number>>,
): Promise<{ readonly wakeUps: readonly WakeUp[]; readonly overdue: number }> {
  const { name, status } = endpoint;
  const patience = patienceUntil(stopAt, deps.steady);
  const { lease: read, requests } = await new Leases(deps).look(name, 1);
  const lease = believedLease(read, started);
  const admitted = admission(lease, limitsOf(endpoint), started);
  const misplaced = await misplacedRetries(deps, name, misplacedFrom, patience);
  const wakeUps = batchesOf(misplaced, eventsPerWakeUp).map((events) => ({ endpoint: name, events }));
  // The holder looks for more itself, and nobody may send to one whose breaker is open; one that is paused is sent nothing.
  if (status === 'active' && admitted.kind !== 'free') return { wakeUps, overdue: 0 };
  const interrupted = admitted.kind === 'free' ? Object.entries(admitted.interrupted) : [];
  const lone = await unfinishedLone(deps, name, lease, started, patience);
  const [request] = requests;
  const [retry] = await dueEvents(deps, name, started, 1);
  const since = [request?.at, retry?.dueAt, ...[...interrupted, ...lone].map(([, { until }]) => until || started)];
  const overdue = Math.max(0, ...since.map((at = started) => started - at));
  const named = [...interrupted, ...lone].map(([event]) => event);
  if (named.length > 0) wakeUps.push({ endpoint: name, events: named });
  if (request || retry) wakeUps.push({ endpoint: name, events: [] });
  return { wakeUps, overdue };
}

/** Lone attempts whose time has been over for a little while, and whose deliveries are not done. */
async function unfinishedLone(
  source: TableSource,
  endpoint: string,
  { flights }: Lease,
  now: number,
  patience: Patience,
) {
  const over = Object.entries(flights).filter(
    ([, { isLone, until }]) => isLone && until <= now && (until === 0 || now - until < loneMemory),
  );
  const names = over.map(([event]) => ({ event, endpoint }));
  const rows = await readDeliveries(source, names, patience);
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
  let examined = 0;
  for await (const { rows } of rowsIn(deps, [retriesBetween(endpoint, from, forever)], patience)) {
    const due = rows.map(deliveryIn).filter((delivery) => isDue(delivery, deps.now().getTime()));
    found.push(...due.map(({ event }) => event));
    examined += rows.length;
    if (found.length >= mostMisplaced || examined >= longestSearch || deps.steady() >= patience.stopAt) break;
  }
  return found;
}
