import { parseNotice } from '#functions/notices/notice-record.ts';
import { slackMessage } from '#functions/notices/slack.ts';
import { teamsMessage } from '#functions/notices/teams.ts';
import type { Limits } from './lease.ts';

/** What an endpoint gets: `event`, the envelope itself, or notices as messages for a chat, one per poll. */
export const formats = ['event', 'slack', 'teams'] as const;
export type Format = (typeof formats)[number];

/** Events are listed by time; notices, which repeat what events tell, by themselves. */
export type EventKind = 'event' | 'notice';

export const kindFor = (format: Format): EventKind => (format === 'event' ? 'event' : 'notice');

/** What is posted for a stored event or notice. */
export function bodyOf(format: Format, stored: string): string {
  if (format === 'event') return stored;
  const notice = parseNotice(stored);
  return format === 'slack' ? slackMessage(notice) : teamsMessage(notice);
}

/** How fast an endpoint may get them: Slack takes one message a second from a webhook. */
export const limitsOf = ({ format, maxInFlight }: { readonly format: Format; readonly maxInFlight: number }): Limits =>
  format === 'slack' ? { maxInFlight: 1, interval: 1000 } : { maxInFlight, interval: 0 };
