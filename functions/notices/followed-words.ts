import { wordsFor } from '#functions/events/catalogue.ts';
import type { TransferEvent } from '#functions/events/transfer-event.ts';
import type { Problem } from '#functions/transfers/follow.ts';
import type { NoticeItem } from './notice-record.ts';

type Words = Pick<NoticeItem, 'words' | 'before'>;

/** The part of an event that its words tell; a stored event may have been made by another version. */
type Told = Pick<TransferEvent, 'type' | 'timestamp' | 'data'>;

/** Longest time in hours that is told in hours. */
const mostHours = 72;

const problemWords: Readonly<Record<Problem, string>> = {
  recipient_not_notified: 'a recipient was not notified',
  sender_not_notified: 'the sender was not notified',
  files_removed: 'files were removed (virus check or file filter)',
  message_not_created: 'the message was not created',
  other: 'a problem unknown to the notifier',
};

/**
 * Words for a fact that a watch follows; undefined for an event of any other type.
 *
 * @example { words: 'expires in 41 hours, 1 of 3 has nothing yet', before: '(2026-11-26 07:30 UTC)' }
 */
export function followedWords(event: Told): Words | undefined {
  const { type, data } = event;
  const { recipients = 0 } = data;
  const plain = () => ({ words: wordsFor(type), before: '' });
  switch (type) {
    case 'transfer.downloaded':
      return recipients > 0 ? downloadWords(data, recipients) : plain();
    case 'transfer.downloaded_by_all':
      return recipients > 1 ? { words: `all ${recipients} recipients have downloaded`, before: '' } : plain();
    case 'transfer.overdue':
      return overdueWords(event, recipients);
    case 'transfer.problem':
      return data.problems?.length ? { words: wordsOfProblems(data), before: '' } : plain();
    case 'transfer.problem_resolved':
      return plain();
    default:
      return undefined;
  }
}

function downloadWords({ direction, downloadedBy = 1, ...data }: Told['data'], recipients: number): Words {
  const how = data.method === 'viewed' ? 'viewed' : 'downloaded';
  const at = data.downloadedAt === undefined ? '' : formatTime(data.downloadedAt);
  if (recipients === 1) {
    const who = direction === 'received' ? 'we have' : 'the recipient has';
    return { words: `${who} ${how} it`, before: at && `(${at})` };
  }
  const have = downloadedBy === 1 ? 'has' : 'have';
  const who = data.recipient === undefined ? '' : `recipient ${data.recipient} `;
  return {
    words: `${downloadedBy} of ${recipients} recipients ${have} downloaded`,
    before: `(${who}${how} it${at && `, ${at}`})`,
  };
}

function overdueWords({ timestamp, data }: Told, recipients: number): Words {
  const { direction, downloadedBy = 0, expiresAt } = data;
  const open = Math.max(0, recipients - downloadedBy);
  const several = `${open} of ${recipients} ${open === 1 ? 'has' : 'have'} nothing yet`;
  const one = direction === 'received' ? 'we have not fetched it' : 'the recipient has nothing yet';
  return {
    words: `${timeLeft(timestamp, expiresAt)}, ${recipients > 1 ? several : one}`,
    before: expiresAt === undefined ? '' : `(${formatTime(expiresAt)})`,
  };
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

function wordsOfProblems({ direction, problems = [] }: Told['data']): string {
  const own = direction === 'received' ? { recipient_not_notified: 'we were not notified' } : {};
  const words: Readonly<Record<string, string>> = { ...problemWords, ...own };
  return [...new Set(problems.map((one) => (Object.hasOwn(words, one) ? words[one] : problemWords.other)))].join(', ');
}

/** @example formatTime('2026-11-24T14:05:59.120Z'); // '2026-11-24 14:05 UTC' */
export const formatTime = (iso: string): string => `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
