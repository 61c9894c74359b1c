import type { EventTypeAbout } from './catalogue.ts';
import { factId } from './event-id.ts';
import type { NotifierEvent } from './transfer-event.ts';

/** Each cause of failure with its remedy. */
export const causes = {
  http_error: 'it answers with an error; look at its own log',
  timeout: 'it does not answer within 15 s; it should answer first and work later',
  unreachable: 'it cannot be reached; check its address and its network',
  proxy_failed:
    'the proxy of the notifier does not lead to it; check the setting proxy, and whether the proxy allows its address',
  untrusted_certificate:
    'its certificate is not trusted, or TLS fails otherwise; npm run notifier -- endpoint test NAME tells why and what to do',
  forbidden_target: 'its address is not on the public internet; correct its URL or its DNS records',
  throttled: 'it asks to slow down; give it more room or choose fewer event types',
  gone: 'it answers 410 Gone; correct its URL and enable it, or remove it',
  mail_login_refused: 'its mail server refuses user or password; correct notify.smtp and the variable SMTP_PASSWORD',
  mail_refused:
    'its mail server refuses mails to this address; look at the answer, and correct the address or the server',
  channel_gone: 'its channel or webhook is gone; create another one in the chat, correct the URL and enable it',
};

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
