import { entryOf } from '#functions/events/catalogue.ts';
import { factWords, ofWatch, operatorWords, transferWords } from '#functions/notices/event-words.ts';
import { neutral, printable } from '#functions/notices/foreign-text.ts';
import { wordsIn } from '#functions/notices/words/words.ts';
import type { DeliveryFacts } from '#functions/webhooks/deliveries/settled.ts';
import { attemptWords } from '#infra/terminal/attempt-words.ts';
import { columnsOf, cutTo, undividedColumns, wrapped } from '#infra/terminal/columns.ts';
import { toldEvent } from '#infra/terminal/told-event.ts';
import type { Announcement } from './announcements.ts';
import type { ChangeLine, FoldedLine, OpenDelivery, OutcomesLine } from './folding.ts';

/** Part of a line with its meaning, from which its colour follows. */
export interface Part {
  readonly text: string;
  readonly tone?: Tone | undefined;
}

export type Tone = 'time' | 'subject' | 'change' | 'well' | 'waits' | 'problem' | 'quiet';

/** Columns of a time and of a short name. */
const timeColumns = 8;
const nameColumns = 8;

/** Columns below which lines after the first are hardly indented. */
const narrow = 60;

/** Columns of a tracking id, and of a longer one at most. */
const idColumns = 24;
const mostIdColumns = 40;

/** Columns below which the mailbox of a change says nothing, and the deliveries leave no room for the change. */
const leastWatch = 10;
const leastWords = 24;

const gap = '  ';

/** Words for a delivery that was not attempted, and for the end of that of a digest, whose line names its reader. */
const noOutcome = 'not yet';
const sent = '→ sent';

const english = wordsIn('en');

const timeOf = (at: number): string => new Date(at).toTimeString().slice(0, timeColumns);

/** The line, or lines, of a change or of deliveries apart from it; none has more than `width` columns. */
export const rowsOf = (line: FoldedLine, width: number, now: number): Part[][] =>
  line.kind === 'change' ? rowsOfChange(line, width, now) : rowsOfOutcomes(line, width, now);

function rowsOfChange({ at, announcement, outcomes, silent }: ChangeLine, width: number, now: number): Part[][] {
  const forms = deliveryForms(outcomes, silent, now);
  if (announcement.kind === 'notice') {
    const [headline = ''] = announcement.text.trim().split('\n');
    const isSent = silent.length === 0 && outcomes.every(({ status }) => status === 'DELIVERED');
    return [row(at, subjectOf(announcement), printable(headline), '', '', isSent ? [sent] : forms, width)];
  }
  const event = toldEvent(announcement.event);
  const { type, data } = event;
  if (typeof data.trackingId === 'string') {
    const { words, detail } = transferWords(english, event);
    const isFact = factWords(english, event) !== undefined;
    const watch = ofWatch(english, type, data).trim();
    // Beside a fact, it would read as part of it: "we have downloaded it to bob@…".
    const aside = isFact && watch ? `(${watch})` : watch;
    const before = isFact || data.previousState === null ? '' : detail;
    return [row(at, subjectOf(announcement), words, before, aside, forms, width)];
  }
  // Operators have to read all of it.
  const { headline, paragraphs } = operatorWords(english, event);
  const words = [`${headline}.`, ...paragraphs, ...forms.slice(0, 1)].map(printable).join(' ');
  return block(at, subjectOf(announcement), entryOf(type).severity === 'info' ? 'subject' : 'problem', words, width);
}

/** Lines that begin with a time and a name; the text is broken where it is too long, and nothing of it is lost. */
export function block(at: number, name: string, tone: Tone, text: string, width: number): Part[][] {
  const head: Part[] = [
    { text: timeOf(at), tone: 'time' },
    { text: name.padEnd(nameColumns), tone },
  ];
  const begin = head.reduce((sum, part) => sum + columnsOf(part.text) + gap.length, 0);
  const indent = width < narrow ? gap.length : timeColumns + nameColumns + 2 * gap.length;
  // Where there is no room beside the name, the text is below it.
  const isBeside = width - begin >= undividedColumns(text);
  const [first = '', ...rest] = wrapped(text, isBeside ? width - begin : width - indent, width - indent);
  const below = (isBeside ? rest : [first, ...rest]).map((one) => [{ text: ' '.repeat(indent) + one }]);
  return [fit(isBeside ? [...head, { text: first }] : head, width), ...below];
}

