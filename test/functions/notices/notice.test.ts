import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { type Change, type TransferEvent, transferEvent, watchEvent } from '#functions/events/transfer-event.ts';
import { transferNotice, watchNotice } from '#functions/notices/notice.ts';
import type { Severity } from '#functions/notices/notice-record.ts';
import { canonicalState, isTrackingId, type Watch } from '#functions/transfers/transfer.ts';

const server = 'https://cryptshare.example.com';
const watch: Watch = { mailbox: 'alice@example.com', direction: 'sent' };
const at = '2026-11-24T14:05:59.120Z';

interface Told {
  readonly trackingId?: string;
  readonly state?: string;
  readonly previousState?: string | null;
  readonly news?: Change['news'];
  readonly at?: string;
}
const eventOf = ({
  trackingId = 't-1',
  state = 'ACTIVE',
  previousState = 'PROCESSING',
  news,
  at: observedAt = at,
}: Told): TransferEvent =>
  transferEvent(server, watch, { trackingId, state, previousState, sequence: 1, news }, observedAt);
const noticeOf = (...told: readonly Told[]) => transferNotice(watch, told.map(eventOf));
const many = (count: number, told: Told = {}) =>
  Array.from({ length: count }, (_, index) => ({ trackingId: `t-${index}`, ...told }));

const utf16 = fc
  .array(fc.oneof(fc.integer({ min: 0x20, max: 0x7e }), fc.nat(0xffff)), { minLength: 1, maxLength: 80 })
  .map((units) => String.fromCharCode(...units));
const state = fc.oneof(
  fc.constantFrom(
    'ACTIVE',
    'FAILED',
    'PROCESSING',
    'DELETED_BY_ADMIN',
    'DELETED_BY_SECURITY',
    'DELETED_BY_REVOCATION',
    'DELETED_BY_EXPIRATION',
  ),
  utf16.map(canonicalState),
);
const told = fc.record({
  trackingId: fc.stringMatching(/^[!-~]{1,200}$/).filter(isTrackingId),
  state,
  previousState: fc.option(state),
  news: fc.constantFrom(undefined, 'transfer.unlisted' as const, 'transfer.listed_again' as const),
});
const anyWatch = fc.record({
  mailbox: fc.oneof(
    utf16,
    utf16.map((text) => text.repeat(300)),
  ),
  direction: fc.constantFrom('sent' as const, 'received' as const),
});
const anyEvents = fc.array(told, { minLength: 1, maxLength: 60 }).map((list) => list.map(eventOf));

describe('a notice of any events', () => {
  it('has a subject of at most 99 printable ASCII characters', () => {
    fc.assert(
      fc.property(anyWatch, anyEvents, (watch, events) => {
        expect(transferNotice(watch, events).subject).toMatch(/^[\x20-\x7e]{1,99}$/);
      }),
    );
  });

  it('fits into the schema of Amazon Q Developer', () => {
    fc.assert(
      fc.property(anyWatch, anyEvents, (watch, events) => {
        const { version, source, id, content } = transferNotice(watch, events).chat;
        expect([version, source, content.textType]).toEqual(['1.0', 'custom', 'client-markdown']);
        expect(id).toMatch(/^ntc_[0-9a-z]{25}$/);
        expect(content.title.length).toBeGreaterThan(0);
        expect(content.title.length).toBeLessThanOrEqual(250);
        expect(content.description.length).toBeLessThanOrEqual(8000);
      }),
    );
  });

  it('can mention nobody and link nowhere', () => {
    fc.assert(
      fc.property(anyEvents, (events) => {
        expect(transferNotice(watch, events).chat.content.description).not.toMatch(/[<>&]/);
      }),
    );
  });
});

test('one transfer reads like a sentence', () => {
  const { subject, text } = noticeOf({ state: 'DELETED_BY_EXPIRATION', previousState: 'ACTIVE' });
  expect(subject).toBe('1 expired (alice@example.com, sent)');
  expect(text).toContain('1 transfer sent by alice@example.com changed since 2026-11-24 14:05 UTC: 1 expired.\n');
  expect(text).toMatch(/^ {2}expired {2}t-1 {2}\(was active\)$/m);
});

