import { describe, expect, it, test } from 'vitest';
import type { NoticeRecord } from '#functions/notices/notice-record.ts';
import { teamsMessage } from '#functions/notices/teams.ts';
import { alice, endpointRecord, hostileTexts, ofAnyNotice, transfersRecord } from './hostile-notices.ts';

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

/** Every mark has a backslash before it, no line begins a list, and no link is whole. */
function expectInert(text: string): void {
  expect(text.replaceAll(/\\[!-/:-@[-`{-~]/g, '')).not.toMatch(/[\\`*_{}[\]()<>#+!|~&]/);
  expect(text).not.toMatch(/^\s*(?:[-+*]|\d+[.)])(?:\s|$)/);
  expect(text).not.toMatch(/:\/\/|www\.\S/i);
  expect(text).not.toMatch(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_C}]/u);
}

describe('a message of any notice', () => {
  it('has at most 28 KB, also as Teams counts: once more as the text of a JSON document', () => {
    ofAnyNotice((record) => {
      const counted = JSON.stringify(teamsMessage(record));
      expect(Buffer.byteLength(counted)).toBeLessThanOrEqual(28_000);
    });
  });

  it('mentions nobody, links nowhere and has no marks', () => {
    ofAnyNotice((record) => {
      const message = JSON.parse(teamsMessage(record));
      expect(Object.keys(message.attachments[0].content)).not.toContain('msteams');
      for (const text of textsOf(record)) expectInert(text);
    });
  });

  it('names or counts every transfer', () => {
    ofAnyNotice((record) => {
      const last = bodyOf(record).at(-1)?.text ?? '';
      const counted = Number(/^and (\d+) more$/.exec(last)?.[1] ?? 0);
      expect(factsOf(record).length + counted).toBe(record.items.length + record.more);
    });
  });

  it('is the same each time', () => {
    ofAnyNotice((record) => {
      expect(teamsMessage(structuredClone(record))).toBe(teamsMessage(record));
    });
  });
});

test('is the envelope of a workflow with an Adaptive Card', () => {
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

test.each([1, 20])('names all of %i transfers', (count) => {
  expect(factsOf(transfersRecord(count))).toHaveLength(count);
  expect(textsOf(transfersRecord(count)).join()).not.toContain('more');
});

test('names 20 of 500 transfers and counts the others', () => {
  expect(factsOf(transfersRecord(500))).toHaveLength(20);
  expect(bodyOf(transfersRecord(500)).at(-1)?.text).toBe('and 480 more');
});

test('names fewer when their names take too much room', () => {
  const backslashes = (count: number) => '\\'.repeat(count);
  const facts = { trackingId: backslashes(200), state: backslashes(64), previousState: backslashes(64) };
  const record = transfersRecord(25, { ...alice, mailbox: backslashes(600) }, facts);
  const named = factsOf(record).length;
  expect(named).toBeGreaterThan(5);
  expect(named).toBeLessThan(20);
  expect(bodyOf(record).at(-1)?.text).toBe(`and ${25 - named} more`);
});

test.each([
  { state: 'ACTIVE', color: 'Accent' },
  { state: 'DELETED_BY_EXPIRATION', color: 'Warning' },
  { state: 'FAILED', color: 'Attention' },
])('$state is headed in the colour $color', ({ state, color }) => {
  expect(bodyOf(transfersRecord(1, alice, { state }))[0]).toMatchObject({ color });
});

test.each(hostileTexts)('a state, a former state or a mailbox cannot do harm: %j', (hostile) => {
  for (const record of [
    transfersRecord(1, alice, { state: hostile.slice(0, 64) }),
    transfersRecord(1, alice, { previousState: hostile.slice(0, 64) }),
    transfersRecord(1, { ...alice, mailbox: hostile }),
  ]) {
    for (const text of textsOf(record)) expectInert(text);
  }
});

test.each(['-', '1.', 'http://evil.example', '[a](http://evil.example)', '{{DATE(x)}}', '\\'])(
  'a tracking id cannot do harm: %s',
  (trackingId) => {
    for (const text of textsOf(transfersRecord(1, alice, { trackingId }))) expectInert(text);
  },
);

test('a long text is cut between characters', () => {
  for (let length = 500; length <= 600; length += 1) {
    const [, paragraph] = bodyOf(endpointRecord('x'.repeat(length) + '😀'.repeat(200)));
    expectInert(paragraph!.text!);
    expect(paragraph!.text!.endsWith('…')).toBe(true);
  }
});

test('a notice about an endpoint has its paragraphs and nothing else', () => {
  expect(textsOf(endpointRecord('it does not answer'))).toEqual([
    'Webhook crm is failing',
    'The webhook crm has failed since 2026-11-24 14:05 UTC: it does not answer.',
    'Its events are kept, and delivered as soon as it answers.',
  ]);
});
