import * as z from 'zod/mini';
import * as r from '#functions/dynamodb/row-reader.ts';
import { isOfType, typePatterns } from '#functions/events/catalogue.ts';
import { isTimeZone, nextDigestAt, quietProblem, whenProblem } from '#functions/notices/timetable.ts';
import { type Format, isForPeople } from './format.ts';

/** Languages of messages to people. */
export const languages = ['en', 'de'] as const;
export type Language = (typeof languages)[number];

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

const checkedBy = (problemWith: (text: string) => string | undefined) =>
  z.string().check(({ value, issues }) => {
    const message = problemWith(value);
    if (message) issues.push({ code: 'custom', input: value, message });
  });

const typePattern = z
  .string()
  .check(
    z.refine((type) => typePatterns.includes(type), 'expected an event type such as transfer.failed, or transfer.*'),
  );

/** The settings of a reader; without them, an address or a chat gets a message at once, in English. */
export const readerSettings = z.strictObject({
  language: z._default(z.enum(languages, `expected one of ${languages.join(', ')}`), 'en'),
  timeZone: z._default(
    z.string().check(z.refine(isTimeZone, 'expected a time zone such as Europe/Berlin or UTC')),
    'UTC',
  ),
  when: z._default(checkedBy(whenProblem), 'at once'),
  urgent: z._default(z.array(typePattern), []),
  quiet: z._default(z.array(checkedBy(quietProblem)), []),
  evenIfEmpty: z._default(z.boolean(), false),
});

export const usualReader: Reader = readerSettings.parse({});

/** The reader of an endpoint; undefined for a system. */
export const readerOf = ({ format, reader }: { readonly format: Format; readonly reader?: Reader | undefined }) =>
  isForPeople(format) ? (reader ?? usualReader) : undefined;

/** The address in the URL of an endpoint by mail, `mailto:<address>`. */
export const addressIn = (url: string): string => url.slice('mailto:'.length);

/** Milliseconds for which events are gathered before a message at once, so that one poll gives one message. */
export const gatherMs = 10_000;

/** When an event that arrives now is told to a reader; both in Unix ms. */
export function toldAt(reader: Reader, type: string, now: number): number {
  if (isOfType(type, reader.urgent)) return now + gatherMs;
  return nextDigestAt(reader, reader.when === 'at once' ? now + gatherMs : now);
}
