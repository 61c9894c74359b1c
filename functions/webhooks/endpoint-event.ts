import { factId, type NotifierEvent } from '../transfers/event.ts';

/** Type of an event about an endpoint, for operators. */
export type EndpointEventType = 'endpoint.failing' | 'endpoint.disabled' | 'endpoint.recovered';

/** What is wrong with an endpoint. */
export type EndpointCause =
  | 'http_error'
  | 'timeout'
  | 'unreachable'
  | 'proxy_failed'
  | 'untrusted_certificate'
  | 'forbidden_target'
  | 'throttled'
  | 'gone'
  | 'channel_gone';

/** What happened to one endpoint. */
export interface EndpointEventData {
  /** Its name. */
  readonly endpoint: string;
  readonly cause: EndpointCause;
  /** The cause in words and what to do about it. */
  readonly message: string;
  /** ISO 8601 time of the first failed attempt since the last success. */
  readonly failingSince: string;
  /** ISO 8601 time from which on it is disabled, if it goes on failing. */
  readonly disableAt?: string;
}

export type EndpointEvent = NotifierEvent<EndpointEventType, EndpointEventData>;

/** What a test event tells: for whom it is. */
export interface TestEventData {
  readonly endpoint: string;
  readonly message: string;
}

export type TestEvent = NotifierEvent<'notifier.test', TestEventData>;

/**
 * The event that tells operators about an endpoint.
 *
 * @param at ISO 8601
 */
export function endpointEvent(type: EndpointEventType, data: EndpointEventData, at: string): EndpointEvent {
  const { endpoint, failingSince, disableAt = '' } = data;
  return { id: factId('evt', 'endpoint', endpoint, type, failingSince, disableAt), type, timestamp: at, data };
}

/**
 * An event that tells nothing but that it arrived.
 *
 * @param at ISO 8601 time at which it was asked for
 */
export const testEvent = (endpoint: string, at: string): TestEvent => ({
  id: factId('evt', 'notifier.test', endpoint, at),
  type: 'notifier.test',
  timestamp: at,
  data: { endpoint, message: 'This is a test: the endpoint works.' },
});
