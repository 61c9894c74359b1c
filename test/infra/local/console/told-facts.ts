import { transferEvent } from '#functions/events/transfer-event.ts';
import type { DeliveryFacts } from '#functions/webhooks/deliveries/settled.ts';
import type { Announcement } from '#infra/local/console/announcements.ts';

/** An event with this id about a transfer that became active. */
export function change(
  id: string,
  facts: { mailbox?: string; trackingId?: string; state?: string } = {},
): Announcement {
  const { mailbox = 'alice@example.com', trackingId = '20261127-082405-ZmDJHs4l', state = 'ACTIVE' } = facts;
  const data = { trackingId, state, previousState: 'PROCESSING', sequence: 2 };
  const event = transferEvent('https://x.example', { mailbox, direction: 'sent' }, data, '2026-11-24T14:05:59.120Z');
  return { kind: 'event', id, event: { ...event, id } };
}

/** A step of a delivery. */
export const outcome = (event: string, endpoint: string, status: string, facts: object = {}): DeliveryFacts =>
  ({ event, endpoint, status, ...facts }) as DeliveryFacts;

const attempted = (attempt: number, answer: number) => ({ attempt, durationMs: 7, answer });

export const delivered = (event: string, endpoint: string, attempt = 1): DeliveryFacts =>
  outcome(event, endpoint, 'DELIVERED', { ...attempted(attempt, 204), outcome: 'delivered' });

export const failed = (event: string, endpoint: string, attempt = 1): DeliveryFacts =>
  outcome(event, endpoint, 'FAILED', { ...attempted(attempt, 400), reason: 'rejected', outcome: 'rejected' });

/** A failed attempt with the next one two seconds after the epoch. */
export const retry = (event: string, endpoint: string, attempt = 1, answer = 500): DeliveryFacts =>
  outcome(event, endpoint, 'PENDING', {
    ...{ ...attempted(attempt, answer), outcome: 'failed', cause: 'http_error' },
    nextAttemptAt: new Date(2000).toISOString(),
  });
