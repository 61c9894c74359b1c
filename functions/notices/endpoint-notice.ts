import type { EndpointEvent, TestEvent } from '../webhooks/endpoint-event.ts';
import { unlinked } from './foreign-text.ts';
import { type Notice, plainNotice, spokenTime } from './notice.ts';

/** Tells that an endpoint fails, is disabled, or is well again. */
export function endpointNotice(event: EndpointEvent): Notice {
  const { endpoint, failingSince, disableAt } = event.data;
  const message = unlinked(event.data.message);
  const since = `since ${spokenTime(failingSince)}`;
  if (event.type === 'endpoint.recovered') {
    return plainNotice(event, 'info', `Webhook ${endpoint} works again`, [
      `The webhook ${endpoint} works again. It had failed ${since}: ${message}.`,
    ]);
  }
  if (event.type === 'endpoint.disabled') {
    return plainNotice(event, 'alert', `Webhook ${endpoint} is disabled`, [
      `The webhook ${endpoint} has failed ${since} and is disabled: ${message}.`,
      'Its events are held. Once it is mended, enable it and recover them.',
    ]);
  }
  return plainNotice(event, 'warning', `Webhook ${endpoint} ${disableAt ? 'will be disabled' : 'is failing'}`, [
    `The webhook ${endpoint} has failed ${since}: ${message}.`,
    disableAt
      ? `Unless it succeeds once, it is disabled at ${spokenTime(disableAt)}. Its events are kept.`
      : 'Its events are kept, and delivered as soon as it answers.',
  ]);
}

/** Tells nothing but that it arrived. */
export const testNotice = (event: TestEvent): Notice =>
  plainNotice(event, 'info', 'A test of Transfer Notifier', [event.data.message]);
