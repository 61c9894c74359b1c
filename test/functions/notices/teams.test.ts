import { describe, expect, it } from 'vitest';
import type { Message } from '#functions/notices/message.ts';
import { teamsMessage } from '#functions/notices/teams.ts';
import {
  alice,
  endpointMessage,
  hostileMessagesOf,
  hostileTexts,
  ofAnyMessage,
  transfersMessage,
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
const bodyOf = (message: Message): CardElement[] => JSON.parse(teamsMessage(message)).attachments[0].content.body;
const factsOf = (message: Message): readonly Fact[] => bodyOf(message).flatMap(({ facts = [] }) => facts);
const blocksOf = (message: Message) => bodyOf(message).flatMap(({ text }) => text ?? []);
const textsOf = (message: Message): string[] => [
  ...blocksOf(message),
  ...factsOf(message).flatMap(({ title, value }) => [title, value]),
];

/** Expects a backslash before every mark, no list and no whole link. */
function expectInert(text: string): void {
  expect(text.replaceAll(/\\[!-/:-@[-`{-~]/g, '')).not.toMatch(/[\\`*_{}[\]()<>#+!|~&]/);
  expect(text).not.toMatch(/^\s*(?:[-+*]|\d+[.)])(?:\s|$)/);
  expect(text).not.toMatch(/:\/\/|www\.[^\s…]/i);
  expect(text).not.toMatch(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_C}]/u);
}

/** The number in the line that counts what a card leaves out. */
const leftOutIn = (message: Message): number =>
  Number(/^(?:and|und) (\d+) (?:more|weitere)$/m.exec(blocksOf(message).join('\n'))?.[1] ?? 0);

describe('teamsMessage', () => {
  it('has or counts every line of any message within 28 KB, and is the same each time', () => {
    ofAnyMessage((message) => {
      // Teams counts the message once more as the text of a JSON document.
      const counted = JSON.stringify(teamsMessage(message));
      expect(Buffer.byteLength(counted)).toBeLessThanOrEqual(28_000);
      const lines = message.sections.reduce((sum, section) => sum + section.lines.length, 0);
      expect(factsOf(message).length + leftOutIn(message)).toBe(lines);
      expect(teamsMessage(structuredClone(message))).toBe(teamsMessage(message));
    });
  });

  it('contains no mention, no link and no mark for any message', () => {
    ofAnyMessage((message) => {
      expect(Object.keys(JSON.parse(teamsMessage(message)).attachments[0].content)).not.toContain('msteams');
      for (const text of textsOf(message)) expectInert(text);
      for (const { title, value } of factsOf(message)) expect([title, value]).not.toContain('');
    });
  });

  it.each(hostileTexts)('disarms %j wherever an event can have it', (hostile) => {
    for (const message of hostileMessagesOf(hostile)) for (const text of textsOf(message)) expectInert(text);
  });

  it('names up to 20 transfers, and counts the others', () => {
    const idsOf = (message: Message) => factsOf(message).filter(({ value }) => /^t-\d/.test(value));
    expect(idsOf(transfersMessage(20))).toHaveLength(20);
    expect(textsOf(transfersMessage(20)).join()).not.toContain('more');
    expect(idsOf(transfersMessage(500))).toHaveLength(20);
    expect(blocksOf(transfersMessage(500))).toContain('and 480 more:');
  });

  it('names fewer transfers when their names are too long', () => {
    const backslashes = (count: number) => '\\'.repeat(count);
    const facts = { trackingId: backslashes(200), state: backslashes(64), previousState: backslashes(64) };
    const message = transfersMessage(20, { ...alice, mailbox: backslashes(600) }, facts);
    const named = factsOf(message).length;
    expect(named).toBeGreaterThan(4);
    expect(named).toBeLessThan(20);
    expect(leftOutIn(message)).toBe(20 - named);
  });

  it.each([
    { state: 'DELETED_BY_EXPIRATION', color: 'Warning' },
    { state: 'FAILED', color: 'Attention' },
  ])('has a title in the colour $color for $state', ({ state, color }) => {
    expect(bodyOf(transfersMessage(1, alice, { state }))[0]).toMatchObject({ color });
  });

  it.each(['-', '1.', 'http://evil.example', '[a](http://evil.example)', '{{DATE(x)}}', '\\'])(
    'disarms the tracking id %s',
    (trackingId) => {
      for (const text of textsOf(transfersMessage(1, alice, { trackingId }))) expectInert(text);
    },
  );

  it('cuts a long text between characters', () => {
    for (let length = 500; length <= 600; length += 1) {
      const [, paragraph] = bodyOf(endpointMessage('x'.repeat(length) + '😀'.repeat(200)));
      expectInert(paragraph!.text!);
      expect(paragraph!.text!.endsWith('…')).toBe(true);
    }
  });
});
