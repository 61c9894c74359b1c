import { channel } from 'node:diagnostics_channel';
import { type Attempt, attemptFacts } from './attempt.ts';
import type { Delivery } from './delivery.ts';

/** A delivery after its latest step, with the attempt that led to it, if any. */
export interface Settled {
  readonly delivery: Delivery;
  readonly attempt?: Attempt;
}

export type DeliveryFacts = ReturnType<typeof deliveryFacts>;

/** Facts of a settled delivery for one log line, without URL and answer. */
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

/** Diagnostics channel of settled deliveries within this process; its messages are {@link DeliveryFacts}. */
export const settledChannel = channel('transfer-notifier.delivery');
