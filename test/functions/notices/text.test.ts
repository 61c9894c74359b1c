import { describe, expect, it } from 'vitest';
import type { Message } from '#functions/notices/message.ts';
import { snsSubject, textOf } from '#functions/notices/text.ts';
import { german, messageFor, richDay, transferOf } from './digests.ts';
import {
  alice,
  expectHarmless,
  hostileMessagesOf,
  hostileTexts,
  ofAnyMessage,
  transfersMessage,
} from './hostile-notices.ts';

/** Names that a message may have: addresses of mailboxes. */
const own = /\b(?:alice|bob)@example\.com|reset@evil\.example/g;

const linesOf = (message: Message) => textOf(message).split('\n');

describe('textOf', () => {
  it('has lines of at most 100 characters for any message, unless a single word is longer', () => {
    ofAnyMessage((message) => {
      for (const line of linesOf(message)) {
        const isTooLong = line.length > 100 && line.trim().includes(' ');
        expect(isTooLong, line).toBe(false);
        expect(line).toBe(line.trimEnd());
        expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      }
    });
  });

  it('is in columns if they are narrow enough', () => {
    const message = messageFor([
      transferOf('transfer.failed', {}, 1),
      transferOf('transfer.deleted_by_security', {}, 2),
      transferOf('transfer.active', { previousState: null }, 3),
    ]);
    expect(textOf(message)).toContain(`Needs attention
  failed                         20261125-065711-T00001  (was active)
  deleted after wrong passwords  20261125-065711-T00002  (was active)

Further events
  active  20261125-065711-T00003  (new)
`);
  });

  it('has each detail below its words if columns would be too wide', () => {
    const mailbox = `${'x'.repeat(60)}@example.com`;
    const message = messageFor([
      transferOf('transfer.failed', { mailbox }, 1),
      transferOf('transfer.failed', { mailbox: 'bob@example.com' }, 2),
    ]);
    expect(textOf(message)).toContain(`Needs attention
  failed
      20261125-065711-T00001  from
      ${mailbox} (was active)
  failed
      20261125-065711-T00002  from bob@example.com (was active)
`);
  });

  it('keeps a command in one line', () => {
    const many = Array.from({ length: 10_000 }, (_, number) => transferOf('transfer.failed', {}, number));
    expect(linesOf(messageFor(many, german))).toContain(
      'npm run notifier -- event list --from 2026-11-25T06:30:00.000Z --until 2026-11-26T06:30:00.000Z',
    );
  });

  it.each(hostileTexts)('brings no link and no mention of %j into a mail', (hostile) => {
    for (const message of hostileMessagesOf(hostile, 'it fails'))
      for (const line of linesOf(message)) expectHarmless(line.replaceAll(own, ''));
  });
});

describe('snsSubject', () => {
  it('has 1 to 99 characters of ASCII for any message', () => {
    ofAnyMessage((message) => {
      expect(snsSubject(message)).toMatch(/^[\x20-\x7e]{1,99}$/);
    });
  });

  it('writes umlauts as German does without them, and leaves accents out', () => {
    const subject = (text: string) => snsSubject({ ...messageFor(richDay), subject: text });
    expect(subject('Übertragung für Straße, ÄÖÜäöü')).toBe('Uebertragung fuer Strasse, AeOeUeaeoeue');
    expect(subject('Crème brûlée, naïve')).toBe('Creme brulee, naive');
    expect(subject('日本 → ok')).toBe('?? ? ok');
  });

  it('is cut at 99 characters', () => {
    const mailbox = `anna@${'x'.repeat(60)}.${'y'.repeat(60)}.example`;
    const subject = snsSubject(transfersMessage(1, { ...alice, mailbox }, { state: 'FAILED' }));
    expect(subject).toHaveLength(99);
    expect(subject).toMatch(/^1 transfer from anna@x+\.y+\.\.\.$/);
  });
});
