import { getRows, type Key, rowName } from '../batches.ts';
import { patienceUntil } from '../pauses.ts';
import type { AttemptDependencies } from './attempt.ts';
import { deliveryKey } from './delivery.ts';
import { Drain } from './drain.ts';
import { endpointKey, endpointOf, type WebhookDependencies } from './endpoints.ts';
import { believedLease, newLease } from './lease.ts';
import { type Leases, leaseKey, leaseOf } from './leases.ts';
import type { Settled } from './settled.ts';
import type { WakeUp } from './wake-ups.ts';

/** What deliveries are made with. */
export interface DeliverDependencies extends AttemptDependencies, WebhookDependencies {
  readonly leases: Leases;
  /** In [0, 1). */
  readonly random: () => number;
}

/** What was done for the endpoints that wake-ups name. */
export interface DeliveryBatch {
  readonly settled: readonly Settled[];
  /** Endpoints that a fault of ours kept from being looked after, with the fault. */
  readonly unhandled: readonly Unhandled[];
}

interface Unhandled {
  readonly endpoint: string;
  readonly error: Error;
  /**
   * What is left stands in requests, which the sweep looks at each minute: the wake-ups need not come again. If they did, a fault
   * that lasts would bring ever more of them.
   */
  readonly isKept: boolean;
}

/** Milliseconds that a request may take, and that are left to write down what came of it. */
const requestTime = 15_000;

/** Deliveries read together with their endpoint: as many as begin at once by default. */
const readAhead = 10;

/**
 * Drains the endpoints that wake-ups name. Wake-ups that come twice, late or for nothing do no harm. A receiver that fails is
 * an outcome, not an error.
 *
 * @param stopAt instant of the steady clock at which every request has ended
 * @param stopping aborts when the process is to end
 * @throws the error of the SDK when the rows cannot be read
 */
export async function deliver(
  deps: DeliverDependencies,
  wakeUps: readonly WakeUp[],
  stopAt = Number.POSITIVE_INFINITY,
  stopping?: AbortSignal,
): Promise<DeliveryBatch> {
  const wanted = new Map<string, { readonly events: Set<string>; wantsRetries: boolean }>();
  for (const { endpoint, events } of wakeUps) {
    const want = wanted.get(endpoint) ?? { events: new Set(), wantsRetries: false };
    for (const event of events) want.events.add(event);
    want.wantsRetries ||= events.length === 0;
    wanted.set(endpoint, want);
  }
  // Before the deliveries are read: a lease that is newer than they are tells that they may have been made.
  const known = new Map([...wanted.keys()].map((endpoint) => [endpoint, deps.leases.known(endpoint)]));
  const now = deps.now().getTime();
  const isHeld = (lease = newLease): boolean => believedLease(lease, now).holder !== undefined;
  const keys = [...wanted].flatMap(([endpoint, { events }]): Key[] => [
    endpointKey(endpoint),
    ...(known.get(endpoint) ? [] : [leaseKey(endpoint)]),
    // While another process holds the endpoint, they are for that one to read.
    ...(isHeld(known.get(endpoint))
      ? []
      : [...events].slice(0, readAhead).map((event) => deliveryKey({ event, endpoint }))),
  ]);
  const rows = await getRows(deps.dynamo, deps.table, keys, patienceUntil(stopAt, deps.steady));
  const unhandled: Unhandled[] = [];
  const settled = await Promise.all(
    [...wanted].map(async ([name, { events, wantsRetries }]) => {
      const row = rows.get(rowName(endpointKey(name)));
      const drain = new Drain(deps, name, {
        events: [...events],
        wantsRetries,
        endpoint: row && endpointOf(row),
        lease: known.get(name) ?? leaseOf(rows.get(rowName(leaseKey(name)))),
        rows,
        beginUntil: stopAt - requestTime,
        stopping,
      });
      await drain.run().catch((error: Error) => unhandled.push({ endpoint: name, error, isKept: drain.isKept }));
      return drain.settled;
    }),
  );
  return { settled: settled.flat(), unhandled };
}
