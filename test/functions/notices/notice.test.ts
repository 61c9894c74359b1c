import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Severity } from '#functions/events/catalogue.ts';
import { type Change, type TransferEvent, transferEvent, watchEvent } from '#functions/events/transfer-event.ts';
import { transferNotice, watchNotice } from '#functions/notices/notice.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { anyWatch, ofAnyNotice } from './hostile-notices.ts';

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

/** Expects texts within the limits of SNS and of Amazon Q Developer, without mentions and links. */
function expectWithinLimits({ subject, chat }: Pick<ReturnType<typeof transferNotice>, 'subject' | 'chat'>): void {
  const { version, source, id, content } = chat;
  expect(subject).toMatch(/^[\x20-\x7e]{1,99}$/);
  expect([version, source, content.textType]).toEqual(['1.0', 'custom', 'client-markdown']);
  expect(id).toMatch(/^ntc_[0-9a-z]{25}$/);
  expect(content.title.length).toBeGreaterThan(0);
  expect(content.title.length).toBeLessThanOrEqual(250);
  expect(content.description.length).toBeLessThanOrEqual(8000);
  expect(content.description).not.toMatch(/[<>&]/);
}

describe('transferNotice', () => {
  it('keeps the limits of every channel, and can neither mention nor link, for any events', () => {
    ofAnyNotice((_, notice) => expectWithinLimits(notice));
  });

  it('reads like a sentence for one transfer', () => {
    const { subject, text } = noticeOf({ state: 'DELETED_BY_EXPIRATION', previousState: 'ACTIVE' });
    expect(subject).toBe('1 expired (alice@example.com, sent)');
    expect(text).toContain('1 transfer sent by alice@example.com changed since 2026-11-24 14:05 UTC: 1 expired.\n');
    expect(text).toMatch(/^ {2}expired {2}t-1 {2}\(was active\)$/m);
  });

  it('keeps the subject readable for long mailboxes and other scripts', () => {
    const mailbox = `jürgen@${'x'.repeat(60)}.${'y'.repeat(60)}.example`;
    const { subject } = transferNotice({ ...watch, mailbox }, [eventOf({ state: 'FAILED' })]);
    expect(subject).toMatch(/^1 failed \(j\?rgen@x+\.y+\.\.\.$/);
    expect(subject).toHaveLength(99);
  });

  it('names up to 20 transfers, and counts the others', () => {
    for (const [count, more] of [
      [20, /\)$/],
      [33, /\nand 13 more$/],
    ] as const) {
      const { text, chat } = noticeOf(...many(count));
      for (const channel of [text, chat.content.description]) {
        expect(channel.match(/\bt-\d+\b/g)).toHaveLength(20);
        expect(channel.trimEnd()).toMatch(more);
      }
      expect(text).toContain(`${count} transfers sent by`);
    }
  });

  it('names the most urgent transfers first', () => {
    const { text, subject } = noticeOf(
      ...many(25),
      { trackingId: 'bad', state: 'FAILED' },
      { trackingId: 'old', state: 'DELETED_BY_EXPIRATION' },
    );
    const ids = [...text.matchAll(/^ {2}\S.*? (\S+) +\(/gm)].map(([, id]) => id);
    expect(ids.slice(0, 3)).toEqual(['bad', 'old', 't-0']);
    expect(subject).toMatch(/^1 failed, 1 expired, 25 active /);
  });

  it.each<[Severity, types: string[], ...told: Told[]]>([
    ['info', ['transfer.active', 'transfer.processing'], { state: 'PROCESSING' }, { state: 'ACTIVE' }],
    [
      'warning',
      ['transfer.deleted_by_expiration', 'transfer.active'],
      { state: 'ACTIVE' },
      { state: 'DELETED_BY_EXPIRATION' },
    ],
    ['warning', ['transfer.deleted_by_admin'], { state: 'DELETED_BY_ADMIN' }],
    ['warning', ['transfer.deleted_by_revocation'], { state: 'DELETED_BY_REVOCATION' }],
    ['warning', ['transfer.unlisted'], { news: 'transfer.unlisted' }],
    ['info', ['transfer.listed_again'], { news: 'transfer.listed_again' }],
    ['warning', ['transfer.state_changed'], { state: 'On hold' }],
    ['info', ['transfer.downloaded'], { news: 'transfer.downloaded' }],
    ['info', ['transfer.downloaded_by_all'], { news: 'transfer.downloaded_by_all' }],
    ['info', ['transfer.problem_resolved'], { news: 'transfer.problem_resolved' }],
    [
      'alert',
      ['transfer.overdue', 'transfer.downloaded'],
      { news: 'transfer.downloaded' },
      { news: 'transfer.overdue' },
    ],
    ['alert', ['transfer.problem', 'transfer.unlisted'], { news: 'transfer.unlisted' }, { news: 'transfer.problem' }],
    ['alert', ['transfer.failed', 'transfer.active'], { state: 'ACTIVE' }, { state: 'FAILED' }],
    [
      'alert',
      ['transfer.deleted_by_security', 'transfer.active'],
      { state: 'DELETED_BY_SECURITY' },
      { state: 'ACTIVE' },
    ],
  ])('has the severity %s for %j', (severity, types, ...told) => {
    const { record } = noticeOf(...told.map((each, index) => ({ trackingId: `t-${index}`, ...each })));
    expect(record).toMatchObject({ types, ...watch, severity });
  });

  it.each<[line: string, told: Told]>([
    ['active  t-1  (new)', { previousState: null }],
    ['no longer listed  t-1  (last active)', { news: 'transfer.unlisted', previousState: 'ACTIVE' }],
    ['listed again  t-1  (last active)', { news: 'transfer.listed_again', previousState: 'ACTIVE' }],
    ['On hold  t-1  (was deleted by admin)', { state: 'On hold', previousState: 'DELETED_BY_ADMIN' }],
  ])('has the line "%s"', (line, told) => {
    expect(noticeOf(told).text.split('\n')).toContain(`  ${line}`);
  });

  it('starts at the time of the earliest event', () => {
    const later = { trackingId: 'a', at: '2026-11-24T14:09:00.000Z' };
    const { text } = noticeOf(later, { trackingId: 'b', at: '2026-11-24T13:58:00.000Z' });
    expect(text).toContain('changed since 2026-11-24 13:58 UTC');
  });

  it('has the same id for the same events in any order, and another for others', () => {
    const events = many(5).map(eventOf);
    const idOf = (list: readonly TransferEvent[]) => transferNotice(watch, list).chat.id;
    expect(idOf(events.toReversed())).toBe(idOf(events));
    expect(idOf(events.slice(1))).not.toBe(idOf(events));
  });

  it('brings no markup of tracking id or state into the chat', () => {
    const told = { trackingId: 'a`*b*`', previousState: '*~Pay `now`~* [here](https://evil.example)' };
    const line = (state: string) => noticeOf({ ...told, state }).chat.content.description.split('\n')[1];
    expect(line('FAILED')).toMatch(/^• \*failed\* `a'\*b\*'` \(was [^*~`[\]]*\)$/);
    expect(line('*`_~x')).toMatch(/^• \*[^*`_~]+x\* `a'/);
  });

  it('cuts the texts of the chat between characters', () => {
    for (let length = 180; length <= 250; length += 1) {
      const mailbox = 'x'.repeat(length) + '😀'.repeat(5000);
      const { title, description } = transferNotice({ ...watch, mailbox }, [eventOf({})]).chat.content;
      const failing = watchNotice(watchEvent(server, 'watch.failing', { ...data, message: mailbox }, at));
      for (const text of [title, description, failing.chat.content.description]) {
        expect(/\p{Cs}/u.test(text), `${length}`).toBe(false);
      }
    }
  });
});

const data = {
  ...watch,
  cause: 'token_invalid',
  message: 'the token is not accepted; verify <the> mailbox',
  failingSince: '2026-11-24T13:00:00.000Z',
} as const;

describe('watchNotice', () => {
  const failing = watchNotice(watchEvent(server, 'watch.failing', data, at));
  const recovered = watchNotice(watchEvent(server, 'watch.recovered', data, at));

  it('says what is wrong, since when, what to do, and that nothing is lost', () => {
    expect(failing.subject).toBe('Cannot watch transfers sent by alice@example.com');
    expect(failing.text).toContain('since 2026-11-24 13:00 UTC: the token is not accepted; verify <the> mailbox');
    expect(failing.text).toContain('not lost');
    expect(failing.record).toMatchObject({ types: ['watch.failing'], ...watch, severity: 'alert' });
  });

  it('says when a watch recovered, and since when it had failed', () => {
    expect(recovered.subject).toBe('Watching transfers sent by alice@example.com again');
    expect(recovered.text).toContain('since 2026-11-24 14:05 UTC');
    expect(recovered.text).toContain('failed since 2026-11-24 13:00 UTC');
    expect(recovered.record).toMatchObject({ types: ['watch.recovered'], ...watch, severity: 'info' });
    expect(recovered.chat.id).not.toBe(failing.chat.id);
  });

  it('keeps the limits of every channel for any mailbox and message', () => {
    const long = fc.string({ minLength: 1 }).map((text) => text.repeat(9_000));
    const type = fc.constantFrom('watch.failing' as const, 'watch.recovered' as const);
    fc.assert(
      fc.property(anyWatch, fc.oneof(fc.string(), long), type, (watch, message, type) =>
        expectWithinLimits(watchNotice(watchEvent(server, type, { ...data, ...watch, message }, at))),
      ),
    );
  });
});