/**
 * One line, with the deliveries at its end in the longest form that fits. The words tell the change; detail and watch
 * are left out where there is no room for them.
 */
function row(
  at: number,
  id: string,
  words: string,
  detail: string,
  watch: string,
  forms: readonly string[],
  width: number,
): Part[] {
  const subject = cutTo(id, mostIdColumns).padEnd(idColumns);
  const room = width - timeColumns - columnsOf(subject) - 2 * gap.length;
  const beside = (text: string) => (text === '' ? 0 : gap.length + columnsOf(text));
  const fits = (text: string, other: string) => columnsOf(text) + beside(other) <= room;
  const least = cutTo(words, leastWords);
  const deliveries =
    forms.find((form) => fits(words, form)) ?? forms.find((form) => fits(least, form)) ?? forms.at(-1) ?? '';
  const left = Math.max(columnsOf(least), room - beside(deliveries));
  const detailed = `${words}, ${detail}`;
  const told = detail !== '' && columnsOf(detailed) + beside(watch) <= left ? detailed : cutTo(words, left);
  const rest = left - beside(told);
  const where = watchWithin(watch, rest);
  const fill = ' '.repeat(deliveries === '' ? 0 : Math.max(0, left - columnsOf(told) - beside(where)));
  const parts: Part[] = [
    { text: timeOf(at), tone: 'time' },
    { text: subject, tone: 'subject' },
    { text: where ? told : told + fill, tone: 'change' },
    { text: where && where + fill },
    { text: deliveries, tone: /^→[^;]*$/.test(deliveries) ? 'well' : 'waits' },
  ];
  return fit(
    parts.filter(({ text }) => text !== ''),
    width,
  );
}

/** @example watchWithin('from alice@example.com', 15); // 'from alice@…' */
function watchWithin(watch: string, columns: number): string {
  if (columnsOf(watch) <= columns) return watch;
  if (watch.startsWith('(')) {
    const inner = watchWithin(watch.slice(1, -1), columns - 2);
    return inner && `(${inner})`;
  }
  const withoutDomain = `${watch.slice(0, watch.lastIndexOf('@') + 1)}…`;
  if (columnsOf(withoutDomain) <= columns) return withoutDomain;
  return columns < leastWatch ? '' : cutTo(watch, columns);
}

function rowsOfOutcomes({ at, outcomes, about }: OutcomesLine, width: number, now: number): Part[][] {
  const [first, ...others] = outcomes;
  const { endpoint, event, status } = first;
  const tone = tones[status];
  if (others.length > 0) {
    const example = status === 'DELIVERED' ? '' : `, for example ${neutral(event)}: ${endWords(first, now)}`;
    const text = `${outcomes.length.toLocaleString('en')} ${endNames[status]}${example}`;
    return block(at, status === 'DELIVERED' ? `→ ${endpoint}` : endpoint, tone, text, width);
  }
  const subject = about ? subjectOf(about) : neutral(event);
  const taken = `→ ${endpoint}${(first.attempt ?? 1) > 1 ? `, attempt ${first.attempt}` : ''}`;
  const text = status === 'DELIVERED' ? taken : `${endpoint} ${endNames[status]}: ${endWords(first, now)}`;
  return block(at, cutTo(subject, mostIdColumns).padEnd(idColumns), tone, text, width);
}

const subjectOf = (announcement: Announcement): string => {
  if (announcement.kind === 'notice') return `digest to ${announcement.reader}`;
  const { type, data } = announcement.event;
  // Another version may have published it.
  if ('trackingId' in data && typeof data.trackingId === 'string') return neutral(data.trackingId);
  return entryOf(type).about ? type : neutral(type);
};

const tones: Record<DeliveryFacts['status'], Tone> = {
  ...{ DELIVERED: 'well', COLLECTED: 'well', PENDING: 'waits', HELD: 'waits', FAILED: 'problem', CANCELLED: 'problem' },
};

const endNames: Record<DeliveryFacts['status'], string> = {
  ...{ DELIVERED: 'delivered', COLLECTED: 'in a digest', PENDING: 'to be tried again', HELD: 'held' },
  ...{ FAILED: 'failed for good', CANCELLED: 'cancelled' },
};

