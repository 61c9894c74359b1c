import { entryOf } from '#functions/events/catalogue.ts';
import { eventTypeOf } from '#functions/events/transfer-event.ts';
import { type ToldEvent, textIn } from './digest.ts';
import { cut, mailboxText, neutral, unlinked } from './foreign-text.ts';
import type { Phrase, Words } from './words/words.ts';

/** Longest time that is told in hours. */
const mostHours = 72;

/** Longest explanation that an event gives, in characters. */
const mostMessage = 1000;

/** An event in words; the detail is `''` where there is none. All foreign text in them is neutral. */
interface Told {
  readonly words: string;
  readonly detail: string;
}

interface WatchName {
  readonly mailbox?: unknown;
  readonly direction?: unknown;
}

/** Words that follow a noun. @example ' from anna@example.com', for transfers sent by this mailbox; `''` for none */
export function ofWatch(words: Words, type: string, { mailbox, direction }: WatchName): string {
  if (typeof mailbox !== 'string') return '';
  const isKnown = !type.startsWith('watch.') && (direction === 'sent' || direction === 'received');
  return words.say(isKnown ? `of.${direction}` : 'of.watch', { mailbox: mailboxText(mailbox) });
}

/** A number of events of one type. @example '3 transfers from anna@example.com failed' */
export function countWords(words: Words, type: string, count: number, watch: WatchName = {}): string {
  const phrase = entryOf(type).about && words.has(type) ? type : 'unknown';
  return words.say(phrase, { count, of: ofWatch(words, type, watch), type: neutral(type) });
}

/** A number of events as short as a column or a list needs it. @example '3 failed' */
export const shortCount = (words: Words, type: string, count: number): string =>
  words.has(`is.${type}`)
    ? words.say('count', { count, state: stateWords(words, type) })
    : countWords(words, type, count);

/** A transfer's event in words. @example { words: 'failed', detail: 'was processing' } */
export function transferWords(words: Words, event: ToldEvent): Told {
  const fact = factWords(words, event);
  if (fact) return fact;
  const { type, data } = event;
  const { state, previousState } = data;
  const name = stateWords(words, type, state);
  if (previousState === null) return { words: name, detail: words.say('was.new') };
  if (typeof previousState !== 'string') return { words: name, detail: '' };
  const was = stateWords(words, eventTypeOf(previousState), previousState);
  const isListing = type === 'transfer.unlisted' || type === 'transfer.listed_again';
  return { words: name, detail: words.say(isListing ? 'was.last' : 'was', { state: was }) };
}

/** Words for the state that a type tells; a state without a type of its own and an unknown type keep their spelling. */
function stateWords(words: Words, type: string, state?: unknown): string {
  if (type === 'transfer.state_changed' && typeof state === 'string') return neutral(state);
  const phrase = `is.${type}`;
  return words.has(phrase) ? words.say(phrase) : neutral(type);
}

/**
 * Words for a fact that a watch follows; undefined for any other event, and for one that lacks its facts.
 *
 * @example { words: 'expires in 41 hours, 1 of 3 has nothing yet', detail: '26 Nov 2026, 07:30 UTC' }
 */
export function factWords(words: Words, { type, timestamp, data }: ToldEvent): Told | undefined {
  const { say } = words;
  const { problems, downloadedAt, expiresAt } = data;
  const [recipient, recipients, downloadedBy] = [data.recipient, data.recipients, data.downloadedBy].map(Number);
  const isSeveral = recipients! > 1;
  const who = data.direction === 'received' ? 'we' : 'recipient';
  if (type === 'transfer.downloaded' && recipients! > 0) {
    const how = data.method === 'viewed' ? 'viewed' : 'downloaded';
    const at = timeOf(words, downloadedAt);
    if (!isSeveral) return { words: say(`${how}.${who}`), detail: at };
    const one = recipient! > 0 ? say(`${how}.one`, { recipient: recipient! }) : '';
    const counts = { count: downloadedBy || 1, recipients: recipients! };
    return { words: say('downloaded.of', counts), detail: [one, at].filter(Boolean).join(', ') };
  }
  if (type === 'transfer.downloaded_by_all' && isSeveral)
    return {
      words: say(recipients === 2 ? 'downloaded.both' : 'downloaded.all', { recipients: recipients! }),
      detail: '',
    };
  if (type === 'transfer.problem' && Array.isArray(problems) && problems.length > 0)
    return { words: words.list([...new Set(problems.map((one) => problemWords(words, one, who)))]), detail: '' };
  if (type !== 'transfer.overdue') return undefined;
  const count = Math.max(0, recipients! - (downloadedBy || 0));
  const open = isSeveral ? say('open.of', { count, recipients: recipients! }) : say(`open.${who}`);
  return { words: `${timeLeft(words, timestamp, expiresAt)}, ${open}`, detail: timeOf(words, expiresAt) };
}

