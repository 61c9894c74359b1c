import { z } from 'zod';
import { describe } from 'zod/mini';
import { dayMs } from '#functions/clock/retention.ts';
import { typePatterns } from '#functions/events/catalogue.ts';
import { nextDigestAt } from '#functions/notices/timetable.ts';
import { address } from '#functions/transfers/mailbox-address.ts';
import { isForPeople } from '#functions/webhooks/endpoints/format.ts';
import { mailOrigin, type Reader, readerProblems, readerSettings } from '#functions/webhooks/endpoints/reader.ts';
import { endpointName } from '#functions/webhooks/endpoints/settings.ts';
import { repetitions } from './repeated-entries.ts';
import { smtpSettings } from './smtp.ts';

export const eventType = z.enum(
  typePatterns,
  'expected an event type such as transfer.failed, or transfer.*: docs/events.md lists them',
);

const { language, timeZone, when, quiet, evenIfEmpty } = readerSettings.shape;

const reader = z
  .strictObject({
    name: endpointName.check(describe('Name of the person or group; one by e-mail is an endpoint of this name')),
    email: z.optional(address).describe('Address to send mails to'),
    endpoint: z.optional(endpointName).describe('Name of the Slack or Teams webhook, under webhooks, to post to'),
    types: z.array(eventType).min(1).default(['transfer.*', 'watch.*', 'endpoint.*']),
    mailboxes: z.array(address).min(1).optional().describe('Only events of these mailboxes'),
    language: language.check(describe('Language of the messages')),
    timeZone: timeZone.check(describe('Time zone of all times here and in the messages, for example Europe/Berlin')),
    when: when.check(
      describe('at once, hourly, daily at 07:30 or weekly on monday at 07:30: events until then come in one message'),
    ),
    urgent: z.array(eventType).default([]).describe('Types that come at once, whatever when and quiet say'),
    quiet: quiet.check(describe('Weekdays and times such as 22:00-07:00 without messages; they come at its end, once')),
    evenIfEmpty: evenIfEmpty.check(describe('Send a message without events as well, as a sign of life')),
  })
  .refine(
    ({ email, endpoint }) => (email === undefined) !== (endpoint === undefined),
    'expected either email or endpoint',
  );

export const notify = z
  .strictObject({
    readers: z.array(reader).default([]),
    smtp: smtpSettings.optional().describe('On one box, the mail server for readers by e-mail'),
  })
  .prefault({});

export type ConfiguredReader = z.output<typeof reader>;

/** Settings of a reader as its endpoint has them. */
export const settingsOfReader = (configured: ConfiguredReader) => ({
  types: configured.types,
  mailboxes: configured.mailboxes,
  reader: readerSettings.parse(
    Object.fromEntries(
      Object.keys(readerSettings.shape).map((name) => [name, configured[name as keyof ConfiguredReader]]),
    ),
  ) satisfies Reader,
});

/** URL of the endpoint for a reader's address. */
export const urlOfReader = (email: string): string => mailOrigin + email;

const moved: Readonly<Record<string, string>> = {
  email: 'moved to notify.readers: { "name": "…", "email": "…" }',
  slack: 'moved to notify.readers: { "name": "…", "endpoint": "…" }, with a webhook of that name and format slack',
};

/** Takes out settings that are gone, each with a problem that says where it went. */
export function withoutMoved(json: unknown): { readonly json: unknown; readonly problems: readonly string[] } {
  const { notify: given } = Object(json);
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return { json, problems: [] };
  const gone = Object.keys(moved).filter((name) => Object.hasOwn(given, name));
  const left = Object.entries(given).filter(([name]) => !gone.includes(name));
  return {
    json: { ...Object(json), notify: Object.fromEntries(left) },
    problems: gone.map((name) => `notify.${name}: ${moved[name]}`),
  };
}

/** Part of a configuration. */
interface Told {
  readonly notify: { readonly readers: readonly ConfiguredReader[] };
  readonly webhooks: readonly { readonly name: string; readonly format: Parameters<typeof isForPeople>[0] }[];
  readonly retention: { readonly events: number };
}

/**
 * Problems of readers with each other, with webhooks and with the time for which events are kept, each with its path.
 *
 * @param json the file as it stands, without defaults
 */
export function problemsOfReaders({ notify: { readers }, webhooks, retention }: Told, json: unknown): string[] {
  const given = Object(json).webhooks;
  const formats = new Map(webhooks.map(({ name, format }) => [name, format]));
  const places = new Map(webhooks.map(({ name }, index) => [name, index]));
  const each = readers.flatMap((one, index) => {
    const path = `notify.readers[${index}]`;
    const { name, endpoint, types } = one;
    const { reader: settings } = settingsOfReader(one);
    const format = endpoint === undefined ? undefined : formats.get(endpoint);
    const keptFor = daysToKeep(settings, retention.events);
    return [
      ...readerProblems({ types, reader: settings }).map(([setting, problem]) => `${path}.${setting}: ${problem}`),
      name !== endpoint &&
        formats.has(name) &&
        `${path}.name: expected a name of its own, but webhooks[${places.get(name)}] has it`,
      endpoint !== undefined &&
        !format &&
        `${path}.endpoint: expected the name of a webhook, but webhooks has none such`,
      format &&
        !isForPeople(format) &&
        `${path}.endpoint: expected a webhook of format slack or teams, but that of webhooks[${places.get(endpoint!)}] is ${format}`,
      ...['types', 'mailboxes'].map(
        (setting) =>
          format &&
          Object.hasOwn(Object(given?.[places.get(endpoint!)!]), setting) &&
          `webhooks[${places.get(endpoint!)}].${setting}: expected none, since ${path} chooses for this chat`,
      ),
      keptFor > retention.events &&
        `retention.events: expected at least ${keptFor}, since events wait that many days for ${path}, got ${retention.events}`,
    ];
  });
  return [
    ...each.filter((problem) => typeof problem === 'string'),
    ...repetitions(
      readers.map(({ name }) => name),
      (index, first) =>
        `notify.readers[${index}].name: expected each name once, but notify.readers[${first}] has the same`,
    ),
    ...repetitions(
      readers.map(({ endpoint }) => endpoint),
      (index, first) =>
        `notify.readers[${index}].endpoint: expected each endpoint once, but notify.readers[${first}] has the same`,
    ),
  ];
}

const hourMs = 3_600_000;

/** The longest time between two digests: a week, six days of quiet, and an hour by which clocks are set back. */
const mostDays = 15;

/** Days for which events wait for a reader at most, rounded up; 0 if `events` days are always enough. */
function daysToKeep({ when, timeZone, quiet }: Reader, events: number): number {
  if (events >= mostDays) return 0;
  // Messages at once wait for the end of quiet alone, for which an hourly timetable is near enough.
  const timetable = { when: /^(?:daily|weekly)/.test(when) ? when : 'hourly', timeZone, quiet };
  const begin = Date.parse('2026-01-05T00:00:00Z');
  let longest = 0;
  for (let at = nextDigestAt(timetable, begin); at < begin + 2 * mostDays * dayMs; ) {
    const next = nextDigestAt(timetable, at);
    longest = Math.max(longest, next - at);
    at = next;
  }
  return Math.ceil((longest + hourMs) / dayMs);
}