test('long mailboxes and other scripts leave the subject readable', () => {
  const { subject } = transferNotice({ ...watch, mailbox: `jürgen@${'x'.repeat(60)}.${'y'.repeat(60)}.example` }, [
    eventOf({ state: 'FAILED' }),
  ]);
  expect(subject).toMatch(/^1 failed \(j\?rgen@x+\.y+\.\.\.$/);
  expect(subject).toHaveLength(99);
});

describe('transfers', () => {
  it('are all named up to 20', () => {
    const { text, chat } = noticeOf(...many(20));
    expect(text.match(/\bt-\d+\b/g)).toHaveLength(20);
    expect(chat.content.description.match(/\bt-\d+\b/g)).toHaveLength(20);
    expect(text).not.toContain('more');
  });

  it('beyond 20 are only counted', () => {
    const { text, chat } = noticeOf(...many(33));
    for (const channel of [text, chat.content.description]) {
      expect(channel.match(/\bt-\d+\b/g)).toHaveLength(20);
      expect(channel.trimEnd()).toMatch(/\nand 13 more$/);
    }
    expect(text).toContain('33 transfers sent by');
  });

  it('stand most urgent first, so that what is only counted is the least urgent', () => {
    const { text, subject } = noticeOf(
      ...many(25),
      { trackingId: 'bad', state: 'FAILED' },
      { trackingId: 'old', state: 'DELETED_BY_EXPIRATION' },
    );
    const ids = [...text.matchAll(/^ {2}\S.*? (\S+) +\(/gm)].map(([, id]) => id);
    expect(ids.slice(0, 3)).toEqual(['bad', 'old', 't-0']);
    expect(subject).toMatch(/^1 failed, 1 expired, 25 active /);
  });
});

test.each<{ told: Told[]; severity: Severity; types: string[] }>([
  {
    told: [{ state: 'PROCESSING' }, { state: 'ACTIVE' }],
    severity: 'info',
    types: ['transfer.active', 'transfer.processing'],
  },
  {
    told: [{ state: 'ACTIVE' }, { state: 'DELETED_BY_EXPIRATION' }],
    severity: 'warning',
    types: ['transfer.deleted_by_expiration', 'transfer.active'],
  },
  { told: [{ state: 'DELETED_BY_ADMIN' }], severity: 'warning', types: ['transfer.deleted_by_admin'] },
  { told: [{ state: 'DELETED_BY_REVOCATION' }], severity: 'warning', types: ['transfer.deleted_by_revocation'] },
  { told: [{ state: 'ACTIVE', news: 'transfer.unlisted' }], severity: 'warning', types: ['transfer.unlisted'] },
  { told: [{ state: 'ACTIVE', news: 'transfer.listed_again' }], severity: 'info', types: ['transfer.listed_again'] },
  { told: [{ state: 'On hold' }], severity: 'warning', types: ['transfer.state_changed'] },
  {
    told: [{ state: 'ACTIVE' }, { state: 'FAILED' }],
    severity: 'alert',
    types: ['transfer.failed', 'transfer.active'],
  },
  {
    told: [{ state: 'DELETED_BY_SECURITY' }, { state: 'ACTIVE' }],
    severity: 'alert',
    types: ['transfer.deleted_by_security', 'transfer.active'],
  },
])('$types is worth $severity', ({ told, severity, types }) => {
  const { record } = noticeOf(...told.map((each, index) => ({ trackingId: `t-${index}`, ...each })));
  expect(record).toMatchObject({ types, mailbox: 'alice@example.com', direction: 'sent', severity });
});

describe('a line', () => {
  test.each<{ what: string; told: Told; line: string }>([
    { what: 'a new transfer', told: { previousState: null }, line: 'active  t-1  (new)' },
    {
      what: 'a transfer no longer listed',
      told: { news: 'transfer.unlisted', previousState: 'ACTIVE' },
      line: 'no longer listed  t-1  (last active)',
    },
    {
      what: 'a transfer listed again',
      told: { news: 'transfer.listed_again', previousState: 'ACTIVE' },
      line: 'listed again  t-1  (last active)',
    },
    {
      what: 'an undocumented state',
      told: { state: 'On hold', previousState: 'DELETED_BY_ADMIN' },
      line: 'On hold  t-1  (was deleted by admin)',
    },
  ])('says of $what: $line', ({ told, line }) => {
    expect(noticeOf(told).text.split('\n')).toContain(`  ${line}`);
  });

  test.each(['<!channel>', '<@U123>', '<https://evil.example|click>', '&lt;!here&gt;'])(
    'makes no mention or link of the raw state %s',
    (state) => {
      for (const told of [{ state }, { state: 'ACTIVE', previousState: state }]) {
        expect(noticeOf(told).chat.content.description).not.toMatch(/[<>&]/);
      }
    },
  );

  it('gives the raw state no emphasis of its own', () => {
    expect(noticeOf({ state: '*`_~x' }).chat.content.description).toMatch(/^• \*[^*`_~]+x\* `t-1` /m);
  });
});

test('the time is that of the earliest event', () => {
  const { text } = noticeOf(
    { trackingId: 'a', at: '2026-11-24T14:09:00.000Z' },
    { trackingId: 'b', at: '2026-11-24T13:58:00.000Z' },
  );
  expect(text).toContain('changed since 2026-11-24 13:58 UTC');
});

test('the same events have the same id in any order, other events another one', () => {
  const events = many(5).map(eventOf);
  const idOf = (list: readonly TransferEvent[]) => transferNotice(watch, list).chat.id;
  expect(idOf(events.toReversed())).toBe(idOf(events));
  expect(idOf(events.slice(1))).not.toBe(idOf(events));
});

describe('a notice about a watch', () => {
  const data = {
    ...watch,
    cause: 'token_invalid',
    message: 'the token is not accepted; verify <the> mailbox',
    failingSince: '2026-11-24T13:00:00.000Z',
  };
  const failing = watchNotice(watchEvent(server, 'watch.failing', data, at));
  const recovered = watchNotice(watchEvent(server, 'watch.recovered', data, at));

  it('tells what is wrong, since when, what to do, and that nothing is lost', () => {
    expect(failing.subject).toBe('Cannot watch transfers sent by alice@example.com');
    expect(failing.text).toContain('since 2026-11-24 13:00 UTC: the token is not accepted; verify <the> mailbox');
    expect(failing.text).toContain('not lost');
    expect(failing.record).toMatchObject({ types: ['watch.failing'], ...watch, severity: 'alert' });
  });

  it('tells of the recovery when it was and how long it took', () => {
    expect(recovered.subject).toBe('Watching transfers sent by alice@example.com again');
    expect(recovered.text).toContain('since 2026-11-24 14:05 UTC');
    expect(recovered.text).toContain('failed since 2026-11-24 13:00 UTC');
    expect(recovered.record).toMatchObject({ types: ['watch.recovered'], ...watch, severity: 'info' });
    expect(recovered.chat.id).not.toBe(failing.chat.id);
  });

  it('keeps the limits of every channel, whatever mailbox and message', () => {
    fc.assert(
      fc.property(
        anyWatch,
        fc.oneof(
          fc.string(),
          fc.string({ minLength: 1 }).map((text) => text.repeat(9_000)),
        ),
        fc.constantFrom('watch.failing' as const, 'watch.recovered' as const),
        (watch, message, type) => {
          const { subject, chat } = watchNotice(watchEvent(server, type, { ...data, ...watch, message }, at));
          expect(subject).toMatch(/^[\x20-\x7e]{1,99}$/);
          expect(chat.content.title.length).toBeLessThanOrEqual(250);
          expect(chat.content.description.length).toBeLessThanOrEqual(8000);
          expect(chat.content.description).not.toMatch(/[<>&]/);
        },
      ),
    );
  });
});

test('neither a former state nor a tracking id brings markup into the chat', () => {
  const event = transferEvent(
    'https://cryptshare.example.com',
    { mailbox: 'alice@example.com', direction: 'sent' },
    {
      trackingId: 'a`*b*`',
      state: 'FAILED',
      previousState: '*~Pay `now`~* [here](https://evil.example)',
      sequence: 1,
    },
    '2026-11-24T00:00:00.000Z',
  );
  const { chat } = transferNotice({ mailbox: 'alice@example.com', direction: 'sent' }, [event]);
  expect(chat.content.description.split('\n')[1]).toMatch(/^• \*failed\* `a'\*b\*'` \(was [^*~`[\]]*\)$/);
});

test('the chat has texts within its limits that are cut between characters', () => {
  for (let length = 180; length <= 250; length += 1) {
    const mailbox = 'x'.repeat(length) + '😀'.repeat(5000);
    const { title, description } = transferNotice({ ...watch, mailbox }, [eventOf({})]).chat.content;
    const data = { ...watch, cause: 'unreachable', message: mailbox, failingSince: at } as const;
    const failing = watchNotice(watchEvent(server, 'watch.failing', data, at)).chat.content;
    for (const [text, limit] of [
      [title, 250],
      [description, 8000],
      [failing.description, 8000],
    ] as const) {
      expect(text.length).toBeLessThanOrEqual(limit);
      expect(/\p{Cs}/u.test(text), `${length}`).toBe(false);
    }
  }
});
