import { describe, expect, it } from 'vitest';
import type { Message } from '#functions/notices/message.ts';
import { slackMessage } from '#functions/notices/slack.ts';
import {
  alice,
  endpointMessage,
  hostileMessagesOf,
  hostileTexts,
  ofAnyMessage,
  transfersMessage,
} from './hostile-notices.ts';

interface Text {
  readonly type: string;
  readonly text: string;
  readonly emoji?: boolean;
  readonly verbatim?: boolean;
}
interface Block {
  readonly type: string;
  readonly text?: Text;
  readonly elements?: readonly Text[];
}
const messageOf = (message: Message): { text: string; blocks: Block[] } => JSON.parse(slackMessage(message));
const textsIn = ({ text, elements = [] }: Block): readonly Text[] => (text ? [text] : elements);
/** Texts in Slack's markup: all but the header. */
const markupOf = (message: Message) => messageOf(message).blocks.slice(1).flatMap(textsIn);
const linesOf = (message: Message) => markupOf(message).flatMap(({ text }) => text.split('\n'));
const namedOf = (message: Message) => linesOf(message).filter((line) => line.startsWith('• '));

/** A text without links and mentions, whose `&` all begin escapes. */
const inert = /^(?:[^<>&]|&(?:amp|lt|gt);)*$/u;
const unprintable = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_C}]/u;

function expectInert(message: Message): void {
  const { text, blocks } = messageOf(message);
  for (const shown of [text, ...blocks.flatMap(textsIn).map((one) => one.text.replaceAll('\n', ''))])
    expect(shown).not.toMatch(unprintable);
  for (const shown of [text, ...linesOf(message)]) expect(shown).toMatch(inert);
  for (const line of linesOf(message)) {
    // Its own marks are a bold title or words, and code.
    const foreign = line
      .replace(/^• /, '')
      .replace(/^\*([^*]*)\*/, '$1')
      .replace(/ `[^`]+`(?= |$)/, '');
    expect(foreign).not.toMatch(/[*~`]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])|:[\w+'-]+:/);
  }
  expect(text).not.toMatch(/[*~`]/);
}

describe('slackMessage', () => {
  it('keeps the limits of Block Kit for any message, and is the same each time', () => {
    ofAnyMessage((message) => {
      expect(slackMessage(structuredClone(message))).toBe(slackMessage(message));
      const { text, blocks } = messageOf(message);
      const [header, ...others] = blocks;
      expect(blocks.length).toBeLessThanOrEqual(50);
      expect(header).toMatchObject({ type: 'header', text: { type: 'plain_text', emoji: false } });
      expect(header!.text!.text.length).toBeLessThanOrEqual(150);
      expect(others.map(({ type }) => type)).toEqual([...others.slice(1).map(() => 'section'), 'context']);
      for (const section of others.flatMap(textsIn)) {
        expect([section.type, section.verbatim]).toEqual(['mrkdwn', true]);
        expect(section.text.length).toBeLessThanOrEqual(3000);
        expect(section.text).not.toBe('');
      }
      expect(text.length).toBeGreaterThan(0);
      expect(text.length).toBeLessThanOrEqual(1000);
    });
  });

  it('contains only its own marks, no mention, no link and nothing invisible for any message', () => {
    ofAnyMessage(expectInert);
  });

  it.each(hostileTexts)('disarms %j wherever an event can have it', (hostile) => {
    for (const message of hostileMessagesOf(hostile)) expectInert(message);
  });

  it('names up to 20 transfers, and counts the others', () => {
    expect(namedOf(transfersMessage(20))).toHaveLength(20);
    expect(namedOf(transfersMessage(20)).at(-1)).toBe('• *active* `t-19` (was processing)');
    const lines = linesOf(transfersMessage(500));
    expect(lines.filter((line) => line.includes('`'))).toHaveLength(20);
    expect(lines).toContain('and 480 more:');
  });

  it.each([
    { state: 'DELETED_BY_EXPIRATION', sign: '🟠' },
    { state: 'FAILED', sign: '🔴' },
  ])('begins with $sign for $state', ({ state, sign }) => {
    const [header] = messageOf(transfersMessage(1, alice, { state })).blocks;
    expect(header!.text!.text.startsWith(`${sign} `)).toBe(true);
  });

  it.each([
    ['20240522_*x*_~:a:~', '`20240522_*x*_~:a:~`'],
    ['a`*b*`<!here>', "`a'*b*'&lt;!here&gt;`"],
  ])('shows the tracking id %s as code', (trackingId, shown) => {
    expect(namedOf(transfersMessage(1, alice, { trackingId }))[0]).toContain(shown);
  });

  it('leaves an underscore in a mailbox as it is', () => {
    const message = transfersMessage(1, { ...alice, mailbox: 'john_doe@example.com' });
    expect(messageOf(message).text).toContain('john_doe@example.com');
  });

  it('cuts a long paragraph to a section, never within an escape or a character', () => {
    for (let length = 880; length <= 1000; length += 1) {
      for (const tail of ['&', '<', '😀']) expectInert(endpointMessage('x'.repeat(length) + tail.repeat(2000)));
    }
  });
});
