import type { Message } from '#functions/notices/message.ts';
import { slackMessage } from '#functions/notices/slack.ts';
import { teamsMessage } from '#functions/notices/teams.ts';
import type { Limits } from './lease.ts';
import { filledTemplate, type TemplateParts } from './template.ts';

/** Body format: `event` is the envelope itself; people get digests, by chat or mail. */
export const formats = ['event', 'cloudevents', 'template', 'slack', 'teams', 'email'] as const;
export type Format = (typeof formats)[number];

/** Digests repeat the content of events, so each kind has its own list by time. */
export type EventKind = 'event' | 'digest';

type Chat = 'slack' | 'teams';

export const isChat = (format: Format): format is Chat => format === 'slack' || format === 'teams';

export const isForPeople = (format: Format): format is Chat | 'email' => isChat(format) || format === 'email';

export const kindFor = (format: Format): EventKind => (isForPeople(format) ? 'digest' : 'event');

export const contentTypeOf = (format: Format): string =>
  format === 'cloudevents' ? 'application/cloudevents+json' : 'application/json';

export const chatBodyOf = (format: Format, message: Message): string =>
  format === 'slack' ? slackMessage(message) : teamsMessage(message);

/** Makes the body of a request to a system from a stored event; the same each time. */
export function eventBodyOf(format: Format, stored: string, parts: TemplateParts): string {
  if (format === 'event') return stored;
  return format === 'cloudevents' ? cloudEvent(stored) : filledTemplate(parts, stored);
}

/** An event in the structured mode of CloudEvents 1.0.2; its id alone identifies it. */
function cloudEvent(stored: string): string {
  const { id, type, timestamp: time, data } = JSON.parse(stored);
  const source = `urn:transfer-notifier:${type.split('.')[0]}`;
  const about = { specversion: '1.0', id, source, type, subject: data?.trackingId, time };
  return JSON.stringify({ ...about, datacontenttype: 'application/json', data });
}

/** The rate limits of an endpoint: Slack accepts one message a second from a webhook. */
export const limitsOf = ({ format, maxInFlight }: { readonly format: Format; readonly maxInFlight: number }): Limits =>
  format === 'slack' ? { maxInFlight: 1, intervalMs: 1000 } : { maxInFlight, intervalMs: 0 };
