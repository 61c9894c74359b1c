import type { EventTypeAbout } from './catalogue.ts';
import causes from './endpoint-causes.json' with { type: 'json' };
import { factId } from './event-id.ts';
import type { NotifierEvent } from './transfer-event.ts';

export type EndpointCause = keyof typeof causes;

export const isEndpointCause = (value: unknown): value is EndpointCause =>
  typeof value === 'string' && Object.hasOwn(causes, value);

export interface EndpointEventData {
  readonly endpoint: string;
  readonly cause: EndpointCause;
  readonly message: string;
  /** ISO 8601 time of the first failed attempt since the last success. */
  readonly failingSince: string;
  /** ISO 8601 time of its disabling, unless it succeeds before. */
  readonly disableAt?: string;
}

export type EndpointEvent = NotifierEvent<EventTypeAbout<'endpoint'>, EndpointEventData>;

export type TestEvent = NotifierEvent<EventTypeAbout<'test'>, { readonly endpoint: string; readonly message: string }>;

/** @param at ISO 8601 */
export function endpointEvent(type: EndpointEvent['type'], data: EndpointEventData, at: string): EndpointEvent {
  const { endpoint, failingSince, disableAt = '' } = data;
  return { id: factId('evt', 'endpoint', endpoint, type, failingSince, disableAt), type, timestamp: at, data };
}

/** @param at ISO 8601 time of the operator's request */
export function testEvent(endpoint: string, at: string): TestEvent {
  const data = { endpoint, message: 'This is a test: the endpoint works.' };
  return { id: factId('evt', 'notifier.test', endpoint, at), type: 'notifier.test', timestamp: at, data };
}
