import { type EventType, eventTypes, severityOf, wordsFor } from '#functions/events/catalogue.ts';
import type { EndpointEvent, TestEvent } from '#functions/events/endpoint-event.ts';
import { factId } from '#functions/events/event-id.ts';
import type { NotifierEvent, TransferEvent, WatchEvent } from '#functions/events/transfer-event.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { followedWords, formatTime } from './followed-words.ts';
import { cut, neutral, neutralItem, printable, unlinked, unmarked } from './foreign-text.ts';
import type { NoticeItem, NoticeRecord } from './notice-record.ts';

/** Text for people about one poll of one watch, or about one event, in the form of each channel. */
export type Notice = ReturnType<typeof notice>;

/** Most named transfers, so that a mail stays readable; the others are only counted. */
const maxLines = 20;
/** Characters of a subject, which is ASCII: the limit of SNS for e-mail. */
const maxSubject = 99;
/** Characters of title and description: limits of Amazon Q Developer in chat applications. */
const maxTitle = 250;
const maxDescription = 8000;

/** @param events of one poll of the watch: at least one */
export function transferNotice({ mailbox, direction }: Watch, events: readonly TransferEvent[]): Notice {
  const byUrgency = events.toSorted((a, b) => eventTypes.indexOf(a.type) - eventTypes.indexOf(b.type));
  // The last of several events of one type about a transfer, such as downloads by each recipient, tells all.
  const sorted = [...new Map(byUrgency.map((event) => [`${event.type} ${event.data.trackingId}`, event])).values()];
  const byType = Map.groupBy(sorted, ({ type }) => type);
  const counts = [...byType].map(([type, { length }]) => `${length} ${wordsFor(type)}`).join(', ');
  const times = events.map(({ timestamp }) => timestamp).toSorted();
  const since = formatTime(times[0]!);
  const { size } = new Set(sorted.map(({ data }) => data.trackingId));
  const transfers = size === 1 ? '1 transfer' : `${size} transfers`;
  const whose = `${transfers} ${direction} by ${mailboxText(mailbox)}`;
  const items = sorted.slice(0, maxLines).map(itemOf);
  const unnamed = sorted.length - items.length;
  const more = unnamed > 0 ? [`and ${unnamed} more`] : [];
  const lines = items.map(neutralItem);
  const width = Math.max(...lines.map(({ words }) => words.length));
  const idWidth = Math.max(...lines.map(({ trackingId }) => trackingId.length));
  const rows = lines.map(({ words, trackingId, before }) =>
    `  ${words.padEnd(width)}  ${trackingId.padEnd(idWidth)}  ${before}`.trimEnd(),
  );
  const subject = `${counts} (${mailboxText(mailbox)}, ${direction})`;
  const text = [`${whose} changed since ${since}: ${counts}.`, '', ...rows, ...more];
  const id = factId('ntc', ...events.map((event) => event.id).toSorted());
  const about = { id, timestamp: times.at(-1)!, severity: severityOf(sorted[0]!.type), types: [...byType.keys()] };
  const paragraphs = [`Since ${since}:`];
  const record = { ...about, mailbox, direction, headline: `${whose}: ${counts}`, paragraphs, items, more: unnamed };
  return notice(subject, text, [...paragraphs, ...lines.map(chatLine), ...more], record);
}

