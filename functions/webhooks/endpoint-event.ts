import { factId, type NotifierEvent } from '../transfers/event.ts';

export type EndpointEventType = 'endpoint.failing' | 'endpoint.disabled' | 'endpoint.recovered';

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

/** What operators are told of an endpoint. */
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

export type TestEvent = NotifierEvent<'notifier.test', { readonly endpoint: string; readonly message: string }>;

/** @param at ISO 8601 */
export function endpointEvent(type: EndpointEventType, data: EndpointEventData, at: string): EndpointEvent {
  const { endpoint, failingSince, disableAt = '' } = data;
  return { id: factId('evt', 'endpoint', endpoint, type, failingSince, disableAt), type, timestamp: at, data };
}

/** @param at ISO 8601 time at which it was asked for */
export const testEvent = (endpoint: string, at: string): TestEvent => ({
  id: factId('evt', 'notifier.test', endpoint, at),
  type: 'notifier.test',
  timestamp: at,
  data: { endpoint, message: 'This is a test: the endpoint works.' },
});