function problemWords(words: Words, problem: unknown, who: 'we' | 'recipient'): string {
  const phrase = `problem.${who === 'we' && problem === 'recipient_not_notified' ? 'we_not_notified' : problem}`;
  return words.say(words.has(phrase) ? phrase : 'problem.other');
}

/** Time between two ISO 8601 times, rounded down, so that people have at least that time. */
function timeLeft({ say }: Words, from: string, until: unknown): string {
  const hours = Math.floor((Date.parse(textIn(until) ?? '') - Date.parse(from)) / 3_600_000);
  if (Number.isNaN(hours)) return say('expires.soon');
  if (hours < 0) return say('expires.past');
  if (hours < 1) return say('expires.now');
  return hours > mostHours
    ? say('expires.days', { count: Math.floor(hours / 24) })
    : say('expires.hours', { count: hours });
}

const timeOf = (words: Words, at: unknown): string =>
  typeof at === 'string' && !Number.isNaN(Date.parse(at)) ? words.time(at) : '';

/**
 * An event for operators in words; `notes` matter where it is told alone. An unknown type has only its own explanation,
 * as has a cause in English, or one that is unknown here.
 */
export function operatorWords(words: Words, { type, timestamp, data }: ToldEvent) {
  const { say } = words;
  const cause = `cause.${type.startsWith('watch.') ? 'watch' : 'endpoint'}.${data.cause}`;
  const message = unlinked(cut(textIn(data.message) ?? '', mostMessage));
  const [problem, notes] = words.has(cause) ? [say(cause), [say('original', { message })]] : [message, []];
  const text = `text.${type}`;
  if (!words.has(text))
    return { headline: countWords(words, type, 1, data), paragraphs: problem ? [problem] : [], notes };
  const since = timeOf(words, data.failingSince) || '?';
  const until = timeOf(words, data.validUntil) || '?';
  const disableAt = timeOf(words, data.disableAt);
  const isDisabling = type === 'endpoint.failing' && disableAt !== '';
  const endpoint = neutral(textIn(data.endpoint) ?? '');
  const of = ofWatch(words, 'transfer.*', data);
  const values = { problem, endpoint, of, since, until, time: disableAt || words.time(timestamp) };
  const headline = (isDisabling ? 'headline.endpoint.disabling' : `headline.${type}`) as Phrase;
  const advice =
    type === 'endpoint.failing' ? (isDisabling ? 'kept.disabling' : 'kept') : type === 'endpoint.disabled' && 'held';
  return {
    headline: say(headline, { ...values, count: Number(data.mailboxes ?? 1) }),
    paragraphs: [
      say(text, { ...values, count: Number(data.watches ?? 1) }),
      ...exampleWords(words, data),
      ...(advice ? [say(advice, values)] : []),
    ],
    notes: [...(/failing$/.test(type) && type !== 'endpoint.failing' ? [say('nothing_lost')] : []), ...notes],
  };
}

/** The named mailboxes of an event about many watches. A forgotten mailbox is no example any more. */
function exampleWords(words: Words, { examples, mailboxes }: ToldEvent['data']): string[] {
  if (!Array.isArray(examples) || examples.length === 0) return [];
  const others = Number(mailboxes ?? 0) - examples.length;
  const names = examples.map((mailbox) => mailboxText(`${mailbox}`));
  const listed = others > 0 ? `${names.join(', ')} ${words.say('more', { count: others })}` : words.list(names);
  return [words.say('mailboxes', { mailboxes: listed })];
}
