import { describe, expect, it } from 'vitest';
import { eventTypes } from '#functions/events/catalogue.ts';
import { type Change, parseEventBody, type TransferEvent, transferEvent } from '#functions/events/transfer-event.ts';
import { followedWords } from '#functions/notices/followed-words.ts';
import { transferNotice } from '#functions/notices/notice.ts';
import { slackMessage } from '#functions/notices/slack.ts';
import { teamsMessage } from '#functions/notices/teams.ts';
import { type Problem, problems } from '#functions/transfers/follow.ts';
import type { Watch } from '#functions/transfers/transfer.ts';

const at = '2026-11-24T14:05:59.120Z';
const alice: Watch = { mailbox: 'alice@example.com', direction: 'sent' };
const bob: Watch = { mailbox: 'bob@example.com', direction: 'received' };

const eventOf = (news: Change['news'], details: Partial<Change> = {}, watch = alice): TransferEvent =>
  transferEvent(
    'https://cryptshare.example.com',
    watch,
    { trackingId: 't-1', state: 'ACTIVE', previousState: 'ACTIVE', sequence: 4, news, ...details },
    at,
  );

/** Words and detail of an event, as one line. */
const lineOf = (...told: Parameters<typeof eventOf>) => {
  const { words, before } = followedWords(eventOf(...told))!;
  return `${words} ${before}`.trim();
};
const download = { recipient: 2, recipients: 3, downloadedBy: 2, method: 'downloaded' } as const;
const downloadedAt = '2026-11-24T14:03:00.000Z';
const hours = (count: number) => new Date(Date.parse(at) + count * 3_600_000).toISOString();
const overdue = { recipients: 3, downloadedBy: 2, expiresAt: hours(41.9) };

describe('followedWords', () => {
  it.each<[words: string, details: Partial<Change>, watch?: Watch]>([
    ['2 of 3 recipients have downloaded (recipient 2 downloaded it, 2026-11-24 14:03 UTC)', { downloadedAt }],
    ['2 of 3 recipients have downloaded (recipient 2 viewed it)', { method: 'viewed' }],
    ['1 of 3 recipients has downloaded (recipient 2 downloaded it)', { downloadedBy: 1 }],
    ['the recipient has downloaded it (2026-11-24 14:03 UTC)', { recipients: 1, downloadedAt }],
    ['the recipient has viewed it', { recipients: 1, method: 'viewed' }],
    ['we have downloaded it', { recipients: 1 }, bob],
    ['we have viewed it (2026-11-24 14:03 UTC)', { recipients: 1, method: 'viewed', downloadedAt }, bob],
  ])('says "%s" of transfer.downloaded', (words, details, watch) => {
    expect(lineOf('transfer.downloaded', { ...download, ...details }, watch)).toBe(words);
  });

  it.each([
    ['both recipients have downloaded', 2],
    ['all 3 recipients have downloaded', 3],
    ['downloaded by all recipients', 1],
  ])('says "%s" of transfer.downloaded_by_all', (words, recipients) => {
    expect(lineOf('transfer.downloaded_by_all', { recipients, downloadedBy: recipients })).toBe(words);
  });

  it.each<[words: string, details: Partial<Change>, watch?: Watch]>([
    ['expires in 41 hours, 1 of 3 has nothing yet (2026-11-26 07:59 UTC)', {}],
    ['expires in 1 hour, 3 of 3 have nothing yet (2026-11-24 15:05 UTC)', { downloadedBy: 0, expiresAt: hours(1) }],
    ['expires within an hour, 1 of 3 has nothing yet (2026-11-24 14:35 UTC)', { expiresAt: hours(0.5) }],
    ['past its expiry date, 1 of 3 has nothing yet (2026-11-24 14:05 UTC)', { expiresAt: hours(-0.0001) }],
    ['past its expiry date, 1 of 3 has nothing yet (2026-11-17 14:05 UTC)', { expiresAt: hours(-168) }],
    ['expires in 72 hours, 1 of 3 has nothing yet (2026-11-27 14:05 UTC)', { expiresAt: hours(72) }],
    ['expires in 3 days, 1 of 3 has nothing yet (2026-11-27 15:05 UTC)', { expiresAt: hours(73) }],
    ['expires in 30 days, 1 of 3 has nothing yet (2026-12-25 13:05 UTC)', { expiresAt: hours(743) }],
    ['expires in 41 hours, the recipient has nothing yet (2026-11-26 07:59 UTC)', { recipients: 1, downloadedBy: 0 }],
    ['expires in 41 hours, we have not fetched it (2026-11-26 07:59 UTC)', { recipients: 1, downloadedBy: 0 }, bob],
  ])('says "%s" of transfer.overdue', (words, details, watch) => {
    expect(lineOf('transfer.overdue', { ...overdue, ...details }, watch)).toBe(words);
  });

  it.each<[words: string, problems: Problem[], watch?: Watch]>([
    ['a recipient was not notified', ['recipient_not_notified']],
    ['we were not notified', ['recipient_not_notified'], bob],
    ['the sender was not notified', ['sender_not_notified']],
    [
      'files were removed (virus check or file filter), the message was not created',
      ['files_removed', 'message_not_created'],
    ],
    ['a problem unknown to the notifier', ['other']],
  ])('says "%s" of transfer.problem', (words, found, watch) => {
    expect(lineOf('transfer.problem', { problems: found }, watch)).toBe(words);
  });

  it('says of every problem in words what it is', () => {
    const words = problems.map((problem) => lineOf('transfer.problem', { problems: [problem] }));
    expect(new Set(words).size).toBe(problems.length);
    expect(words.join()).not.toContain('_');
  });

  it('says "without problems again" of transfer.problem_resolved', () => {
    expect(lineOf('transfer.problem_resolved')).toBe('without problems again');
  });

  it('leaves all other events to their states', () => {
    const others = eventTypes.filter((type) => !/downloaded|overdue|problem/.test(type));
    for (const type of others) expect(followedWords(eventOf(type as Change['news']))).toBeUndefined();
  });

  it('has words for an event that another version has stored, and never a wrong time or number', () => {
    const found = ['constructor', '__proto__', 'quarantined', 'files_removed'] as Problem[];
    const { type, data, ...rest } = eventOf('transfer.problem', { problems: found });
    const stored = parseEventBody(JSON.stringify({ ...rest, type, data: { ...data, added: [1] } })) as TransferEvent;
    expect(followedWords(stored)?.words).toBe(
      'a problem unknown to the notifier, files were removed (virus check or file filter)',
    );
    expect(lineOf('transfer.problem')).toBe('in trouble');
    expect(lineOf('transfer.problem', { problems: [] })).toBe('in trouble');
    expect(lineOf('transfer.downloaded')).toBe('downloaded');
    expect(lineOf('transfer.downloaded_by_all')).toBe('downloaded by all recipients');
    expect(lineOf('transfer.overdue', {})).toBe('expires soon, the recipient has nothing yet');
    expect(lineOf('transfer.overdue', { ...overdue, expiresAt: 'soon' })).toMatch(/^expires soon, 1 of 3 /);
    expect(lineOf('transfer.overdue', { ...overdue, downloadedBy: 9 })).toMatch(/, 0 of 3 have nothing yet /);
  });
});

