import { describe, expect, it } from 'vitest';
import { eventBody, transferEvent } from '#functions/events/transfer-event.ts';
import { transferNotice } from '#functions/notices/notice.ts';
import { NoticeError, parseNotice } from '#functions/notices/notice-record.ts';
import { alice, endpointRecord, ofAnyNotice, transfersRecord } from './hostile-notices.ts';

const eventAt = (at: string) =>
  transferEvent(
    'https://cryptshare.example.com',
    alice,
    { trackingId: at, state: 'ACTIVE', previousState: null, sequence: 1 },
    at,
  );

describe('transferNotice', () => {
  it('records the facts that a message needs', () => {
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

  it('records the time of the newest event, where its text has that of the oldest', () => {
    const times = ['2026-11-24T14:05:00.000Z', '2026-11-24T14:07:00.000Z', '2026-11-24T14:06:00.000Z'];
    const { record, chat } = transferNotice(alice, times.map(eventAt));
    expect(record.timestamp).toBe('2026-11-24T14:07:00.000Z');
    expect(record.paragraphs[0]).toContain('14:05');
    expect(record.id).toBe(chat.id);
  });

  it('has the same facts for mail and the chat of Amazon Q Developer, without foreign markup', () => {
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
        "id": "ntc_edu3kwksde6bts1jkp0mfxwiz",
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
});

describe('parseNotice', () => {
  it('reads any record, delivered as it is or among the texts of all channels', () => {
    ofAnyNotice((record) => {
      const sqs = JSON.stringify(record);
      expect(parseNotice(sqs)).toEqual(record);
      expect(parseNotice(JSON.stringify({ default: 'text', email: 'text', https: '{}', sqs }))).toEqual(record);
    });
    const ofEndpoint = endpointRecord('it does not answer');
    expect(parseNotice(JSON.stringify(ofEndpoint))).toEqual(ofEndpoint);
  });

  const record = transfersRecord(1);

  it.each([
    { body: '', wrong: 'not JSON' },
    { body: 'text for people', wrong: 'not JSON' },
    { body: '{"sqs":"text"}', wrong: 'not JSON' },
    { body: 'null', wrong: 'id' },
    { body: '1', wrong: 'id' },
    { body: '"ntc_1"', wrong: 'id' },
    { body: '[]', wrong: 'id' },
    { body: '{"sqs":"null"}', wrong: 'id' },
    { body: eventBody(eventAt('2026-11-24T14:05:00.000Z')), wrong: 'id' },
    { body: JSON.stringify({ sqs: JSON.stringify({ sqs: JSON.stringify(record) }) }), wrong: 'id' },
  ])('refuses $body', ({ body, wrong }) => {
    expect(() => parseNotice(body)).toThrow(NoticeError);
    expect(() => parseNotice(body)).toThrow(wrong);
  });

  it.each([
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
  ])('refuses a record with %j', (change) => {
    expect(() => parseNotice(JSON.stringify({ ...record, ...change }))).toThrow(
      new NoticeError(`expected a notice, but ${Object.keys(change)[0]} is missing or wrong`),
    );
  });
});
