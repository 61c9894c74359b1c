import { addLone, endLone, leaseDurationMs, plausibleLease } from '#functions/webhooks/endpoints/lease.ts';
import type { DeliveryDependencies } from './deliveries.ts';
import type { Delivery, DeliveryName } from './delivery.ts';

type CancelDependencies = Pick<DeliveryDependencies, 'deliveries' | 'leases' | 'now'>;

/** Cancels a waiting delivery and returns it as it is: not `isCancelled` if in flight or over, undefined if unknown. */
export async function cancelDelivery(deps: CancelDependencies, name: DeliveryName) {
  const read = async () => (await deps.deliveries.read([name]))[0];
  const delivery = await read();
  const cancelled = delivery && (await cancel(deps, delivery));
  if (cancelled) return { delivery: cancelled, isCancelled: true };
  return delivery && { delivery: (await read()) ?? delivery, isCancelled: false };
}

/** Occupies the place of an attempt in the lease while it cancels, so that no process attempts the delivery. */
async function cancel({ deliveries, leases, ...deps }: CancelDependencies, delivery: Delivery) {
  const { event, endpoint, rev: of, attempt, status } = delivery;
  const now = deps.now().getTime();
  const step = () => deliveries.step(delivery, { status: 'CANCELLED', reason: 'operator' }, now);
  if (status === 'HELD') return step();
  if (status !== 'PENDING') return undefined;
  const inFlight = { [event]: { attempt, of, until: now + leaseDurationMs, isLone: true } } as const;
  const taken = await leases.change(endpoint, await leases.read(endpoint), (current) => {
    const lease = plausibleLease(current, now);
    const inFlightAttempt = lease.inFlight[event];
    const isUnderWay = inFlightAttempt !== undefined && inFlightAttempt.of >= of && inFlightAttempt.until > now;
    return isUnderWay ? undefined : addLone(lease, { inFlight, observations: [] }, now);
  });
  if (!taken) return undefined;
  const cancelled = await step();
  await leases.change(endpoint, taken, (lease) => endLone(lease, [event], [], now));
  return cancelled;
}
