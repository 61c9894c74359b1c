import { factId } from '../transfers/event.ts';
import type { EndpointEvent, TestEvent } from '../webhooks/endpoint-event.ts';
import { unlinked } from './foreign-text.ts';
import { type Notice, plainNotice, spokenTime } from './notice.ts';

/** Tells that an endpoint fails, is disabled, or is well again. */
export function endpointNotice({ id, type, timestamp, data }: EndpointEvent): Notice {
  const { endpoint, failingSince, disableAt } = data;
  const message = unlinked(data.message);
  const since = `since ${spokenTime(failingSince)}`;
  const kept = 'Its events are kept, and delivered as soon as it answers.';
  const texts = {
    'endpoint.failing': disableAt
      ? {
          headline: `Webhook ${endpoint} will be disabled`,
          paragraphs: [
            `The webhook ${endpoint} has failed ${since}: ${message}.`,
            `Unless it succeeds once, it is disabled at ${spokenTime(disableAt)}. Its events are kept.`,
          ],
        }
      : {
          headline: `Webhook ${endpoint} is failing`,
          paragraphs: [`The webhook ${endpoint} has failed ${since}: ${message}.`, kept],
        },
    'endpoint.disabled': {
      headline: `Webhook ${endpoint} is disabled`,
      paragraphs: [
        `The webhook ${endpoint} has failed ${since} and is disabled: ${message}.`,
        'Its events are held. Once it is mended, enable it and recover them.',
      ],
    },
    'endpoint.recovered': {
      headline: `Webhook ${endpoint} works again`,
      paragraphs: [`The webhook ${endpoint} works again. It had failed ${since}: ${message}.`],
    },
  };
  const severities = {
    'endpoint.failing': 'warning',
    'endpoint.disabled': 'alert',
    'endpoint.recovered': 'info',
  } as const;
  return plainNotice({ id: factId('ntc', id), timestamp, severity: severities[type], types: [type], ...texts[type] });
}

/** Tells nothing but that it arrived. */
export const testNotice = ({ id, type, timestamp, data }: TestEvent): Notice =>
  plainNotice({
    id: factId('ntc', id),
    timestamp,
    severity: 'info',
    types: [type],
    headline: 'A test of Transfer Notifier',
    paragraphs: [data.message],
  });
