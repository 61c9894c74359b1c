import { describe, expect, it, test } from 'vitest';
import { eventBody, transferEvent } from '#functions/events/transfer-event.ts';
import { transferNotice } from '#functions/notices/notice.ts';
import { NoticeError, parseNotice } from '#functions/notices/notice-record.ts';
import { alice, endpointRecord, ofAnyNotice, transfersRecord } from './hostile-notices.ts';

describe('a record', () => {
  it('tells of transfers what a message needs', () => {
    const record = transfersRecord(22, alice, { state: 'FAILED' });
    expect(record).toMatchObject({
      timestamp: '2026-11-24T14:05:59.120Z',
      severity: 'alert',
      types: ['transfer.failed'],
      mailbox: 'alice@example.com',
      direction: 'sent',
      headline: '22 transfers sent by alice@example.com: 22 failed',
      paragraphs: ['Since 2026-11-24 14:05 UTC:'],
      more: 2,
    });
    expect(record.id).toMatch(/^ntc_[0-9a-z]{25}$/);
    expect(record.items).toHaveLength(20);
    expect(record.items[0]).toEqual({ words: 'failed', trackingId: 't-0', before: '(was processing)' });
  });

  it('has the time of the newest event, where its text has that of the oldest', () => {
    const events = ['2026-11-24T14:05:00.000Z', '2026-11-24T14:07:00.000Z', '2026-11-24T14:06:00.000Z'].map((at) =>
      transferEvent(
        'https://cryptshare.example.com',
        alice,
        { trackingId: at, state: 'ACTIVE', previousState: null, sequence: 1 },
        at,
      ),
    );
    const { record } = transferNotice(alice, events);
    expect(record.timestamp).toBe('2026-11-24T14:07:00.000Z');
    expect(record.paragraphs).toEqual(['Since 2026-11-24 14:05 UTC:']);
  });

  it('has the id of the notice for the chat', () => {
    const event = transferEvent(
      'https://cryptshare.example.com',
      alice,
      { trackingId: 't-1', state: 'ACTIVE', previousState: null, sequence: 1 },
      '2026-11-24T14:05:00.000Z',
    );
    const { record, chat } = transferNotice(alice, [event]);
    expect(record.id).toBe(chat.id);
  });

  it('survives its way through any queue, delivered as it is or among the texts of all channels', () => {
    ofAnyNotice((record) => {
      const sqs = JSON.stringify(record);
      expect(parseNotice(sqs)).toEqual(record);
      expect(parseNotice(JSON.stringify({ default: 'text', email: 'text', https: '{}', sqs }))).toEqual(record);
    });
  });
});

test('a record about no watch has no mailbox and no direction', () => {
  const record = endpointRecord('it does not answer');
  expect(parseNotice(JSON.stringify(record))).toEqual(record);
  expect(record).not.toHaveProperty('mailbox');
  expect(record).not.toHaveProperty('direction');
});

describe('what is no notice is refused with the fact that is wrong', () => {
  const record = transfersRecord(1);
  const event = eventBody(
    transferEvent(
      'https://cryptshare.example.com',
      alice,
      { trackingId: 't-1', state: 'ACTIVE', previousState: null, sequence: 1 },
      '2026-11-24T14:05:00.000Z',
    ),
  );

  test.each([
    { body: '', wrong: 'not JSON' },
    { body: 'text for people', wrong: 'not JSON' },
    { body: '{"sqs":"text"}', wrong: 'not JSON' },
    { body: 'null', wrong: 'id' },
    { body: '1', wrong: 'id' },
    { body: '"ntc_1"', wrong: 'id' },
    { body: '[]', wrong: 'id' },
    { body: '{"sqs":"null"}', wrong: 'id' },
    { body: event, wrong: 'id' },
    { body: JSON.stringify({ sqs: JSON.stringify({ sqs: JSON.stringify(record) }) }), wrong: 'id' },
  ])('$body', ({ body, wrong }) => {
    expect(() => parseNotice(body)).toThrow(NoticeError);
    expect(() => parseNotice(body)).toThrow(wrong);
  });

  test.each([
    { id: 'evt_1' },
    { timestamp: 1 },
    { severity: 'critical' },
    { types: 'transfer.failed' },
    { types: [1] },
    { mailbox: null },
    { direction: 'both' },
    { headline: undefined },
    { paragraphs: [{}] },
    { items: [null] },
    { items: [{ words: 'active', trackingId: 't-1' }] },
    { more: '1' },
  ])('%j', (change) => {
    expect(() => parseNotice(JSON.stringify({ ...record, ...change }))).toThrow(
      new NoticeError(`expected a notice, but ${Object.keys(change)[0]} is missing or wrong`),
    );
  });
});

test('mail and the chat of Amazon Q Developer have the same facts, each without what it could take for markup', () => {
  const watch = { mailbox: 'al_i&ce@example.com', direction: 'received' } as const;
  const events = [
    { trackingId: 't-1', state: 'ACTIVE', previousState: 'PROCESSING' },
    { trackingId: 'a`*b*`&', state: 'On *hold* <!channel>', previousState: null },
    { trackingId: 't-33', state: 'FAILED', previousState: 'DELETED_BY_ADMIN', news: 'transfer.unlisted' as const },
  ].map((change) =>
    transferEvent('https://cryptshare.example.com', watch, { ...change, sequence: 1 }, '2026-11-24T14:05:59.120Z'),
  );
  const { subject, text, chat } = transferNotice(watch, events);
  expect({ subject, text, chat }).toMatchInlineSnapshot(`
    {
      "chat": {
        "content": {
          "description": "Since 2026-11-24 14:05 UTC:
    • *no longer listed* \`t-33\` (last deleted by admin)
    • *On ∗hold∗  !channel * \`a'*b*' \` (new)
    • *active* \`t-1\` (was processing)",
          "textType": "client-markdown",
          "title": "3 transfers received by al_i&ce@example.com: 1 no longer listed, 1 in a state unknown to the notifier, 1 active",
        },
        "id": "ntc_1uhljv81sswaohdtlmfe3jgk8",
        "source": "custom",
        "version": "1.0",
      },
      "subject": "1 no longer listed, 1 in a state unknown to the notifier, 1 active (al_i&ce@example.com, received)",
      "text": "3 transfers received by al_i&ce@example.com changed since 2026-11-24 14:05 UTC: 1 no longer listed, 1 in a state unknown to the notifier, 1 active.

      no longer listed      t-33     (last deleted by admin)
      On *hold* <!channel>  a\`*b*\`&  (new)
      active                t-1      (was processing)
    ",
    }
  `);
});
