import { entryOf } from '#functions/events/catalogue.ts';
import { eventTypeOf } from '#functions/events/transfer-event.ts';
import type { Phrase, Words } from '#functions/notices/words/words.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { numberIn, type ToldEvent, textIn } from './digest.ts';
import { cut, mailboxText, neutral, unlinked } from './foreign-text.ts';

const mostHours = 72;

/** Longest explanation that an event gives, and longest type, in characters. */
const maxMessage = 1000;
const maxType = 64;

/** An event in words. All foreign text in them is neutral. @param detail `''` where there is none */
const told = (words: string, detail = '') => ({ words, detail });

type WatchName = { readonly [Name in keyof Watch]?: unknown };

/** Words that follow a noun. @example ' from anna@example.com', for transfers sent by this mailbox; `''` for none */
export function ofWatch(words: Words, type: string, { mailbox, direction }: WatchName): string {
  if (typeof mailbox !== 'string') return '';
  const isKnown = !type.startsWith('watch.') && (direction === 'sent' || direction === 'received');
  return words.say(isKnown ? `of.${direction}` : 'of.watch', { mailbox: mailboxText(mailbox) });
}

/** The display form of a type that another version has stored. */
const typeText = (type: string): string => neutral(cut(type, maxType));

/** A number of events of one type. @example '3 transfers from anna@example.com failed' */
export function countWords(words: Words, type: string, count: number, watch: WatchName = {}): string {
  const phrase = entryOf(type).about && words.has(type) ? type : 'unknown';
  return words.say(phrase, { count, of: ofWatch(words, type, watch), type: typeText(type) });
}

/** A number of events as short as a column or a list needs it. @example '3 failed' */
export const shortCount = (words: Words, type: string, count: number): string =>
  words.has(`is.${type}`)
    ? words.say('count', { count, state: stateWords(words, type) })
    : countWords(words, type, count);

/** A transfer's event in words. @example { words: 'failed', detail: 'was processing' } */
export function transferWords(words: Words, event: ToldEvent) {
  const fact = factWords(words, event);
  if (fact) return fact;
  const { type, data } = event;
  const { state, previousState } = data;
  const name = stateWords(words, type, state);
  if (typeof previousState !== 'string') return told(name, previousState === null ? words.say('was.new') : '');
  const was = stateWords(words, eventTypeOf(previousState), previousState);
  const isListing = type === 'transfer.unlisted' || type === 'transfer.listed_again';
  return told(name, words.say(isListing ? 'was.last' : 'was', { state: was }));
}

/** Words for the state that a type tells; a state without a type of its own and an unknown type keep their spelling. */
function stateWords(words: Words, type: string, state?: unknown): string {
  if (type === 'transfer.state_changed' && typeof state === 'string') return neutral(state);
  const phrase = `is.${type}`;
  return words.has(phrase) ? words.say(phrase) : typeText(type);
}

/**
 * Words for a fact that a watch follows; undefined for any other event, and for one that lacks its facts.
 *
 * @example { words: 'expires in 41 hours, 1 of 3 has nothing yet', detail: '26 Nov 2026, 07:30 UTC' }
 */
export function factWords(words: Words, { type, timestamp, data }: ToldEvent) {
  const { say } = words;
  const { problems, downloadedAt, expiresAt } = data;
  const [recipient, recipients, downloadedBy] = [data.recipient, data.recipients, data.downloadedBy].map(numberIn);
  const isSeveral = recipients! > 1;
  const who = data.direction === 'received' ? 'we' : 'recipient';
  const problemWords = (problem: unknown) =>
    say([`problem.${who}.${textIn(problem)}`, `problem.${textIn(problem)}`].find(words.has) ?? 'problem.other');
  if (type === 'transfer.downloaded' && recipients! > 0) {
    const how = data.method === 'viewed' ? 'viewed' : 'downloaded';
    const at = timeOf(words, downloadedAt);
    if (!isSeveral) return told(say(`${how}.${who}`), at);
    const one = recipient! > 0 ? say(`${how}.one`, { recipient: recipient! }) : '';
    const counts = { count: downloadedBy || 1, recipients: recipients! };
    return told(say('downloaded.of', counts), [one, at].filter(Boolean).join(', '));
  }
  if (type === 'transfer.downloaded_by_all' && recipients) return told(say(`downloaded.${isSeveral ? 'all' : 'only'}`));
  if (type === 'transfer.problem' && Array.isArray(problems) && problems.length > 0)
    return told(words.list([...new Set(problems.map(problemWords))]));
  if (type !== 'transfer.overdue') return type === 'transfer.problem_resolved' ? told(say(`is.${type}`)) : undefined;
  const count = Math.max(0, recipients! - downloadedBy!);
  const open = isSeveral ? say('open.of', { count, recipients: recipients! }) : say(`open.${who}`);
  return told(`${timeLeft(words, timestamp, expiresAt)}, ${open}`, timeOf(words, expiresAt));
}

/** Time between two ISO 8601 times, rounded down, so that people have at least that time. */
function timeLeft({ say }: Words, from: string, until: unknown): string {
  const hours = Math.floor((Date.parse(textIn(until) ?? '') - Date.parse(from)) / 3_600_000);
  if (Number.isNaN(hours)) return say('expires.soon');
  if (hours < 0) return say('expires.past');
  if (hours < 1) return say('expires.now');
  if (hours > mostHours) return say('expires.days', { count: Math.floor(hours / 24) });
  return say('expires.hours', { count: hours });
}

/**
 * An event for operators in words; `notes` matter where it is told alone. An unknown type has only its own explanation,
 * as has a cause in English, or one that is unknown here.
 */
export function operatorWords(words: Words, { type, timestamp, data }: ToldEvent) {
  const { say, has } = words;
  const cause = `cause.${type.startsWith('watch.') ? 'watch' : 'endpoint'}.${textIn(data.cause)}`;
  const message = unlinked(cut(textIn(data.message) ?? '', maxMessage));
  const problem = has(cause) ? say(cause) : message;
  const kind = type === 'endpoint.failing' && textIn(data.disableAt) ? 'endpoint.disabling' : type;
  const [text, note] = [`text.${kind}`, `note.${kind}`];
  if (!has(text))
    return { headline: countWords(words, type, 1, data), paragraphs: problem ? [problem] : [], notes: [] };
  // A forgotten mailbox is no example any more.
  const examples = Array.isArray(data.examples) ? data.examples.map((one) => mailboxText(textIn(one) ?? '')) : [];
  const values = {
    problem,
    endpoint: neutral(textIn(data.endpoint) ?? ''),
    of: ofWatch(words, 'transfer.*', data),
    watch: ofWatch(words, type, data),
    since: timeOf(words, data.failingSince) || '?',
    until: timeOf(words, data.validUntil ?? data.disableAt) || '?',
    time: words.time(timestamp),
  };
  const original = has(cause) && !type.endsWith('recovered') ? [say('original', { message })] : [];
  return {
    headline: say(`headline.${kind}` as Phrase, { ...values, count: numberIn(data.mailboxes) }),
    paragraphs: [
      say(text, { ...values, count: numberIn(data.watches) }),
      ...(examples.length > 0 ? [say('mailboxes', { mailboxes: words.list(examples) })] : []),
    ],
    notes: [...(has(note) ? [say(note)] : []), ...original],
  };
}

const timeOf = (words: Words, at: unknown): string =>
  typeof at === 'string' && !Number.isNaN(Date.parse(at)) ? words.time(at) : '';
