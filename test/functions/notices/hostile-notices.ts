import fc from 'fast-check';
import { expect } from 'vitest';
import { endpointEvent } from '#functions/events/endpoint-event.ts';
import { transferEvent } from '#functions/events/transfer-event.ts';
import { endpointNotice, transferNotice } from '#functions/notices/notice.ts';
import type { NoticeRecord } from '#functions/notices/notice-record.ts';
import { type Problem, problems } from '#functions/transfers/follow.ts';
import { canonicalState, isTrackingId, type Watch } from '#functions/transfers/transfer.ts';

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
  expect(text).not.toMatch(/[a-z]{2}[:：]\S|[:：][/\\／]{2}/iu);
  expect(text).not.toMatch(/www[.．。｡․]\S/iu);
  expect(text).not.toMatch(/[\p{L}\p{N}][.．。｡․]\p{L}{2}/u);
  expect(text).not.toMatch(/[@＠]\S/u);
}

/** A tracking id for each number, the first unchanged. @example nth(2, 't-0'); // 't-2' */
const nth = (number: number, first: string): string => (number === 0 ? first : `${first.slice(0, -1)}${number}`);

/** The record of a notice about a number of transfers. */
export function transfersRecord(count: number, watch: Watch = alice, fact: Partial<typeof example> = {}): NoticeRecord {
  const events = Array.from({ length: count }, (_, number) =>
    transferEvent(
      'https://cryptshare.example.com',
      watch,
      { ...example, ...fact, trackingId: nth(number, fact.trackingId ?? 't-0'), sequence: 1 },
      at,
    ),
  );
  return transferNotice(watch, events).record;
}
const example = { trackingId: 't-1', state: 'ACTIVE', previousState: 'PROCESSING' as string | null };

/** Records with a hostile text as state, former state and mailbox. */
export const hostileRecordsOf = (hostile: string): NoticeRecord[] => [
  transfersRecord(1, alice, { state: hostile.slice(0, 64) }),
  transfersRecord(1, alice, { previousState: hostile.slice(0, 64) }),
  transfersRecord(1, { ...alice, mailbox: hostile }),
];

/** Notices with hostile mailboxes, states and tracking ids. */
const hostileNotices = fc
  .record({
    watch: anyWatch,
    facts: fc.array(told, { minLength: 1, maxLength: 25 }),
    times: fc.constantFrom(1, 1, 20),
  })
  .map(({ watch, facts, times }) => {
    const events = Array.from({ length: times }, (_, time) =>
      facts.map((fact) => ({ ...fact, trackingId: nth(time, fact.trackingId) })),
    )
      .flat()
      .map((fact) => transferEvent('https://cryptshare.example.com', watch, { ...fact, sequence: 1 }, at));
    return transferNotice(watch, events);
  });

/** Checks hostile notices, each of which takes milliseconds to make; the long run tries more. */
export const ofAnyNotice = (check: (record: NoticeRecord, notice: ReturnType<typeof transferNotice>) => void): void =>
  fc.assert(
    fc.property(hostileNotices, (notice) => check(notice.record, notice)),
    { numRuns: Number(process.env.NOTICES ?? 25) },
  );

/** The record of a notice about an endpoint. */
export const endpointRecord = (message: string): NoticeRecord =>
  endpointNotice(
    endpointEvent('endpoint.failing', { endpoint: 'crm', cause: 'timeout', message, failingSince: at }, at),
  ).record;
