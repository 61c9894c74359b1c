import * as z from 'zod/mini';
import * as r from '#functions/dynamodb/row-reader.ts';
import { eventTypes, isOfType, typePatterns } from '#functions/events/catalogue.ts';
import * as timetable from '#functions/notices/timetable.ts';
import { languages } from '#functions/notices/words/words.ts';
import { type Format, isForPeople } from './format.ts';

const texts = r.list(r.text);

/** Wishes of a person, or of the people of a chat; part of an endpoint's row. */
export const readerFields = r.object({
  language: r.oneOf(languages),
  timeZone: r.text,
  when: r.text,
  urgent: texts,
  quiet: texts,
  evenIfEmpty: r.flag,
});

export type Reader = r.ReadBy<typeof readerFields>;

/** Turns a rule into a check whose issue does not repeat the value, which may be a secret. */
export const checkedBy =
  <T>(problemWith: (value: T) => string | undefined) =>
  ({ value, issues }: z.core.ParsePayload<T>): void => {
    const message = problemWith(value);
    if (message) issues.push({ code: 'custom', input: undefined, message });
  };

const formed = (problemWith: (text: string) => string | undefined, form: RegExp) =>
  z.string().check(z.meta({ pattern: form.source.replaceAll(/\?<\w+>/g, '?:') }), checkedBy(problemWith));

export const eventType = z
  .string()
  .check(z.refine((type) => typePatterns.includes(type), `expected one of ${typePatterns.join(', ')}`));

const timeZone = z.string().check(z.refine(timetable.isTimeZone, 'expected a time zone such as Europe/Berlin or UTC'));

/** The settings of a reader; without them, an address or a chat gets a message at once, in English. */
export const readerSettings = z.strictObject({
  language: z._default(z.enum(languages, `expected one of ${languages.join(', ')}`), 'en'),
  timeZone: z._default(timeZone, 'UTC'),
  when: z._default(formed(timetable.whenProblem, timetable.whenForm), 'at once'),
  urgent: z._default(z.array(eventType), []),
  quiet: z._default(z.array(formed(timetable.quietProblem, timetable.quietForm)).check(z.maxLength(16)), []),
  evenIfEmpty: z._default(z.boolean(), false),
});

export const usualReader: Reader = readerSettings.parse({});

/** The reader of an endpoint; undefined for a system. */
export const readerOf = ({ format, reader }: { readonly format: Format; readonly reader?: Reader | undefined }) =>
  isForPeople(format) ? (reader ?? usualReader) : undefined;

/** The beginning of the URL of an endpoint by mail, before the address. */
export const mailOrigin = 'mailto:';

export const addressIn = (url: string): string => url.slice(mailOrigin.length);

/** Milliseconds for which events are gathered before a message at once, so that one poll gives one message. */
export const gatherMs = 10_000;

/** When an event that arrives now is told to a reader; both in Unix ms. */
export function toldAt(reader: Reader, type: string, now: number): number {
  if (isOfType(type, reader.urgent)) return now + gatherMs;
  return timetable.nextDigestAt(reader, reader.when === 'at once' ? now + gatherMs : now);
}

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
  const firstAt = timetable.nextDigestAt(atOnce, 0);
  // A week of quiet has no end.
  if (timetable.nextDigestAt(atOnce, firstAt) !== firstAt)
    problems.push(['quiet', 'expected a time of the week that is not quiet, or nothing would ever be sent']);
  return problems;
}
