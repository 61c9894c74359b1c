import { channel } from 'node:diagnostics_channel';
import { type Attempt, attemptFacts } from './attempt.ts';
import type { Delivery } from './delivery.ts';

/** A delivery that was looked after. */
export interface Settled {
  /** As it is now. */
  readonly delivery: Delivery;
  /** The attempt that was made, if one was. */
  readonly attempt?: Attempt;
}

export type DeliveryFacts = ReturnType<typeof deliveryFacts>;

/** What there is to say about a delivery that was looked after, in one line; neither URL nor answer stand in it. */
export function deliveryFacts({ delivery, attempt }: Settled) {
  const { event, endpoint, status, reason, nextAttemptAt } = delivery;
  return {
    event,
    endpoint,
    status,
    ...(reason && { reason }),
    ...(status === 'PENDING' && { nextAttemptAt: new Date(nextAttemptAt).toISOString() }),
    ...(attempt && { ...attemptFacts(attempt), ...(attempt.status !== undefined && { answer: attempt.status }) }),
  };
}

/** Where deliveries are told of as they are looked after, for who watches this very process: their {@link DeliveryFacts}. */
export const settledChannel = channel('transfer-notifier.delivery');

/** Tells those in this process that listen of a delivery that was looked after. */
export function tellSettled(settled: Settled): void {
  if (settledChannel.hasSubscribers) settledChannel.publish(deliveryFacts(settled));
}
