import { retryBudget } from '#functions/clock/backoff.ts';
import type { Deadline } from '#functions/clock/instants.ts';
import { isDigestId } from '#functions/notices/digest.ts';
import type { DeliverDependencies } from '#functions/webhooks/deliveries/attempt.ts';
import type { Settled } from '#functions/webhooks/deliveries/settled.ts';
import { newLease } from '#functions/webhooks/endpoints/lease.ts';
import { readerOf } from '#functions/webhooks/endpoints/reader.ts';
import type { FailedDrain, WakeUp } from '#functions/webhooks/endpoints/wake-ups.ts';
import { drain } from './drain.ts';
import { gather } from './gather.ts';
import { Work } from './work.ts';

export type DeliveryBatch = Readonly<Awaited<ReturnType<typeof deliver>>>;

/** Milliseconds from the choice of a delivery to its request's end: 3 s until it begins, and 15 s. */
const requestTimeMs = 18_000;

/** Deliveries read together with their endpoint: as many as begin at once by default. */
const readAhead = 10;

/**
 * Drains the endpoints that wake-ups name, those of people after it has gathered their events. Idempotent: wake-ups may come twice, late or for nothing. A failing receiver
 * is an outcome, not an error. Every request has ended by the deadline.
 */
export async function deliver(
  deps: DeliverDependencies,
  wakeUps: readonly WakeUp[],
  deadline: Deadline = Number.POSITIVE_INFINITY,
  stopping?: AbortSignal,
) {
  const { leases, deliveries, now, steady } = deps;
  const unhandled: FailedDrain[] = [];
  const settled: Settled[] = [];
  // Each endpoint by itself: unreadable rows of one endpoint do not delay the others.
  await Promise.all(
    [...Map.groupBy(wakeUps, ({ endpoint }) => endpoint)].map(async ([name, wanted]) => {
      const events = [...new Set(wanted.flatMap((wakeUp) => wakeUp.events))];
      const wantsRetries = wanted.some((wakeUp) => wakeUp.events.length === 0);
      const beginUntil = deadline - requestTimeMs;
      let work: Work | undefined;
      try {
        // Take the lease before reading the deliveries: a newer lease then shows that they may have been made.
        const known = leases.known(name);
        const { holder } = leases.plausible(name, known ?? newLease, now().getTime(), steady());
        const lease = known ?? (await leases.read(name));
        // The process that holds the endpoint reads the deliveries itself.
        const first = holder ? [] : events.slice(0, readAhead);
        const found = await deliveries.ofEndpoint(name, first, retryBudget(deadline, steady));
        const { endpoint } = found;
        const reader = endpoint?.status === 'active' ? readerOf(endpoint) : undefined;
        const digests =
          reader && (await gather({ ...deps, endpoint: endpoint!, reader, named: events, deadline: beginUntil }));
        const own = digests ? [...events.filter(isDigestId), ...digests] : events;
        work = new Work(deps, name, own, wantsRetries);
        await drain(deps, work, { lease, found, beginUntil, stopping, settled });
      } catch (error) {
        unhandled.push({ endpoint: name, error: error as Error, isKept: work?.isKept ?? false });
      }
    }),
  );
  return { settled, unhandled };
}
