import { hasBeen } from '../instants.ts';
import { eventBody } from '../transfers/event.ts';
import type { Endpoint, EndpointHealth } from './endpoint.ts';
import { type EndpointCause, endpointEvent } from './endpoint-event.ts';
import type { Gate } from './gate.ts';

/** Failed attempts in a row after which operators are told. */
const failuresToTell = 4;

/** Milliseconds without one success after which an endpoint is disabled, and how long before that operators are warned. */
const failingToDisable = 5 * 86_400_000;
const warning = 86_400_000;

/** Failed attempts without which time alone disables nothing. */
const attemptsToDisable = 10;

/** What becomes of an endpoint's health, and the body of the event that tells of it. */
export interface EndpointHealthChange {
  readonly health: EndpointHealth | undefined;
  /** It is to be disabled, for this reason in words. */
  readonly disabledBecause?: string;
  readonly body: string;
}

/** What each cause means and what to do about it. */
const causes: Record<EndpointCause, string> = {
  http_error: 'it answers with an error; look at its own log',
  timeout: 'it does not answer within 15 s; it should answer first and work later',
  unreachable: 'it cannot be reached; check its address and its network',
  proxy_failed:
    'the proxy of the notifier does not lead to it; check the setting proxy, and whether the proxy allows its address',
  untrusted_certificate: 'its certificate is not trusted; renew it with a public authority',
  forbidden_target: 'its address is not on the public internet; correct its URL or its DNS records',
  throttled: 'it asks to slow down; give it more room or choose fewer event types',
  gone: 'it answers 410 Gone; correct its URL and enable it, or remove it',
  channel_gone: 'its channel or webhook is gone; create another one in the chat, correct the URL and enable it',
};

/**
 * Tells whether operators must hear about an endpoint: once when it fails, once a day before it is disabled, once when
 * it is disabled, and once when it is well again.
 *
 * @param cause of the failure that was seen last, if one was seen
 * @param at Unix time in milliseconds
 * @param clockWords how wrong the clock here is, where that may be the reason
 */
export function nextEndpointHealth(
  endpoint: Endpoint,
  gate: Gate,
  cause: EndpointCause | undefined,
  at: number,
  clockWords?: string,
): EndpointHealthChange | undefined {
  const { name, health } = endpoint;
  const time = iso(at);
  const failingSince = gate.failingSince === undefined ? undefined : iso(gate.failingSince);
  // One that fails since another time has been well in between, though that was not written down.
  if (health && health.failingSince !== failingSince) {
    const { cause: told } = health;
    const data = { endpoint: name, cause: told, message: causes[told], failingSince: health.failingSince };
    return { health: undefined, body: eventBody(endpointEvent('endpoint.recovered', data, time)) };
  }
  if (failingSince === undefined || cause === undefined) return undefined;
  const message = clockWords ? `${causes[cause]}; ${clockWords}, which may be the reason` : causes[cause];
  const data = { endpoint: name, cause, message, failingSince };
  if (!health) {
    if (gate.failures < failuresToTell) return undefined;
    return {
      health: { failingSince, cause },
      body: eventBody(endpointEvent('endpoint.failing', data, time)),
    };
  }
  if (gate.failedAttempts < attemptsToDisable) return undefined;
  // A warning that is still to come was given by a clock that was ahead.
  if (health.warnedAt === undefined || !hasBeen(health.warnedAt, at)) {
    if (at < Date.parse(failingSince) + failingToDisable - warning) return undefined;
    const disableAt = iso(at + warning);
    return {
      health: { ...health, warnedAt: at },
      body: eventBody(endpointEvent('endpoint.failing', { ...data, disableAt }, time)),
    };
  }
  return at < health.warnedAt + warning ? undefined : disabling(endpoint, failingSince, cause, at);
}

/** What becomes of an endpoint that is disabled for a cause. */
export function disabling(
  { name }: Endpoint,
  failingSince: string,
  cause: EndpointCause,
  at: number,
): EndpointHealthChange {
  const data = { endpoint: name, cause, message: causes[cause], failingSince };
  return {
    health: undefined,
    disabledBecause: causes[cause],
    body: eventBody(endpointEvent('endpoint.disabled', data, iso(at))),
  };
}

const iso = (milliseconds: number): string => new Date(milliseconds).toISOString();
