import * as z from 'zod/mini';
import * as r from '#functions/dynamodb/row-reader.ts';
import { eventTypes, isOfType, typePatterns } from '#functions/events/catalogue.ts';
import {
  isTimeZone,
  nextDigestAt,
  quietForm,
  quietProblem,
  whenForm,
  whenProblem,
} from '#functions/notices/timetable.ts';
import { languages } from '#functions/notices/words/words.ts';
import { type Format, isForPeople } from './format.ts';

export { languages };

const texts = r.list(r.text);

/** What a person, or the people of a chat, want to get and when; part of an endpoint's row. */
export const readerFields = r.object({
  language: r.oneOf(languages),
  timeZone: r.text,
  when: r.text,
  /** Types of events that wait for no digest. */
  urgent: texts,
  quiet: texts,
  /** Send a digest without events as well. */
  evenIfEmpty: r.flag,
});

export type Reader = r.ReadBy<typeof readerFields>;

const checkedBy = (problemWith: (text: string) => string | undefined, form: RegExp) =>
  z.string().check(z.meta({ pattern: form.source.replaceAll(/\?<\w+>/g, '?:') }), ({ value, issues }) => {
    const message = problemWith(value);
    if (message) issues.push({ code: 'custom', input: value, message });
  });

const typePattern = z
  .string()
  .check(
    z.refine((type) => typePatterns.includes(type), 'expected an event type such as transfer.failed, or transfer.*'),
  );

/** Quiet times of a reader: all weekdays, and more spans than a day has occasions for. */
const mostQuiet = 16;

/** The settings of a reader; without them, an address or a chat gets a message at once, in English. */
export const readerSettings = z.strictObject({
  language: z._default(z.enum(languages, `expected one of ${languages.join(', ')}`), 'en'),
  timeZone: z._default(
    z.string().check(z.refine(isTimeZone, 'expected a time zone such as Europe/Berlin or UTC')),
    'UTC',
  ),
  when: z._default(checkedBy(whenProblem, whenForm), 'at once'),
  urgent: z._default(z.array(typePattern), []),
  quiet: z._default(z.array(checkedBy(quietProblem, quietForm)).check(z.maxLength(mostQuiet)), []),
  evenIfEmpty: z._default(z.boolean(), false),
});

export const usualReader: Reader = readerSettings.parse({});

/** The reader of an endpoint; undefined for a system. */
export const readerOf = ({ format, reader }: { readonly format: Format; readonly reader?: Reader | undefined }) =>
  isForPeople(format) ? (reader ?? usualReader) : undefined;

/** Stands before the address in the URL of an endpoint by mail, as it stands in the configuration. */
export const mailOrigin = 'mailto:';

export const addressIn = (url: string): string => url.slice(mailOrigin.length);

/** Milliseconds for which events are gathered before a message at once, so that one poll gives one message. */
export const gatherMs = 10_000;

/** When an event that arrives now is told to a reader; both in Unix ms. */
export function toldAt(reader: Reader, type: string, now: number): number {
  if (isOfType(type, reader.urgent)) return now + gatherMs;
  return nextDigestAt(reader, reader.when === 'at once' ? now + gatherMs : now);
}

/** A time at which no clock is changed. */
const anyTime = Date.parse('2026-01-05T00:00:00Z');

/** Problems of a reader's settings with each other, each with its path. Wrong values of their own are no matter here. */
export function readerProblems({ types, reader }: { types: readonly string[]; reader?: Reader | undefined }) {
  if (!reader) return [];
  const { when, urgent, timeZone, quiet, evenIfEmpty } = reader;
  const problems: [path: string, problem: string][] = urgent.flatMap((type, index) =>
    eventTypes.some((one) => isOfType(one, [type]) && !isOfType(one, types))
      ? [[`urgent[${index}]`, `expected one of the types that this reader gets: ${types.join(', ')}`]]
      : [],
  );
  if (evenIfEmpty && when === 'at once')
    problems.push(['evenIfEmpty', 'expected another time than at once, at which there is always an event']);
  const atOnce = { when: 'at once', timeZone, quiet };
  const firstAt = nextDigestAt(atOnce, anyTime);
  // A week of quiet has no end.
  if (nextDigestAt(atOnce, firstAt) !== firstAt)
    problems.push(['quiet', 'expected a time of the week that is not quiet, or nothing would ever be sent']);
  return problems;
}
