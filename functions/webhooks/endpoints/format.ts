import { parseNotice } from '#functions/notices/notice-record.ts';
import { slackMessage } from '#functions/notices/slack.ts';
import { teamsMessage } from '#functions/notices/teams.ts';
import type { Limits } from './lease.ts';
import { filledTemplate, type TemplateParts } from './template.ts';

/** Body format: `event` is the envelope itself; chats receive notices as messages, one per poll. */
export const formats = ['event', 'cloudevents', 'template', 'slack', 'teams', 'email'] as const;
export type Format = (typeof formats)[number];

/** Notices repeat the content of events, so each kind has its own list by time. */
export type EventKind = 'event' | 'notice';

type Chat = 'slack' | 'teams';

export const isChat = (format: Format): format is Chat => format === 'slack' || format === 'teams';

export const kindFor = (format: Format): EventKind => (isChat(format) ? 'notice' : 'event');

export const contentTypeOf = (format: Format): string =>
  format === 'cloudevents' ? 'application/cloudevents+json' : 'application/json';

/** Makes the body of a request from a stored event or notice; the same each time. */
export function bodyOf(format: Format, stored: string, parts: TemplateParts): string {
  if (!isChat(format)) return eventBodyOf(format, stored, parts);
  const notice = parseNotice(stored);
  return format === 'slack' ? slackMessage(notice) : teamsMessage(notice);
}

/** Makes the body from a stored event. */
export function eventBodyOf(format: Exclude<Format, Chat>, stored: string, parts: TemplateParts): string {
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
