import { parseNotice } from '#functions/notices/notice-record.ts';
import { slackMessage } from '#functions/notices/slack.ts';
import { teamsMessage } from '#functions/notices/teams.ts';
import type { Limits } from './lease.ts';

/** Body format: `event` is the envelope itself; chats receive notices as messages, one per poll. */
export const formats = ['event', 'slack', 'teams'] as const;
export type Format = (typeof formats)[number];

/** Notices repeat the content of events, so each kind has its own list by time. */
export type EventKind = 'event' | 'notice';

export const kindFor = (format: Format): EventKind => (format === 'event' ? 'event' : 'notice');

export function bodyOf(format: Format, stored: string): string {
  if (format === 'event') return stored;
  const notice = parseNotice(stored);
  return format === 'slack' ? slackMessage(notice) : teamsMessage(notice);
}

/** The rate limits of an endpoint: Slack accepts one message a second from a webhook. */
export const limitsOf = ({ format, maxInFlight }: { readonly format: Format; readonly maxInFlight: number }): Limits =>
  format === 'slack' ? { maxInFlight: 1, intervalMs: 1000 } : { maxInFlight, intervalMs: 0 };
