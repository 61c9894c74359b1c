import { clockWords } from '#functions/clock/clock-difference.ts';
import type { CircuitBreaker, Observation } from '#functions/webhooks/endpoints/circuit-breaker.ts';
import type { Endpoint } from '#functions/webhooks/endpoints/endpoint.ts';
import { nextEndpointHealth } from '#functions/webhooks/endpoints/health.ts';
import { nextAttemptAt } from '#functions/webhooks/endpoints/retry-schedule.ts';
import type { Attempt } from './attempt.ts';
import type { Delivery, NextStep } from './delivery.ts';

/** @example `{ status: 'CANCELLED', reason: 'endpoint_removed' }`; undefined when the delivery may be attempted */
export function stepWithoutAttempt({ endpointSince, attempt }: Delivery, endpoint?: Endpoint): NextStep | undefined {
  if (!endpoint || endpoint.createdAt !== endpointSince) return { status: 'CANCELLED', reason: 'endpoint_removed' };
  if (endpoint.status !== 'active') return { status: 'HELD', reason: endpoint.status };
  // A delivery that kills its own function must not do so forever.
  if (attempt > endpoint.retryDelaysMs.length) return { status: 'FAILED', reason: 'interrupted', attempt };
  return undefined;
}

/** @example { status: 'PENDING', attempt: 1, nextAttemptAt: 1_764_000_005_000 } after a first failure */
export function stepAfter({ delivery, outcome, endedAt }: Attempt, endpoint: Endpoint, random: () => number): NextStep {
  const attempt = delivery.attempt + 1;
  if (outcome.kind === 'delivered') return { status: 'DELIVERED', attempt };
  if (outcome.kind === 'rejected') return { status: 'FAILED', reason: 'rejected', attempt };
  if (outcome.kind === 'gone') return { status: 'HELD', reason: outcome.cause, attempt };
  const { retryDelaysMs } = endpoint;
  const at = nextAttemptAt({ attempt, retryDelaysMs, retryAfterMs: outcome.retryAfterMs, endedAt, random });
  // A later retry would find no row any more, and the delivery would be lost without an end.
  const isLast = at === undefined || at >= (delivery.expiresAt ?? Number.POSITIVE_INFINITY) * 1000;
  if (isLast) return { status: 'FAILED', reason: outcome.cause, attempt };
  return { status: 'PENDING', attempt, nextAttemptAt: at };
}

/**
 * The attempt as the circuit breaker sees it: a rejected delivery shows that the endpoint works.
 * @example a success gives `{ startedAt, endedAt, isSuccess: true, slowDown: false, retryAfterMs: undefined }`
 */
export function observationOf({ startedAt, endedAt, outcome }: Attempt): Observation {
  const isSuccess = outcome.kind === 'delivered' || outcome.kind === 'rejected';
  const { slowDown, retryAfterMs } = outcome.kind === 'failed' ? outcome : { slowDown: false, retryAfterMs: undefined };
  return { startedAt, endedAt, isSuccess, slowDown, retryAfterMs };
}

/** Statuses by which receivers refuse a signature. A wrong clock may be the reason: a signature is made for a time. */
const refusals = new Set([400, 401, 403]);

/**
 * Change in an endpoint's health that operators must hear of. The attempts, at least one, are in the order of their
 * ends, and none found the endpoint gone. `breaker` is the state after them, and `now` is in Unix milliseconds.
 */
export function healthAfter(endpoint: Endpoint, breaker: CircuitBreaker, attempts: readonly Attempt[], now: number) {
  const seen = attempts.flatMap(({ outcome }) => ('cause' in outcome ? [outcome.cause] : []));
  const { status = 0, clockDifferenceMs: clockDifference } = attempts.at(-1)!;
  const wrongClock = refusals.has(status) ? clockWords(clockDifference, 'the receiver’s') : undefined;
  return nextEndpointHealth(endpoint, breaker, seen.at(-1), now, wrongClock);
}
