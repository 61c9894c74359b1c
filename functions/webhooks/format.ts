import { parseNotice } from '../notices/notice-record.ts';
import { slackMessage } from '../notices/slack.ts';
import { teamsMessage } from '../notices/teams.ts';
import type { EventKind } from './delivery.ts';
import type { Endpoint } from './endpoint.ts';
import type { Limits } from './lease.ts';

/** What an endpoint gets: `event`, the envelope itself, or notices as messages for a chat, one per poll. */
export const formats = ['event', 'slack', 'teams'] as const;
export type Format = (typeof formats)[number];

export const kindFor = (format: Format): EventKind => (format === 'event' ? 'event' : 'notice');

/** What is posted for a stored event or notice. */
export function bodyOf(format: Format, stored: string): string {
  if (format === 'event') return stored;
  const notice = parseNotice(stored);
  return format === 'slack' ? slackMessage(notice) : teamsMessage(notice);
}

/** How fast an endpoint may get them: Slack takes one message a second from a webhook. */
export const limitsOf = ({ format, maxInFlight }: Pick<Endpoint, 'format' | 'maxInFlight'>): Limits =>
  format === 'slack' ? { maxInFlight: 1, interval: 1000 } : { maxInFlight, interval: 0 };