/** Local part and domain, both without signs that a chat reads as marks of its own. */
const address =
  /^(?<local>(?:[\w!#$%&'*+/=?^`{|}~.-]|[^\p{ASCII}\p{C}\p{Z}])+)@(?<domain>[\p{L}\p{M}\p{N}\p{So}-]+(?:\.[\p{L}\p{M}\p{N}\p{So}-]+)+)$/u;

/** The display form of a mailbox: an address stays unchanged unless its local part looks like a link. */
function mailboxText(mailbox: string): string {
  const { local = '', domain } = address.exec(mailbox)?.groups ?? {};
  if (domain === undefined) return neutral(mailbox);
  return `${/\/|^www\./i.test(local) ? neutral(local) : local}@${domain}`;
}

const chatLine = ({ words, trackingId, before }: NoticeItem): string =>
  `• *${unbracketed(words)}* \`${trackingId.replaceAll('`', "'")}\` ${unbracketed(before)}`.trimEnd();

/** A notice that polls of one or many watches fail or succeed again, or that a verification ends soon. */
export function watchNotice(event: WatchEvent): Notice {
  const { type, timestamp, data } = event;
  const message = unlinked(data.message);
  if ('validUntil' in data) {
    const { mailbox, direction, validUntil } = data;
    const headline = `The verification of ${mailboxText(mailbox)} ends soon`;
    const text = `It is valid until ${formatTime(validUntil)}: ${message}`;
    return plainNotice(event, headline, [text], { mailbox, direction });
  }
  const { whose, count, names, watch } = polled(data);
  const since = `since ${formatTime(data.failingSince)}`;
  if (type === 'watch.failing' || type === 'watch.many_failing') {
    const headline = `Cannot watch ${whose}`;
    const kept = 'Changes are not lost: they are announced as soon as a poll succeeds.';
    return plainNotice(event, headline, [`${headline}${count}, ${since}: ${message}`, ...names, kept], watch);
  }
  const headline = `Watching ${whose} again`;
  const text = `${headline}, since ${formatTime(timestamp)}. Polls had failed ${since}: ${message}`;
  return plainNotice(event, headline, [text, ...names], watch);
}

function polled(data: Exclude<WatchEvent['data'], { validUntil: string }>) {
  if (!('watches' in data)) {
    const { mailbox, direction } = data;
    const whose = `transfers ${direction} by ${mailboxText(mailbox)}`;
    return { whose, count: '', names: [], watch: { mailbox, direction } };
  }
  const { watches, mailboxes, examples } = data;
  const others = mailboxes - examples.length;
  const text = `They are: ${examples.map(mailboxText).join(', ')}${others > 0 ? ` and ${others} more` : ''}.`;
  const whose = mailboxes === 1 ? '1 mailbox' : `${mailboxes} mailboxes`;
  // A forgotten mailbox is no example any more.
  return { whose, count: ` (${watches} watches)`, names: examples.length > 0 ? [text] : [] };
}

export function endpointNotice(event: EndpointEvent): Notice {
  const { endpoint, failingSince, disableAt } = event.data;
  const failed = `failed since ${formatTime(failingSince)}`;
  const about = (state: string, text: string, ...advice: string[]) => {
    const first = `The webhook ${endpoint} ${text}: ${unlinked(event.data.message)}.`;
    return plainNotice(event, `Webhook ${endpoint} ${state}`, [first, ...advice]);
  };
  if (event.type === 'endpoint.recovered') return about('works again', `works again. It had ${failed}`);
  if (event.type === 'endpoint.disabled') {
    const held = 'Its events are held. Once it is mended, enable it and recover them.';
    return about('is disabled', `has ${failed} and is disabled`, held);
  }
  if (!disableAt)
    return about('is failing', `has ${failed}`, 'Its events are kept, and delivered as soon as it answers.');
  const kept = `Unless it succeeds once, it is disabled at ${formatTime(disableAt)}. Its events are kept.`;
  return about('will be disabled', `has ${failed}`, kept);
}

export const testNotice = (event: TestEvent): Notice =>
  plainNotice(event, 'A test of Transfer Notifier', [event.data.message]);

function plainNotice(event: NotifierEvent<EventType, object>, headline: string, paragraphs: string[], watch?: Watch) {
  const { id, type, timestamp } = event;
  const about = { id: factId('ntc', id), timestamp, severity: severityOf(type), types: [type], ...watch };
  const record = { ...about, headline, paragraphs, items: [], more: 0 };
  return notice(headline, paragraphs, paragraphs, record);
}

/** @param lines paragraphs for a chat */
function notice(subject: string, text: readonly string[], lines: readonly string[], record: NoticeRecord) {
  const title = cut(unbracketed(printable(record.headline)), maxTitle, '...');
  const description = cut(lines.map((line) => unquoted(printable(line))).join('\n'), maxDescription, '...');
  const content = { textType: 'client-markdown', title, description };
  return {
    subject: cut(subject.replaceAll(/[^\x20-\x7e]/g, '?'), maxSubject, '...'),
    text: `${text.map(printable).join('\n')}\n`,
    /** The custom notification of Amazon Q Developer in chat applications, which drops fields outside its schema. */
    chat: { version: '1.0', source: 'custom', id: record.id, content },
    /** Parts for systems and subscription filters. */
    record,
  };
}

function itemOf(event: TransferEvent): NoticeItem {
  const { type, data } = event;
  const { trackingId, state, previousState } = data;
  const followed = followedWords(event);
  if (followed) return { trackingId, ...followed };
  // Undocumented states keep the server's spelling.
  const words = type === 'transfer.state_changed' ? state : wordsFor(type);
  if (previousState === null) return { words, trackingId, before: '(new)' };
  const was = type === 'transfer.unlisted' || type === 'transfer.listed_again' ? 'last' : 'was';
  return { words, trackingId, before: `(${was} ${previousState.toLowerCase().replaceAll('_', ' ')})` };
}

/** Removes characters that a chat reads as emphasis or as a link with its own text. */
const unbracketed = (text: string): string => unmarked(text).replaceAll(/[[\]]/g, ' ');

/** Removes characters that a chat reads as links and mentions. */
const unquoted = (text: string): string => text.replaceAll(/[<>&]/g, ' ');
