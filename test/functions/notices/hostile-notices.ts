import fc from 'fast-check';
import { expect } from 'vitest';
import { type EventType, eventTypes } from '#functions/events/catalogue.ts';
import { transferEvent } from '#functions/events/transfer-event.ts';
import { digestOf, type ToldEvent } from '#functions/notices/digest.ts';
import { type Message, messageOf } from '#functions/notices/message.ts';
import { type Problem, problems } from '#functions/transfers/follow.ts';
import { canonicalState, isTrackingId, type Watch } from '#functions/transfers/transfer.ts';
import { digestFor, english, eventOf, german, messageFor } from './digests.ts';

const at = '2026-11-24T14:05:59.120Z';
export const alice: Watch = { mailbox: 'alice@example.com', direction: 'sent' };

/** Texts that a chat, a mail client or a terminal could misread. */
export const hostileTexts = [
  'see http://evil.example/reset',
  'evil.example/x',
  'evil.example',
  'evil.example:8080/x',
  '//evil.example/x',
  'mailto:reset@evil.example',
  'reset@evil.example',
  'tel:+491234567',
  'javascript:alert(1)',
  'file:\\\\evil.example\\share',
  '@here',
  '@channel',
  'http：//evil．example／x',
  'www。evil。example',
  'h\u200bttp://evil.example',
  'ev\u00adil.exa\u2060mple/x',
  'h\u001b[0mttp://evil.example',
  '\u001b]8;;http://evil.example\u0007click\u001b]8;;\u0007',
  '\u001b[2J\u001b[1;1H\u009b31mred',
  'ok \u202egnp.exe',
  '\u061c\ufeff\u3164\u180e',
  'a\u0085b\u2029c\u000bd\te',
  '\ud83d alone, \ude00 too',
  '<!channel>',
  '<@U1>',
  '<#C1|general>',
  '<at>Alice</at>',
  '<https://evil.example|click>',
  '[click](http://evil.example)',
  '![x](http://evil.example/x.png)',
  'http://evil.example',
  'WWW.evil.example',
  '&lt;!here&gt;',
  '*bold*',
  '_slanted_',
  '~struck~',
  '`code`',
  '```',
  ':rotating_light:',
  '{{DATE(2026-11-24T00:00:00Z)}}',
  '- item',
  '1. item',
  '# heading',
  '> quote',
  '\\*',
  'a\u202eb\u2066c',
  'a\r\n\nb\u2028c\u0000d\u001be',
  '👩‍👩‍👧'.repeat(30),
];

const pieces = fc.oneof(
  fc.constantFrom(...hostileTexts),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.nat(0xffff).map((unit) => String.fromCharCode(unit)),
  fc.constantFrom('<', '>', '&', '*', '_', '~', '`', '\\', '😀', '\ud83d').map((mark) => mark.repeat(200)),
);
const text = fc.array(pieces, { minLength: 1, maxLength: 6 }).map((list) => list.join(''));

/** A watch with a hostile mailbox. */
export const anyWatch: fc.Arbitrary<Watch> = fc.record({
  mailbox: fc.oneof(
    text,
    text.map((part) => part.repeat(50)),
  ),
  direction: fc.constantFrom('sent' as const, 'received' as const),
});
const trackingId = fc
  .oneof(
    fc.stringMatching(/^[!-~]{1,200}$/),
    fc.constantFrom('\\', '`', '*', '<', '&').map((mark) => mark.repeat(200)),
  )
  .filter(isTrackingId);
const state = text.map(canonicalState);
const number = fc.oneof(fc.nat(3), fc.maxSafeNat());
const moment = fc.oneof(
  fc.constant(at),
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  text,
);
const told = fc.record(
  {
    trackingId,
    state,
    previousState: fc.option(state),
    news: fc.constantFrom(
      undefined,
      'transfer.unlisted' as const,
      'transfer.listed_again' as const,
      'transfer.downloaded' as const,
      'transfer.downloaded_by_all' as const,
      'transfer.overdue' as const,
      'transfer.problem' as const,
      'transfer.problem_resolved' as const,
    ),
    recipient: number,
    recipients: number,
    downloadedBy: number,
    method: fc.constantFrom('downloaded' as const, 'viewed' as const),
    downloadedAt: moment,
    expiresAt: moment,
    problems: fc.array(fc.oneof(fc.constantFrom(...problems), text as fc.Arbitrary<Problem>)),
  },
  // Events of another version may lack the others.
  { requiredKeys: ['trackingId', 'state', 'previousState', 'news'] },
);

/** Expects one line without invisible characters, links, domains and mentions that a client could find in it. */
export function expectHarmless(text: string): void {
  expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|\p{Default_Ignorable_Code_Point}/u);
  // No client takes a colon before such a sign for that of a scheme.
  expect(text).not.toMatch(/[a-z]{2}[:：][^\s,.)]|[:：][/\\／]{2}/iu);
  expect(text).not.toMatch(/www[.．。｡․]\S/iu);
  expect(text).not.toMatch(/[\p{L}\p{N}][.．。｡․]\p{L}{2}/u);
  expect(text).not.toMatch(/[@＠]\S/u);
}

/** A tracking id for each number, the first unchanged. @example nth(2, 't-0'); // 't-2' */
const nth = (number: number, first: string): string => (number === 0 ? first : `${first.slice(0, -1)}${number}`);

const example = { trackingId: 't-1', state: 'ACTIVE', previousState: 'PROCESSING' as string | null };

