import { entryOf } from '#functions/events/catalogue.ts';
import { type Language, type Words, wordsIn } from '#functions/notices/words/words.ts';
import { type Digest, type DigestCount, type ToldEvent, textIn } from './digest.ts';
import { countWords, ofWatch, operatorWords, shortCount, transferWords } from './event-words.ts';
import { cut, neutral } from './foreign-text.ts';

/** One event or one count in a message. */
export interface MessageLine {
  readonly words: string;
  /** `''` for a line that is not about one transfer. */
  readonly trackingId: string;
  /** Mailbox, previous state, time, comparison or explanation; `''` when there is none. */
  readonly detail: string;
}

/**
 * A message in the language of its reader, before any channel gives it a form. No text in it mentions anyone or makes a
 * link; each channel escapes its own marks.
 */
export type Message = Readonly<ReturnType<typeof messageOf>>;

export interface Addressee {
  /** Name of the reader in the configuration. */
  readonly name: string;
  readonly language: Language;
  /** Name of the IANA data base. */
  readonly timeZone: string;
}

/** Types of events that a headline counts one by one. */
const mostTypes = 3;

/** Longest tracking id, in characters, as polls accept it. */
const maxTrackingId = 200;

/**
 * Puts a digest into words: what needs attention, then the numbers, then all else.
 *
 * @example a digest of one event has the headline '1 transfer from anna@example.com failed'
 */
export function messageOf(digest: Digest, { name, language, timeZone }: Addressee) {
  const words = wordsIn(language, timeZone);
  const { say, time } = words;
  const { severity, events, since, until, told, more } = digest;
  const whose = commonWatch(digest);
  const only = events === 1 ? told[0] : undefined;
  const operator = only && !isOfTransfer(only) ? operatorWords(words, only) : undefined;
  const headline = operator?.headline ?? headlineOf(words, digest, whose);
  const period = { count: events, since: time(since), until: time(until) };
  const intro = only ? say('observed', { time: time(only.timestamp) }) : say(events ? 'period' : 'none.text', period);
  const paragraphs = operator ? [...operator.paragraphs, ...operator.notes] : [intro];
  const lines = (wanted: readonly ToldEvent[]) => wanted.map((event) => lineOf(words, event, whose !== undefined));
  const isUrgent = ({ type }: ToldEvent) => entryOf(type).severity === 'alert';
  const [urgent, calm] = only ? [[], []] : [told.filter(isUrgent), told.filter((event) => !isUrgent(event))];
  /** Each with texts that precede its lines; the first has no title. */
  const sections = [
    { title: '', paragraphs, lines: lines(only && !operator ? [only] : []) },
    { title: say('attention'), paragraphs: [], lines: lines(urgent) },
    { title: say('figures'), paragraphs: [], lines: figuresOf(words, digest) },
    { title: say(urgent.length > 0 ? 'events.more' : 'events'), paragraphs: [], lines: lines(calm) },
  ].filter((section) => section.paragraphs.length + section.lines.length > 0);
  const command = `npm run notifier -- event list --from ${since} --until ${until}`;
  const further = more > 0 ? [`${say('more', { count: more })}:`, command] : [];
  /** Ways to see more, and the reader of the message. */
  const footer = [...further, say('sent_to', { name: neutral(name) })];
  return { language, severity, subject: headline, headline, sections, footer };
}

const isOfTransfer = ({ data }: ToldEvent): boolean => textIn(data.trackingId) !== undefined;

/** The only watch that a digest is about; undefined if there are several or none. */
function commonWatch({ counts, moreCounts }: Digest): DigestCount | undefined {
  const [first, ...others] = counts.filter(({ count }) => count > 0);
  const isCommon = others.every((one) => one.mailbox === first?.mailbox && one.direction === first?.direction);
  return first?.mailbox !== undefined && isCommon && moreCounts === 0 ? first : undefined;
}

/** @example '3 transfers from anna@example.com failed, 12 expired and 4 other events' */
function headlineOf(words: Words, { since, totals }: Digest, whose: DigestCount | undefined): string {
  const [first, ...rest] = totals;
  if (!first) return words.say('headline.none', { since: words.time(since) });
  const isShort = first.type.startsWith('transfer.');
  const others = rest.slice(mostTypes - 1).reduce((sum, { count }) => sum + count, 0);
  return words.list([
    countWords(words, first.type, first.count, whose),
    ...rest.slice(0, mostTypes - 1).map(({ type, count }) => (isShort ? shortCount : countWords)(words, type, count)),
    ...(others > 0 ? [words.say('headline.more', { count: others })] : []),
  ]);
}

function lineOf(words: Words, event: ToldEvent, isWatchKnown: boolean): MessageLine {
  if (!isOfTransfer(event)) {
    const { headline, paragraphs } = operatorWords(words, event);
    return { words: headline, trackingId: '', detail: paragraphs.join(' ') };
  }
  const { words: what, detail } = transferWords(words, event);
  const of = isWatchKnown ? '' : ofWatch(words, event.type, event.data).trim();
  const trackingId = neutral(cut(textIn(event.data.trackingId) ?? '', maxTrackingId));
  return { words: what.trim() || '?', trackingId, detail: `${of} ${detail && `(${detail})`}`.trim() };
}

/** Counts of a digest that tells not all, or can be compared with the one before. */
function figuresOf(words: Words, { counts, moreCounts, more }: Digest): MessageLine[] {
  if (more === 0 && counts.every(({ before }) => before === undefined)) return [];
  const lines = counts.map(({ type, count, before, ...watch }) => {
    const compared = before === undefined ? '' : words.say('before', { before });
    const detail = `${ofWatch(words, type, watch).trim()} ${compared}`.trim();
    return { words: shortCount(words, type, count), trackingId: '', detail };
  });
  const rest = { words: words.say('more', { count: moreCounts }), trackingId: '', detail: '' };
  return moreCounts > 0 ? [...lines, rest] : lines;
}
