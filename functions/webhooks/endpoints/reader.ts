import * as z from 'zod/mini';
import * as r from '#functions/dynamodb/row-reader.ts';
import { typePatterns } from '#functions/events/catalogue.ts';
import { isTimeZone, quietProblem, whenProblem } from '#functions/notices/timetable.ts';
import { languages } from '#functions/notices/words/words.ts';

export { languages };

const texts = r.list(r.text);

/** Wishes of a person, or of the people of a chat, about messages and their times; part of an endpoint's row. */
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
