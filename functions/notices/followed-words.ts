import { wordsFor } from '#functions/events/catalogue.ts';
import type { TransferEvent } from '#functions/events/transfer-event.ts';
import type { Problem } from '#functions/transfers/follow.ts';
import type { NoticeItem } from './notice-record.ts';

type Words = Pick<NoticeItem, 'words' | 'before'>;

/** Longest time that is told in hours. */
const mostHours = 72;

const problemWords: Readonly<Record<Problem, string>> = {
  recipient_not_notified: 'a recipient was not notified',
  sender_not_notified: 'the sender was not notified',
  files_removed: 'files were removed (virus check or file filter)',
  message_not_created: 'the message was not created',
  other: 'a problem unknown to the notifier',
};
const ownProblemWords = { recipient_not_notified: 'we were not notified' };

const followed = /^transfer\.(?:downloaded(?:_by_all)?|overdue|problem(?:_resolved)?)$/;

/** @param detail shown in parentheses */
const told = (words: string, detail = ''): Words => ({ words, before: detail && `(${detail})` });

/**
 * Words for a fact that a watch follows; undefined for an event of any other type.
 *
 * @example { words: 'expires in 41 hours, 1 of 3 has nothing yet', before: '(2026-11-26 07:30 UTC)' }
 */
export function followedWords({ type, timestamp, data }: TransferEvent): Words | undefined {
  const { direction, recipients = 0, downloadedBy = 0, expiresAt, problems = [] } = data;
  const isOwn = direction === 'received';
  if (type === 'transfer.downloaded' && recipients > 0) return downloadWords(data, isOwn);
  if (type === 'transfer.downloaded_by_all' && recipients > 1)
    return told(`${recipients === 2 ? 'both' : `all ${recipients}`} recipients have downloaded`);
  if (type === 'transfer.problem' && problems.length > 0) return told(wordsOfProblems(problems, isOwn));
  if (type === 'transfer.overdue') {
    const open = Math.max(0, recipients - downloadedBy);
    const several = `${open} of ${recipients} ${open === 1 ? 'has' : 'have'} nothing yet`;
    const one = isOwn ? 'we have not fetched it' : 'the recipient has nothing yet';
    const words = `${timeLeft(timestamp, expiresAt)}, ${recipients > 1 ? several : one}`;
    return told(words, expiresAt && formatTime(expiresAt));
  }
  return followed.test(type) ? told(wordsFor(type)) : undefined;
}

function downloadWords({ recipient, recipients, downloadedBy = 1, ...data }: TransferEvent['data'], isOwn: boolean) {
  const how = `${data.method === 'viewed' ? 'viewed' : 'downloaded'} it`;
  const at = data.downloadedAt && formatTime(data.downloadedAt);
  if (recipients === 1) return told(`${isOwn ? 'we have' : 'the recipient has'} ${how}`, at);
  const detail = `${recipient === undefined ? '' : `recipient ${recipient} `}${how}${at ? `, ${at}` : ''}`;
  return told(`${downloadedBy} of ${recipients} recipients ${downloadedBy === 1 ? 'has' : 'have'} downloaded`, detail);
}

/** Time between two ISO 8601 times, rounded down, so that people have at least that time. */
function timeLeft(from: string, until = ''): string {
  const hours = Math.floor((Date.parse(until) - Date.parse(from)) / 3_600_000);
  if (Number.isNaN(hours)) return 'expires soon';
  if (hours < 0) return 'past its expiry date';
  if (hours < 1) return 'expires within an hour';
  if (hours > mostHours) return `expires in ${Math.floor(hours / 24)} days`;
  return `expires in ${hours === 1 ? '1 hour' : `${hours} hours`}`;
}

function wordsOfProblems(problems: readonly string[], isOwn: boolean): string {
  const words: Readonly<Record<string, string>> = { ...problemWords, ...(isOwn && ownProblemWords) };
  return [...new Set(problems.map((one) => (Object.hasOwn(words, one) ? words[one] : problemWords.other)))].join(', ');
}

/** @example formatTime('2026-11-24T14:05:59.120Z'); // '2026-11-24 14:05 UTC' */
export const formatTime = (iso: string): string => `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
