import { describe, expect, it } from 'vitest';
import type { Config } from '#infra/config/config.ts';
import { scheduleNotes, scheduleProblems } from '#infra/config/deployment-check-schedule.ts';

interface Given {
  readonly watches: number;
  readonly every?: string;
  readonly quietEvery?: string;
  readonly shards?: number;
  readonly maxConcurrentPages?: number;
  /** Intervals of single watches, beside the others. */
  readonly own?: readonly string[];
}

const configOf = ({ watches, every = '1m', quietEvery, shards = 1, maxConcurrentPages, own = [] }: Given): Config => ({
  stack: 'TransferNotifier',
  server: { url: 'https://cryptshare.example.com', ...(maxConcurrentPages && { maxConcurrentPages }) },
  schedule: { every, ...(quietEvery && { quietEvery }), fullListingEvery: 1, shards },
  watches: [
    ...Array.from({ length: watches }, (_, index) => ({
      mailbox: `person-${index}@example.com`,
      direction: 'sent' as const,
    })),
    ...own.map((each, index) => ({ mailbox: `own-${index}@example.com`, direction: 'sent' as const, every: each })),
  ],
  notify: { readers: [] },
  webhooks: [],
  retention: { events: 30, transfers: 30 },
});

describe('scheduleProblems', () => {
  it.each<[string, Given]>([
    ['no watch yet', { watches: 0, maxConcurrentPages: 1 }],
    ['one watch with one request at a time', { watches: 1, maxConcurrentPages: 1 }],
    ['as many polls as four requests of 100 ms can do', { watches: 2400, maxConcurrentPages: 4 }],
    ['as many polls as a shard can do', { watches: 4300 }],
    ['twice as many in two shards', { watches: 8600, shards: 2, maxConcurrentPages: 16 }],
    ['many watches that are polled seldom', { watches: 10_000, every: '5m' }],
    [
      'many watches that are polled seldom, and one that is polled often',
      { watches: 10_000, every: '1h', own: ['1m'] },
    ],
    ['many watches that are polled seldom while they are quiet', { watches: 10_000, quietEvery: '5m' }],
  ])('accepts %s', (_, given) => {
    expect(scheduleProblems(configOf(given))).toEqual([]);
  });

  it.each<[string, Given, ...string[]]>([
    [
      'one poll a minute too many for the concurrent requests',
      { watches: 2401, maxConcurrentPages: 4 },
      'server.maxConcurrentPages: 4 allows 4 requests in flight, and 5 are needed: 2,401 watches are 40 polls a second, each with a request of 100 ms at the least; set it to 5, if the server bears that, or poll every 2m',
    ],
    [
      'watches with intervals of their own that are too short',
      { watches: 1, own: Array.from({ length: 3000 }, () => '1m'), every: '24h', maxConcurrentPages: 4 },
      'server.maxConcurrentPages: 4 allows 4 requests in flight, and 6 are needed: 3,001 watches are 50 polls a second, each with a request of 100 ms at the least; set it to 6, if the server bears that, or poll every 2m',
    ],
    [
      'too many polls for shards, which have equal whole numbers of requests',
      { watches: 10_000, shards: 3, maxConcurrentPages: 11 },
      'server.maxConcurrentPages: 11 allows 9 requests in flight (3 in each of 3 shards), and 17 are needed: 10,000 watches are 167 polls a second, each with a request of 100 ms at the least; set it to 18, if the server bears that, or poll every 2m',
    ],
    [
      'more polls than the greatest possible number of requests allows',
      { watches: 430_000, shards: 100, maxConcurrentPages: 600 },
      'server.maxConcurrentPages: 600 allows 600 requests in flight (6 in each of 100 shards), and 717 are needed: 430,000 watches are 7,170 polls a second, each with a request of 100 ms at the least; set it to 800, if the server bears that, or poll every 2m',
    ],
    [
      'more polls than a shard with eight at a time can do',
      { watches: 10_000 },
      'schedule.shards: 1 can do 72 polls a second, and 10,000 watches are 167 polls a second: a shard polls 8 watches at a time, for 110 ms each at the least; set it to 3, or poll every 3m',
    ],
    [
      'too many polls for requests and shards',
      { watches: 10_000, maxConcurrentPages: 4 },
      'server.maxConcurrentPages: 4 allows 4 requests in flight, and 17 are needed: 10,000 watches are 167 polls a second, each with a request of 100 ms at the least; set it to 18, if the server bears that, or poll every 5m',
      'schedule.shards: 1 can do 72 polls a second, and 10,000 watches are 167 polls a second: a shard polls 8 watches at a time, for 110 ms each at the least; set it to 3, or poll every 3m',
    ],
  ])('refuses %s, with figures and a remedy', (_, given, ...problems) => {
    expect(scheduleProblems(configOf(given))).toEqual(problems);
  });

  it('recommends to poll less often if no number of requests and shards is enough', () => {
    const [problem] = scheduleProblems(configOf({ watches: 700_000, shards: 100, maxConcurrentPages: 1000 }));
    expect(problem).toMatch(/\(10 in each of 100 shards\), and 1,167 are needed.*at the least; poll every 2m$/);
  });

  it('recommends settings that it accepts', () => {
    for (const watches of [2401, 10_000, 50_000]) {
      for (const shards of [1, 7, 16]) {
        const given = { watches, shards, maxConcurrentPages: 16 };
        const told = scheduleProblems(configOf(given)).join();
        const setTo = (setting: string) => new RegExp(`${setting}: [^;]*; set it to (\\d+)`).exec(told)?.[1];
        const maxConcurrentPages = Number(setTo('server.maxConcurrentPages') ?? given.maxConcurrentPages);
        const raised = Number(setTo('schedule.shards') ?? shards);
        expect(scheduleProblems(configOf({ watches, shards: raised, maxConcurrentPages }))).toEqual([]);
      }
    }
  });
});

describe('scheduleNotes', () => {
  const noteOf = (requests: number, transfers: number) =>
    `10,000 watches with ${requests} requests in flight: the interval is kept while mailboxes have some ${transfers} transfers on average, at 100 ms for a page and with all of them listed. Where they have more, raise server.maxConcurrentPages, raise schedule.fullListingEvery, or poll less often (docs/costs.md#the-largest-size)`;

  it.each<[string, Given, string | undefined]>([
    ['nothing of a few watches', { watches: 50 }, undefined],
    [
      'that a file without watches disables those of an earlier one',
      { watches: 0 },
      'the configuration has no watches: the deployment disables those that an earlier file had, and keeps those that commands added. Add one: npm run notifier -- watch add MAILBOX',
    ],
    [
      'the same average size where quiet watches are polled seldom, as all of them may change',
      { watches: 10_000, shards: 6, quietEvery: '1h' },
      noteOf(96, 476),
    ],
    ['the average size of 10,000 mailboxes polled each minute', { watches: 10_000, shards: 6 }, noteOf(96, 476)],
    ['the size for the most requests of a process', { watches: 10_000, maxConcurrentPages: 1000 }, noteOf(100, 500)],
    [
      'a smaller average size for fewer concurrent requests',
      { watches: 10_000, every: '10m', maxConcurrentPages: 4 },
      noteOf(4, 140),
    ],
  ])('tells %s', (_, given, note) => {
    expect(scheduleNotes(configOf(given))).toEqual(note === undefined ? [] : [note]);
  });
});