/** @example 'HTTP 400, rejected, attempt 1' */
function endWords(facts: DeliveryFacts, now: number): string {
  const { reason, attempt, nextAttemptAt, failure, code, answer: status } = facts;
  const cause = 'cause' in facts ? facts.cause : undefined;
  const words = [
    attempt && attemptWords({ failure, code, status, cause }),
    reason?.replaceAll('_', ' '),
    attempt && `attempt ${attempt}`,
    nextAttemptAt && `again ${inWords(Date.parse(nextAttemptAt) - now)}`,
  ];
  return printable(words.filter(Boolean).join(', '));
}

/**
 * Deliveries without an end by endpoint, those with the next attempt first.
 *
 * @example ['archive: 3 again in 4 s', 'crm: 1 held (paused)']
 */
export function openWords(open: readonly OpenDelivery[], now: number): string[] {
  const waits = [...Map.groupBy(open, ({ endpoint }) => endpoint)].map(([endpoint, some]) => {
    const next = Math.min(
      ...some.map(({ nextAttemptAt }) => (nextAttemptAt ? Date.parse(nextAttemptAt) : Number.POSITIVE_INFINITY)),
    );
    const held = some.find(({ status }) => status === 'HELD');
    const wait = Number.isFinite(next) ? `again ${inWords(next - now)}` : held ? waitWords(held, now) : noOutcome;
    return { next, text: `${endpoint}: ${some.length.toLocaleString('en')} ${wait}` };
  });
  return waits.sort((a, b) => a.next - b.next).map(({ text }) => text);
}

/** Cuts the line off where it is too long in spite of all, as on a very narrow terminal. */
function fit(parts: readonly Part[], width: number): Part[] {
  let left = width;
  return parts.flatMap((part, index) => {
    const before = index === 0 ? 0 : gap.length;
    const text = cutTo(index === parts.length - 1 ? part.text.trimEnd() : part.text, Math.max(0, left - before));
    left -= before + columnsOf(text);
    return text === '' && index > 0 ? [] : [{ ...part, text }];
  });
}

/** The deliveries of a change, in forms from the longest to the shortest; none for a change without any. */
function deliveryForms(outcomes: readonly DeliveryFacts[], silent: readonly string[], now: number): string[] {
  const { taken = [], waiting = [] } = Object.groupBy(outcomes, ({ status }) =>
    status === 'DELIVERED' || status === 'COLLECTED' ? 'taken' : 'waiting',
  );
  const names = taken
    .map(({ endpoint }) => endpoint)
    .sort()
    .join(', ');
  const open = silent.map((endpoint) => `${endpoint} ${noOutcome}`);
  const long = waiting.map((facts) => `${facts.endpoint} ${waitWords(facts, now, briefCause(facts))}`);
  const brief = waiting.map((facts) => `${facts.endpoint} ${waitWords(facts, now)}`);
  const rest = waiting.length + silent.length;
  const counted = [names && `→ ${taken.length}`, rest > 0 ? `${rest} open` : ''];
  const forms = [[names && `→ ${names}`, ...long, ...open], [names && `→ ${names}`, ...brief, ...open], counted];
  return forms.map((form) => form.filter(Boolean).join('; ')).filter(Boolean);
}

/** @example 'HTTP 500, again in 2 s' */
function waitWords({ status, reason, nextAttemptAt, attempt }: OpenDelivery, now: number, cause = '') {
  if (status === 'HELD') return `held (${reason?.replaceAll('_', ' ')})`;
  if (attempt === undefined || nextAttemptAt === undefined) return noOutcome;
  return `${cause && `${cause}, `}again ${inWords(Date.parse(nextAttemptAt) - now)}`;
}

/** @example 'HTTP 500', or 'ECONNREFUSED' */
const briefCause = ({ failure, code, answer }: DeliveryFacts): string =>
  printable(code ?? failure?.replaceAll('_', ' ') ?? attemptWords({ status: answer }));

/** @example inWords(2100); // 'in 3 s' */
export function inWords(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  // An endpoint with many failures is given a rest.
  if (seconds < -2) return 'later';
  if (seconds < 1) return 'now';
  if (seconds < 120) return `in ${seconds} s`;
  if (seconds < 7200) return `in ${Math.round(seconds / 60)} min`;
  return `in ${Math.round(seconds / 3600)} h`;
}
