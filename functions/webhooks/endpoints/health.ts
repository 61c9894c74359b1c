import { hasBeen } from '#functions/clock/instants.ts';
import causes from '#functions/events/endpoint-causes.json' with { type: 'json' };
import { type EndpointCause, type EndpointEvent, endpointEvent } from '#functions/events/endpoint-event.ts';
import { eventBody } from '#functions/events/transfer-event.ts';
import type { CircuitBreaker } from './circuit-breaker.ts';
import type { Endpoint, EndpointHealth } from './endpoint.ts';

/** Failures in a row before operators are told: by the usual schedule, the fourth comes 35 minutes after the first. */
const failuresToTell = 4;
/** Milliseconds without a success until an endpoint is disabled, longer than all retries take. */
const failingToDisableMs = 5 * 86_400_000;
/** Milliseconds from the warning until then. */
const warningIntervalMs = 86_400_000;
/** Least failed attempts before an endpoint is disabled, however long it fails: as many as one delivery has. */
const attemptsToDisable = 10;

export interface EndpointHealthChange {
  readonly health: EndpointHealth | undefined;
  /** The reason for operators, if the endpoint is to be disabled. */
  readonly disabledBecause?: string;
  readonly body: string;
}

/**
 * The next report to operators, if due, once each: on failing, a day before disabling, on disabling, on recovery.
 *
 * @param at Unix time in milliseconds
 * @param clockWords description of the local clock's error, if that may be the reason
 * @example the fourth failure gives `{ health: { failingSince, cause: 'timeout' }, body }`, for `endpoint.failing`
 */
export function nextEndpointHealth(
  endpoint: Endpoint,
  breaker: CircuitBreaker,
  cause: EndpointCause | undefined,
  at: number,
  clockWords?: string,
): EndpointHealthChange | undefined {
  const { health } = endpoint;
  const failingSince = breaker.failingSince === undefined ? undefined : iso(breaker.failingSince);
  // A different `failingSince` means an unrecorded recovery in between.
  if (health && health.failingSince !== failingSince) {
    const data = { cause: health.cause, message: causes[health.cause], failingSince: health.failingSince };
    return { health: undefined, body: bodyOf('endpoint.recovered', endpoint, data, at) };
  }
  if (failingSince === undefined || cause === undefined) return undefined;
  const message = clockWords ? `${causes[cause]}; ${clockWords}, which may be the reason` : causes[cause];
  const data = { cause, message, failingSince };
  if (!health) {
    if (breaker.failures < failuresToTell) return undefined;
    return { health: { failingSince, cause }, body: bodyOf('endpoint.failing', endpoint, data, at) };
  }
  if (breaker.failedAttempts < attemptsToDisable) return undefined;
  // A warning dated in the future was written by a clock that was ahead.
  if (health.warnedAt === undefined || !hasBeen(health.warnedAt, at)) {
    if (at < Date.parse(failingSince) + failingToDisableMs - warningIntervalMs) return undefined;
    const warned = { ...data, disableAt: iso(at + warningIntervalMs) };
    return { health: { ...health, warnedAt: at }, body: bodyOf('endpoint.failing', endpoint, warned, at) };
  }
  return at < health.warnedAt + warningIntervalMs ? undefined : disabling(endpoint, failingSince, cause, at);
}

export const disabling = (endpoint: Endpoint, failingSince: string, cause: EndpointCause, at: number) => ({
  health: undefined,
  disabledBecause: causes[cause],
  body: bodyOf('endpoint.disabled', endpoint, { cause, message: causes[cause], failingSince }, at),
});

type Facts = Omit<EndpointEvent['data'], 'endpoint'>;

const bodyOf = (type: EndpointEvent['type'], { name: endpoint }: Endpoint, facts: Facts, at: number): string =>
  eventBody(endpointEvent(type, { endpoint, ...facts }, iso(at)));

const iso = (milliseconds: number): string => new Date(milliseconds).toISOString();
