import { describe, expect, it, test } from 'vitest';
import type { NoticeRecord } from '#functions/notices/notice-record.ts';
import { slackMessage } from '#functions/notices/slack.ts';
import { alice, endpointRecord, hostileTexts, ofAnyNotice, transfersRecord } from './hostile-notices.ts';

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

/** Neither a link nor a mention, and no `&` that begins no escape. */
const inert = /^(?:[^<>&]|&(?:amp|lt|gt);)*$/u;
const unprintable = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_C}]/u;

describe('a message of any notice', () => {
  it('keeps the limits of Block Kit', () => {
    ofAnyNotice((record) => {
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

  it('mentions nobody and links nowhere', () => {
    ofAnyNotice((record) => {
      expect(messageOf(record).text).toMatch(inert);
      for (const line of linesOf(record)) expect(line).toMatch(inert);
    });
  });

  it('has no marks but its own, in lines of one kind', () => {
    ofAnyNotice((record) => {
      const items = linesOf(record).slice(1, 1 + record.items.length);
      for (const line of items) {
        expect(line).toMatch(/^• \*[^*~`\n]*\* `[^`\n]+` \([^*~`\n]*\)$/u);
        expect(line.replace(/`.*`/, '')).not.toMatch(/(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])|:[\w+'-]+:/);
      }
      expect(messageOf(record).text).not.toMatch(/[*~`]/);
    });
  });

  it('is cut between characters and holds none that cannot be shown', () => {
    ofAnyNotice((record) => {
      const { text, blocks } = messageOf(record);
      for (const shown of [text, ...blocks.map((block) => block.text.text.replaceAll('\n', ''))]) {
        expect(shown).not.toMatch(unprintable);
      }
    });
  });

  it('is the same each time', () => {
    ofAnyNotice((record) => {
      expect(slackMessage(structuredClone(record))).toBe(slackMessage(record));
    });
  });
});

test.each([1, 20])('names all of %i transfers', (count) => {
  const lines = linesOf(transfersRecord(count));
  expect(lines).toHaveLength(1 + count);
  expect(lines.at(-1)).toBe(`• *active* \`t-${count - 1}\` (was processing)`);
});

test('names 20 of 500 transfers and counts the others', () => {
  const lines = linesOf(transfersRecord(500));
  expect(lines).toHaveLength(22);
  expect(lines.at(-1)).toBe('and 480 more');
});

test('tells everything that there is to tell', () => {
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

test.each([
  { state: 'ACTIVE', sign: '🔵' },
  { state: 'DELETED_BY_EXPIRATION', sign: '🟠' },
  { state: 'FAILED', sign: '🔴' },
])('$state begins with $sign', ({ state, sign }) => {
  const [header] = messageOf(transfersRecord(1, alice, { state })).blocks;
  expect(header!.text.text.startsWith(`${sign} `)).toBe(true);
});

describe('what others have chosen', () => {
  test.each(hostileTexts)('cannot do harm as a state, a former state or a mailbox: %j', (hostile) => {
    for (const record of [
      transfersRecord(1, alice, { state: hostile.slice(0, 64) }),
      transfersRecord(1, alice, { previousState: hostile.slice(0, 64) }),
      transfersRecord(1, { ...alice, mailbox: hostile }),
    ]) {
      const line = linesOf(record)[1]!;
      expect(line).toMatch(inert);
      expect(line).toMatch(/^• \*[^*~`\n]*\* `t-0` \([^*~`\n]*\)$/u);
    }
  });

  it('stays to be copied in a tracking id', () => {
    const [, line] = linesOf(transfersRecord(1, alice, { trackingId: '20240522_*x*_~:a:~' }));
    expect(line).toContain('`20240522_*x*_~:a:~`');
  });

  it('cannot end the code of a tracking id', () => {
    const [, line] = linesOf(transfersRecord(1, alice, { trackingId: 'a`*b*`<!here>' }));
    expect(line).toContain("`a'*b*'&lt;!here&gt;`");
  });

  it('leaves addresses with an underscore as they are', () => {
    const record = transfersRecord(1, { ...alice, mailbox: 'john_doe@example.com' });
    expect(messageOf(record).text).toContain('john_doe@example.com');
  });
});

test('a long paragraph is cut to a section, never within an escape or a character', () => {
  for (let length = 2900; length <= 3000; length += 1) {
    for (const tail of ['&', '<', '😀']) {
      const [, section] = messageOf(endpointRecord('x'.repeat(length) + tail.repeat(200))).blocks;
      expect(section!.text.text.length).toBeLessThanOrEqual(3000);
      expect(section!.text.text).toMatch(inert);
      expect(section!.text.text.replaceAll('\n', '')).not.toMatch(unprintable);
    }
  }
});

test('a notice about an endpoint has its paragraphs and nothing else', () => {
  const lines = linesOf(endpointRecord('it does not answer within 15 s'));
  expect(lines).toEqual([
    'The webhook crm has failed since 2026-11-24 14:05 UTC: it does not answer within 15 s.',
    'Its events are kept, and delivered as soon as it answers.',
  ]);
});
