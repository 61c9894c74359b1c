import { describe, expect, it } from 'vitest';
import type { NoticeRecord } from '#functions/notices/notice-record.ts';
import { slackMessage } from '#functions/notices/slack.ts';
import {
  alice,
  endpointRecord,
  hostileRecordsOf,
  hostileTexts,
  ofAnyNotice,
  transfersRecord,
} from './hostile-notices.ts';

interface Block {
  readonly type: string;
  readonly text: {
    readonly type: string;
    readonly text: string;
    readonly emoji?: boolean;
    readonly verbatim?: boolean;
  };
}
const messageOf = (record: NoticeRecord): { text: string; blocks: Block[] } => JSON.parse(slackMessage(record));
const sectionsOf = (record: NoticeRecord) => messageOf(record).blocks.slice(1);
const linesOf = (record: NoticeRecord) => sectionsOf(record).flatMap(({ text }) => text.text.split('\n'));

/** A text without links and mentions, whose `&` all begin escapes. */
const inert = /^(?:[^<>&]|&(?:amp|lt|gt);)*$/u;
const unprintable = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_C}]/u;

describe('slackMessage', () => {
  it('keeps the limits of Block Kit for any notice, and is the same each time', () => {
    ofAnyNotice((record) => {
      expect(slackMessage(structuredClone(record))).toBe(slackMessage(record));
      const { text, blocks } = messageOf(record);
      const [header, ...sections] = blocks;
      expect(blocks.length).toBeLessThanOrEqual(50);
      expect(header).toMatchObject({ type: 'header', text: { type: 'plain_text', emoji: false } });
      expect(header!.text.text.length).toBeLessThanOrEqual(150);
      expect(sections.length).toBeGreaterThan(0);
      for (const { type, text: section } of sections) {
        expect([type, section.type, section.verbatim]).toEqual(['section', 'mrkdwn', true]);
        expect(section.text.length).toBeLessThanOrEqual(3000);
        expect(section.text).not.toBe('');
      }
      expect(text.length).toBeGreaterThan(0);
      expect(text.length).toBeLessThanOrEqual(1000);
    });
  });

  it('contains only its own marks, no mention, no link and nothing invisible for any notice', () => {
    ofAnyNotice((record) => {
      const { text, blocks } = messageOf(record);
      for (const shown of [text, ...blocks.map((block) => block.text.text.replaceAll('\n', ''))]) {
        expect(shown).not.toMatch(unprintable);
      }
      for (const shown of [text, ...linesOf(record)]) expect(shown).toMatch(inert);
      for (const line of linesOf(record).slice(1, 1 + record.items.length)) {
        expect(line).toMatch(/^• \*[^*~`\n]*\* `[^`\n]+`(?: \([^*~`\n]*\))?$/u);
        expect(line.replace(/`.*`/, '')).not.toMatch(/(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])|:[\w+'-]+:/);
      }
      expect(text).not.toMatch(/[*~`]/);
    });
  });

  it('names up to 20 transfers, and counts the others', () => {
    const last = (count: number) => linesOf(transfersRecord(count)).at(-1);
    expect(last(20)).toBe('• *active* `t-19` (was processing)');
    expect(linesOf(transfersRecord(500))).toHaveLength(22);
    expect(last(500)).toBe('and 480 more');
  });

  it('is a header and a section of Block Kit', () => {
    expect(messageOf(transfersRecord(1))).toEqual({
      text: '1 transfer sent by alice@example.com: 1 active',
      blocks: [
        {
          type: 'header',
          text: { type: 'plain_text', text: '🔵 1 transfer sent by alice@example.com: 1 active', emoji: false },
        },
        {
          type: 'section',
          text: {
            type: 'mrkdwn',
            text: 'Since 2026-11-24 14:05 UTC:\n• *active* `t-0` (was processing)',
            verbatim: true,
          },
        },
      ],
    });
  });

  it.each([
    { state: 'DELETED_BY_EXPIRATION', sign: '🟠' },
    { state: 'FAILED', sign: '🔴' },
  ])('begins with $sign for $state', ({ state, sign }) => {
    const [header] = messageOf(transfersRecord(1, alice, { state })).blocks;
    expect(header!.text.text.startsWith(`${sign} `)).toBe(true);
  });

  it.each(hostileTexts)('disarms the state, former state or mailbox %j', (hostile) => {
    for (const record of hostileRecordsOf(hostile)) {
      const line = linesOf(record)[1]!;
      expect(line).toMatch(inert);
      expect(line).toMatch(/^• \*[^*~`\n]*\* `t-0` \([^*~`\n]*\)$/u);
    }
  });

  it.each([
    ['20240522_*x*_~:a:~', '`20240522_*x*_~:a:~`'],
    ['a`*b*`<!here>', "`a'*b*'&lt;!here&gt;`"],
  ])('shows the tracking id %s as code', (trackingId, shown) => {
    expect(linesOf(transfersRecord(1, alice, { trackingId }))[1]).toContain(shown);
  });

  it('leaves an underscore in a mailbox as it is', () => {
    const record = transfersRecord(1, { ...alice, mailbox: 'john_doe@example.com' });
    expect(messageOf(record).text).toContain('john_doe@example.com');
  });

  it('cuts a long paragraph to a section, never within an escape or a character', () => {
    for (let length = 2900; length <= 3000; length += 1) {
      for (const tail of ['&', '<', '😀']) {
        const [, section] = messageOf(endpointRecord('x'.repeat(length) + tail.repeat(200))).blocks;
        expect(section!.text.text.length).toBeLessThanOrEqual(3000);
        expect(section!.text.text).toMatch(inert);
        expect(section!.text.text.replaceAll('\n', '')).not.toMatch(unprintable);
      }
    }
  });

  it('has only paragraphs for a notice about an endpoint', () => {
    expect(linesOf(endpointRecord('it does not answer within 15 s'))).toEqual([
      'The webhook crm has failed since 2026-11-24 14:05 UTC: it does not answer within 15 s.',
      'Its events are kept, and delivered as soon as it answers.',
    ]);
  });
});
