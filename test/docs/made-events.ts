import { CryptshareFailure } from '#functions/cryptshare/failure.ts';
import { type EndpointEvent, testEvent } from '#functions/events/endpoint-event.ts';
import {
  eventTypeOf,
  expiryEvent,
  type IncidentEvent,
  type News,
  type TransferEvent,
  transferEvent,
  type WatchEvent,
  type WatchProblem,
} from '#functions/events/transfer-event.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { type Incident, nextIncident, openIncident } from '#functions/watches/incident.ts';
import { type FailingWatch, shareOf } from '#functions/watches/incident-share.ts';
import { type Health, nextHealth, toldAlone } from '#functions/watches/watch-health.ts';
import { problemOfFailure } from '#functions/watches/watch-problem.ts';
import { type CircuitBreaker, newBreaker } from '#functions/webhooks/endpoints/circuit-breaker.ts';
import type { Endpoint } from '#functions/webhooks/endpoints/endpoint.ts';
import { disabling, nextEndpointHealth } from '#functions/webhooks/endpoints/health.ts';
import type { AnyEvent } from './event-schemas.ts';

/** The server of the examples. */
const server = 'https://cryptshare.example.com';

/** A poll of a watch as its health sees it. */
export interface Poll {
  readonly problem: WatchProblem | undefined;
  /** ISO 8601. */
  readonly at: string;
}

/** The events about a watch that a row of polls is worth. */
export function watchEvents(origin: string, watch: Watch, polls: readonly Poll[]): WatchEvent[] {
  const events: WatchEvent[] = [];
  let health: Health | undefined;
  for (const { problem, at } of polls) {
    let change = nextHealth(origin, watch, health, problem, problem === undefined, at);
    if (!change) continue;
    if (change.health?.sharedAt) change = toldAlone(origin, watch, change.health, at);
    health = change.health;
    if (change.event) events.push(change.event);
  }
  return events;
}

/** Makes the event of an incident with this number of watches, examples first. */
export function incidentEventOf({ type, timestamp, data }: IncidentEvent): IncidentEvent {
  const { cause, message, failingSince, watches, mailboxes, examples } = data;
  const others = Array.from({ length: mailboxes - examples.length }, (_, index) => `~${index}@example.com`);
  const names = [...examples, ...others];
  const health = { failingSince, failures: 3, problem: { cause, message }, isAnnounced: true, sharedAt: timestamp };
  const failing = Array.from({ length: watches }, (_, index) => ({
    mailbox: names[index % mailboxes]!,
    direction: index < mailboxes ? ('sent' as const) : ('received' as const),
    health,
  }));
  // Whatever the times, it has waited long enough.
  const later = (read: Incident | undefined, found: readonly FailingWatch[], at: number) => {
    const shares = found.length > 0 ? [shareOf(openIncident(read), found)] : [];
    return (nextIncident(server, cause, read, shares, 1, at) as { next: Incident }).next;
  };
  const at = Math.max(Date.parse(timestamp), Date.parse(failingSince) + 1);
  const told = later(undefined, failing, at);
  if (type === 'watch.many_failing') return JSON.parse(told.pending![0]!);
  const clear = later({ ...told, pending: [] }, [], at - 60_000);
  return JSON.parse(later(clear, [], at).pending![0]!);
}

/** The event that an endpoint's problem of one cause is worth. */
export function endpointEventOf({
  type,
  timestamp,
  data,
}: Pick<EndpointEvent, 'type' | 'timestamp' | 'data'>): EndpointEvent {
  const { endpoint: name, cause, failingSince } = data;
  const at = Date.parse(timestamp);
  const well: CircuitBreaker = newBreaker;
  const failing: CircuitBreaker = { ...well, failures: 10, failedAttempts: 10, failingSince: Date.parse(failingSince) };
  const crm: Endpoint = {
    name,
    status: 'active',
    createdAt: failingSince,
    types: ['transfer.*'],
    format: 'event',
    retryDelaysMs: [],
    maxInFlight: 1,
    origin: 'https://crm.example.com',
    encrypted: '',
    rev: 1,
  };
  const told = { ...crm, health: { failingSince, cause } };
  const change = {
    'endpoint.failing': () => nextEndpointHealth(data.disableAt ? told : crm, failing, cause, at),
    'endpoint.disabled': () => disabling(crm, failingSince, cause, at),
    'endpoint.recovered': () => nextEndpointHealth(told, well, undefined, at),
  }[type]();
  return JSON.parse(change!.body);
}

/** The event that the code makes of the facts that an example tells. */
export function made(event: AnyEvent): AnyEvent {
  if (event.type === 'notifier.test') return testEvent(event.data.endpoint, event.timestamp);
  if ('endpoint' in event.data) return endpointEventOf(event as EndpointEvent);
  const { type, timestamp, data } = event as TransferEvent | WatchEvent;
  if ('trackingId' in data) {
    const news = type === eventTypeOf(data.state) ? undefined : (type as News);
    return transferEvent(server, data, { ...data, news }, timestamp);
  }
  if ('validUntil' in data) return expiryEvent(server, data, data.validUntil, timestamp);
  if ('watches' in data) return incidentEventOf(event as IncidentEvent);
  const problem = problemOfFailure(new CryptshareFailure('unreachable', 'ECONNREFUSED'));
  const failing = Array.from({ length: 3 }, (_, index) => ({
    problem,
    at: index === 0 ? data.failingSince : timestamp,
  }));
  return watchEvents(server, data, [...failing, { problem: undefined, at: timestamp }]).find(
    (event) => event.type === type,
  )!;
}