describe('transferNotice of what a watch follows', () => {
  const events = [
    eventOf('transfer.downloaded', { ...download, trackingId: 't-2', recipient: 3, downloadedBy: 1, sequence: 1 }),
    eventOf('transfer.downloaded', { ...download, trackingId: 't-2', downloadedBy: 2, sequence: 2 }),
    eventOf('transfer.problem', { trackingId: 't-3', problems: ['recipient_not_notified'] }),
    eventOf('transfer.overdue', overdue),
  ];
  const { subject, text, chat, record } = transferNotice(alice, events);

  it('says it in mails, the most urgent first', () => {
    expect(subject).toBe('1 not downloaded and about to expire, 1 in trouble, 1 downloaded (alice@example.com, sent)');
    expect(text).toBe(
      `3 transfers sent by alice@example.com changed since 2026-11-24 14:05 UTC: 1 not downloaded and about to expire, 1 in trouble, 1 downloaded.

  expires in 41 hours, 1 of 3 has nothing yet  t-1  (2026-11-26 07:59 UTC)
  a recipient was not notified                 t-3
  2 of 3 recipients have downloaded            t-2  (recipient 2 downloaded it)
`,
    );
  });

  it('says it in the chat of Amazon Q Developer, Slack and Teams', () => {
    expect(chat.content.description.split('\n')).toEqual([
      'Since 2026-11-24 14:05 UTC:',
      '• *expires in 41 hours, 1 of 3 has nothing yet* `t-1` (2026-11-26 07:59 UTC)',
      '• *a recipient was not notified* `t-3`',
      '• *2 of 3 recipients have downloaded* `t-2` (recipient 2 downloaded it)',
    ]);
    const [, section] = JSON.parse(slackMessage(record)).blocks;
    expect(section.text.text).toBe(chat.content.description);
    const [, , facts] = JSON.parse(teamsMessage(record)).attachments[0].content.body;
    expect(facts.facts).toEqual([
      { title: 'expires in 41 hours, 1 of 3 has nothing yet', value: 't-1 \\(2026-11-26 07:59 UTC\\)' },
      { title: 'a recipient was not notified', value: 't-3' },
      { title: '2 of 3 recipients have downloaded', value: 't-2 \\(recipient 2 downloaded it\\)' },
    ]);
  });

  it('counts transfers, and names each once for the same news however many recipients download', () => {
    const all = Array.from({ length: 500 }, (_, index) =>
      eventOf('transfer.downloaded', { ...download, recipients: 500, recipient: index + 1, downloadedBy: index + 1 }),
    );
    const notice = transferNotice(alice, [...all, eventOf('transfer.downloaded_by_all', { recipients: 500 })]).record;
    expect(notice.headline).toBe('1 transfer sent by alice@example.com: 1 downloaded, 1 downloaded by all recipients');
    expect(notice.items.map(({ words }) => words)).toEqual([
      '500 of 500 recipients have downloaded',
      'all 500 recipients have downloaded',
    ]);
    expect(notice).toMatchObject({ more: 0, severity: 'info' });
  });
});
