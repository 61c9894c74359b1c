import { describe, expect, test } from 'vitest';
import type { Config } from '../../infra/config.ts';
import { paceNote, scheduleProblems } from '../../infra/deployable-schedule.ts';

interface Given {
  readonly watches: number;
  readonly every?: string;
  readonly shards?: number;
  readonly maxConcurrentPages?: number;
  /** Intervals of single watches, beside the others. */
  readonly own?: readonly string[];
}

const configOf = ({ watches, every = '1m', shards = 1, maxConcurrentPages = 4, own = [] }: Given): Config => ({
  stack: 'TransferNotifier',
  server: { url: 'https://cryptshare.example.com', maxConcurrentPages },
  schedule: { every, fullListingEvery: 1, shards },
  watches: [
    ...Array.from({ length: watches }, (_, at) => ({
      mailbox: `person-${at}@example.com`,
      direction: 'sent' as const,
    })),
    ...own.map((each, at) => ({ mailbox: `own-${at}@example.com`, direction: 'sent' as const, every: each })),
  ],
  notify: { email: [] },
  webhooks: [],
});

describe('an interval that can be kept if mailboxes are small enough is deployed:', () => {
  test.each<[string, Given]>([
    ['one watch with one request at a time', { watches: 1, maxConcurrentPages: 1 }],
    ['as many polls as four requests of 100 ms can do', { watches: 2400 }],
    ['as many polls as a shard can do', { watches: 4300, maxConcurrentPages: 8 }],
    ['twice as many in two shards', { watches: 8600, shards: 2, maxConcurrentPages: 16 }],
    ['many watches that are polled seldom', { watches: 10_000, every: '5m' }],
    [
      'many watches that are polled seldom, and one that is polled often',
      { watches: 10_000, every: '1h', own: ['1m'] },
    ],
  ])('%s', (_, given) => {
    expect(scheduleProblems(configOf(given))).toEqual([]);
  });
});

describe('an interval that cannot be kept, though every mailbox be empty, is refused with figures and what to do:', () => {
  test.each<[string, Given, string]>([
    [
      'more polls than requests that may be under way',
      { watches: 10_000 },
      'schedule.every: expected an interval that can be kept: 10,000 watches are 167 polls a second, each with a request of some 100 ms at least, so 17 requests under way at the same time, got 4: set server.maxConcurrentPages to 17, if the server bears it, or poll 4.25 times less often',
    ],
    [
      'one poll a minute too many',
      { watches: 2401 },
      'schedule.every: expected an interval that can be kept: 2,401 watches are 40 polls a second, each with a request of some 100 ms at least, so 5 requests under way at the same time, got 4: set server.maxConcurrentPages to 5, if the server bears it, or poll 1.25 times less often',
    ],
    [
      'watches whose own intervals are too short',
      { watches: 1, own: Array.from({ length: 3000 }, () => '1m'), every: '24h' },
      'schedule.every: expected an interval that can be kept: 3,001 watches are 50 polls a second, each with a request of some 100 ms at least, so 6 requests under way at the same time, got 4: set server.maxConcurrentPages to 6, if the server bears it, or poll 1.5 times less often',
    ],
    [
      'the same in shards, each of which has the same whole number of requests',
      { watches: 10_000, shards: 3, maxConcurrentPages: 11 },
      'schedule.every: expected an interval that can be kept: 10,000 watches are 167 polls a second, each with a request of some 100 ms at least, so 17 requests under way at the same time, got 9 (3 for each of the 3 shards): set server.maxConcurrentPages to 18, if the server bears it, or poll 1.89 times less often',
    ],
    [
      'more than the most requests that may ever be under way',
      { watches: 320_000, shards: 100, maxConcurrentPages: 500 },
      'schedule.every: expected an interval that can be kept: 320,000 watches are 5,330 polls a second, each with a request of some 100 ms at least, so 534 requests under way at the same time, got 500 (5 for each of the 100 shards): poll 1.07 times less often',
    ],
    [
      'more polls than a shard can do, which has eight under way',
      { watches: 10_000, maxConcurrentPages: 32 },
      'schedule.shards: expected at least 3: 10,000 watches are 167 polls a second, of which a shard does 72 at most, 8 at the same time, got 1',
    ],
  ])('%s', (_, given, problem) => {
    expect(scheduleProblems(configOf(given))).toEqual([problem]);
  });
});

test('what is told to do makes the interval one that can be kept', () => {
  for (const watches of [2401, 10_000, 50_000]) {
    for (const shards of [1, 7, 16]) {
      const [problem = ''] = scheduleProblems(configOf({ watches, shards, maxConcurrentPages: 16 }));
      const told = /maxConcurrentPages to (\d+)/.exec(problem);
      if (!told) continue;
      const raised = { watches, shards, maxConcurrentPages: Number(told[1]) };
      const [next = ''] = scheduleProblems(configOf(raised));
      const needed = /at least (\d+)/.exec(next);
      if (!needed) expect(next).toBe('');
    }
  }
});

describe('how large mailboxes may be is told where that can be too small:', () => {
  test.each<[string, Given, string | undefined]>([
    ['nothing for a single watch', { watches: 1 }, undefined],
    [
      'some hundred transfers for each of 10,000 watches a minute',
      { watches: 10_000, shards: 6, maxConcurrentPages: 100 },
      '10,000 watches with 96 requests under way at the same time: the interval is kept while mailboxes have some 476 transfers on average, at 100 ms for a page and with all of them listed. Where they have more, raise server.maxConcurrentPages, raise schedule.fullListingEvery, or poll less often (docs/costs.md#the-largest-size)',
    ],
    [
      'fewer where fewer requests may be under way',
      { watches: 10_000, every: '10m' },
      '10,000 watches with 4 requests under way at the same time: the interval is kept while mailboxes have some 140 transfers on average, at 100 ms for a page and with all of them listed. Where they have more, raise server.maxConcurrentPages, raise schedule.fullListingEvery, or poll less often (docs/costs.md#the-largest-size)',
    ],
  ])('%s', (_, given, note) => {
    expect(paceNote(configOf(given))).toEqual(note === undefined ? [] : [note]);
  });
});