/** A message about a number of transfers. */
export function transfersMessage(count: number, watch: Watch = alice, fact: Partial<typeof example> = {}): Message {
  const events = Array.from({ length: count }, (_, number) =>
    transferEvent(
      'https://cryptshare.example.com',
      watch,
      { ...example, ...fact, trackingId: nth(number, fact.trackingId ?? 't-0'), sequence: 1 },
      new Date(Date.parse(at) + number).toISOString(),
    ),
  );
  return messageFor(events as unknown as ToldEvent[]);
}

/** A message about an endpoint. */
export const endpointMessage = (message: string): Message =>
  messageFor([eventOf('endpoint.failing', { endpoint: 'crm', cause: 'new_cause', message, failingSince: at })]);

/**
 * Messages with a hostile text wherever an event can have one. Explanations keep names such as `server.url`, and so bare
 * domains.
 */
export function hostileMessagesOf(hostile: string, message = hostile): Message[] {
  const state = hostile.slice(0, 64);
  const trackingId = isTrackingId(hostile) ? hostile : 't-1';
  const watch: Watch = { ...alice, mailbox: hostile };
  const many = { watches: 5, mailboxes: 5, examples: [hostile, 'bob@example.com', hostile], cause: hostile };
  const events = [
    eventOf('watch.failing', { ...watch, cause: hostile, message, failingSince: hostile }),
    eventOf('watch.many_failing', { ...many, message, failingSince: at }),
    eventOf('endpoint.disabled', { endpoint: hostile, cause: hostile, message, failingSince: at }),
    eventOf(hostile, { trackingId, mailbox: hostile, message }),
    eventOf(hostile, { message }),
  ];
  const ofTransfers = [
    transfersMessage(1, alice, { state }),
    transfersMessage(1, alice, { previousState: state }),
    transfersMessage(2, watch, { state, trackingId }),
  ];
  const alone = events.flatMap((event) => [messageFor([event]), messageFor([event], german)]);
  return [...ofTransfers, ...alone, messageFor(events), messageFor(events, { ...english, name: hostile })];
}

/** Facts of operators' events, or of another version, in any form that JSON has. */
const anyData = fc.dictionary(
  fc.constantFrom(
    ...['mailbox', 'direction', 'cause', 'message', 'failingSince', 'endpoint', 'disableAt', 'validUntil', 'watches'],
    ...['mailboxes', 'examples', 'trackingId', 'state', 'previousState', 'problems', 'recipients', 'downloadedBy'],
    ...['recipient', 'expiresAt', 'downloadedAt', 'method', 'sequence'],
  ),
  fc.oneof(
    { weight: 3, arbitrary: text },
    { weight: 1, arbitrary: moment },
    { weight: 1, arbitrary: number },
    { weight: 1, arbitrary: fc.jsonValue() },
    { weight: 1, arbitrary: fc.constant({ toString: 1, valueOf: 1 }) },
    { weight: 1, arbitrary: fc.array(text, { maxLength: 3 }) },
  ),
);
const anyEvent: fc.Arbitrary<ToldEvent> = fc
  .record({
    type: fc.oneof(fc.constantFrom(...eventTypes), text as fc.Arbitrary<EventType>),
    data: anyData,
    number: fc.nat(5),
  })
  .map(({ type, data, number }) => ({ id: `evt_${number}`, type, timestamp: at, data }));

const transferEvents = fc
  .record({
    watch: anyWatch,
    facts: fc.array(told, { minLength: 1, maxLength: 25 }),
    times: fc.constantFrom(1, 1, 20),
  })
  .map(({ watch, facts, times }) =>
    Array.from({ length: times }, (_, time) =>
      facts.map((fact) => ({ ...fact, trackingId: nth(time, fact.trackingId) })),
    )
      .flat()
      .map((fact) => transferEvent('https://cryptshare.example.com', watch, { ...fact, sequence: 1 }, at)),
  ) as unknown as fc.Arbitrary<ToldEvent[]>;

/** Events with hostile texts, of other versions, too. */
export const anyEvents = fc.oneof(
  transferEvents,
  fc.array(anyEvent, { minLength: 1, maxLength: 30 }),
  fc.tuple(transferEvents, fc.array(anyEvent, { maxLength: 10 })).map((both) => both.flat()),
);

/** Messages with hostile mailboxes, states, tracking ids, causes and explanations. */
const hostileMessages = fc
  .record({
    events: anyEvents,
    before: fc.option(anyEvents, { nil: undefined }),
    addressee: fc.constantFrom(english, german),
  })
  .map(({ events, before, addressee }) => {
    const counts = before && digestOf(before, { id: 'dig_0', since: at, until: at }).counts;
    return messageOf(digestFor(events, { before: counts }), addressee);
  });

/** Checks hostile messages, each of which takes milliseconds to make; the long run tries more. */
export const ofAnyMessage = (check: (message: Message) => void): void =>
  fc.assert(fc.property(hostileMessages, check), { numRuns: Number(process.env.NOTICES ?? 15) });

/** All texts of a message that may hold foreign words. */
export const textsOf = ({ subject, headline, sections, footer }: Message): string[] => [
  subject,
  headline,
  ...footer,
  ...sections.flatMap(({ title, paragraphs, lines }) => [
    title,
    ...paragraphs,
    ...lines.flatMap(({ words, trackingId, detail }) => [words, trackingId, detail]),
  ]),
];
