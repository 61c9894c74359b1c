import { describe, expect, it } from 'vitest';
import type { NoticeRecord } from '#functions/notices/notice-record.ts';
import { teamsMessage } from '#functions/notices/teams.ts';
import {
  alice,
  endpointRecord,
  hostileRecordsOf,
  hostileTexts,
  ofAnyNotice,
  transfersRecord,
} from './hostile-notices.ts';

interface Fact {
  readonly title: string;
  readonly value: string;
}
interface CardElement {
  readonly type: string;
  readonly text?: string;
  readonly facts?: readonly Fact[];
  readonly color?: string;
}
const bodyOf = (record: NoticeRecord): CardElement[] => JSON.parse(teamsMessage(record)).attachments[0].content.body;
const factsOf = (record: NoticeRecord): readonly Fact[] => bodyOf(record).find(({ facts }) => facts)?.facts ?? [];
const textsOf = (record: NoticeRecord): string[] =>
  bodyOf(record).flatMap(({ text, facts = [] }) => [
    ...(text === undefined ? [] : [text]),
    ...facts.flatMap(({ title, value }) => [title, value]),
  ]);

/** Expects a backslash before every mark, no list and no whole link. */
function expectInert(text: string): void {
  expect(text.replaceAll(/\\[!-/:-@[-`{-~]/g, '')).not.toMatch(/[\\`*_{}[\]()<>#+!|~&]/);
  expect(text).not.toMatch(/^\s*(?:[-+*]|\d+[.)])(?:\s|$)/);
  expect(text).not.toMatch(/:\/\/|www\.\S/i);
  expect(text).not.toMatch(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_C}]/u);
}

describe('teamsMessage', () => {
  it('names or counts every transfer of any notice within 28 KB, and is the same each time', () => {
    ofAnyNotice((record) => {
      // Teams counts the message once more as the text of a JSON document.
      const counted = JSON.stringify(teamsMessage(record));
      expect(Buffer.byteLength(counted)).toBeLessThanOrEqual(28_000);
      const last = bodyOf(record).at(-1)?.text ?? '';
      const more = Number(/^and (\d+) more$/.exec(last)?.[1] ?? 0);
      expect(factsOf(record).length + more).toBe(record.items.length + record.more);
      expect(teamsMessage(structuredClone(record))).toBe(teamsMessage(record));
    });
  });

  it('contains no mention, no link and no mark for any notice', () => {
    ofAnyNotice((record) => {
      const message = JSON.parse(teamsMessage(record));
      expect(Object.keys(message.attachments[0].content)).not.toContain('msteams');
      for (const text of textsOf(record)) expectInert(text);
    });
  });

  it('is the envelope of a workflow with an Adaptive Card', () => {
    expect(JSON.parse(teamsMessage(transfersRecord(1)))).toEqual({
      type: 'message',
      attachments: [
        {
          contentType: 'application/vnd.microsoft.card.adaptive',
          contentUrl: null,
          content: {
            $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
            type: 'AdaptiveCard',
            version: '1.4',
            body: [
              {
                type: 'TextBlock',
                text: '1 transfer sent by alice@example.com: 1 active',
                wrap: true,
                weight: 'Bolder',
                size: 'Medium',
                color: 'Accent',
              },
              { type: 'TextBlock', text: 'Since 2026-11-24 14:05 UTC:', wrap: true },
              { type: 'FactSet', facts: [{ title: 'active', value: 't-0 \\(was processing\\)' }] },
            ],
          },
        },
      ],
    });
  });

  it('names up to 20 transfers, and counts the others', () => {
    expect(factsOf(transfersRecord(20))).toHaveLength(20);
    expect(textsOf(transfersRecord(20)).join()).not.toContain('more');
    expect(factsOf(transfersRecord(500))).toHaveLength(20);
    expect(bodyOf(transfersRecord(500)).at(-1)?.text).toBe('and 480 more');
  });

  it('names fewer transfers when their names are too long', () => {
    const backslashes = (count: number) => '\\'.repeat(count);
    const facts = { trackingId: backslashes(200), state: backslashes(64), previousState: backslashes(64) };
    const record = transfersRecord(25, { ...alice, mailbox: backslashes(600) }, facts);
    const named = factsOf(record).length;
    expect(named).toBeGreaterThan(5);
    expect(named).toBeLessThan(20);
    expect(bodyOf(record).at(-1)?.text).toBe(`and ${25 - named} more`);
  });

  it.each([
    { state: 'DELETED_BY_EXPIRATION', color: 'Warning' },
    { state: 'FAILED', color: 'Attention' },
  ])('has a title in the colour $color for $state', ({ state, color }) => {
    expect(bodyOf(transfersRecord(1, alice, { state }))[0]).toMatchObject({ color });
  });

  it.each(hostileTexts)('disarms the state, former state or mailbox %j', (hostile) => {
    for (const record of hostileRecordsOf(hostile)) for (const text of textsOf(record)) expectInert(text);
  });

  it.each(['-', '1.', 'http://evil.example', '[a](http://evil.example)', '{{DATE(x)}}', '\\'])(
    'disarms the tracking id %s',
    (trackingId) => {
      for (const text of textsOf(transfersRecord(1, alice, { trackingId }))) expectInert(text);
    },
  );

  it('cuts a long text between characters', () => {
    for (let length = 500; length <= 600; length += 1) {
      const [, paragraph] = bodyOf(endpointRecord('x'.repeat(length) + '😀'.repeat(200)));
      expectInert(paragraph!.text!);
      expect(paragraph!.text!.endsWith('…')).toBe(true);
    }
  });

  it('has only title and paragraphs for a notice about an endpoint', () => {
    expect(textsOf(endpointRecord('it does not answer'))).toEqual([
      'Webhook crm is failing',
      'The webhook crm has failed since 2026-11-24 14:05 UTC: it does not answer.',
      'Its events are kept, and delivered as soon as it answers.',
    ]);
  });
});
