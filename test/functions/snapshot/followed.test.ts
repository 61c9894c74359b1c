import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareFacts, type FollowedFacts, noFacts } from '#functions/snapshot/followed.ts';
import { type Facts, type Fetch, factsHash, followable, type Problem, problems } from '#functions/transfers/follow.ts';
import type { Direction } from '#functions/transfers/transfer.ts';

const at = '2026-11-24T08:59:04+02:00';
const minute = '2026-11-24T06:59:00.000Z';
const fetch: Fetch = { method: 'downloaded', at };

/** Facts of recipients, by id, with their fetches. */
function facts(fetches: Record<string, Fetch | undefined>, others: Partial<Facts> = {}): Facts {
  const all = Object.values(fetches);
  const downloads = { recipients: all.length, downloadedBy: all.filter(Boolean).length };
  return { fetches: new Map(Object.entries(fetches)), downloads, ...others };
}

const overdueBy = (expiresAt: string | undefined): Partial<Facts> => ({
  overdue: { recipients: 2, downloadedBy: 1, isOverdue: expiresAt !== undefined, expiresAt },
});

const watchOf = (direction: Direction = 'sent') => ({ mailbox: 'alice@example.com', direction, follow: followable });

const compare = (before: FollowedFacts, now: Facts, direction?: Direction) =>
  compareFacts(before, now, watchOf(direction), (id) => `key of ${id}`);

/** Row after the facts, one after the other, and the events about them. */
function follow(steps: readonly Facts[], from: FollowedFacts = noFacts(watchOf()), direction?: Direction) {
  let row = from;
  const news = steps.map((step) => {
    const { after, news: told } = compare(row, step, direction);
    row = after;
    return told;
  });
  return { row, news };
}

describe('compareFacts', () => {
  it('tells the first fetch of each recipient, by its number, to the minute', () => {
    const { news } = follow([
      facts({ A: undefined, B: undefined, C: undefined }),
      facts({ A: undefined, B: fetch, C: undefined }),
      facts({ A: { method: 'viewed', at: undefined }, B: fetch, C: undefined }),
    ]);
    expect(news).toEqual([
      [],
      [
        {
          ...{ news: 'transfer.downloaded', recipient: 2, recipients: 3, downloadedBy: 1 },
          ...{ method: 'downloaded', downloadedAt: minute },
        },
      ],
      [{ news: 'transfer.downloaded', recipient: 1, recipients: 3, downloadedBy: 2, method: 'viewed' }],
    ]);
  });

  it('tells once that all recipients have fetched something', () => {
    const { news } = follow([
      facts({ A: fetch, B: fetch }),
      facts({ A: fetch, B: fetch, C: undefined }),
      facts({ A: fetch, B: fetch, C: fetch }),
    ]);
    expect(news.map((told) => told.map((one) => one.news))).toEqual([
      ['transfer.downloaded', 'transfer.downloaded', 'transfer.downloaded_by_all'],
      [],
      ['transfer.downloaded'],
    ]);
    expect(news[0]![2]).toEqual({ news: 'transfer.downloaded_by_all', recipients: 2, downloadedBy: 2 });
  });

  it('tells a received watch of its own fetch alone', () => {
    const { news } = follow([facts({ A: fetch })], noFacts(watchOf('received')), 'received');
    expect(news.flat().map((one) => one.news)).toEqual(['transfer.downloaded']);
  });

  it('stores without news what the row has nothing of', () => {
    const known = facts({ A: fetch, B: fetch }, { problems: ['other'], ...overdueBy('2026-11-25T00:00:00.000Z') });
    const { row, news } = follow([known, known], {});
    expect(news.flat()).toEqual([]);
    expect(row.downloads).toMatchObject({ recipients: 2, downloadedBy: 2, fetched: [1, 2], isByAll: true });
    expect(row.problems).toEqual(['other']);
  });

  it('forgets what the watch does not follow any more', () => {
    const { row } = follow([facts({ A: fetch }), { fetches: new Map() }]);
    expect(row).toEqual({});
  });

  it('takes a new id for that of a recipient that vanished at the same time, first of one who has fetched as well', () => {
    const { row, news } = follow([
      facts({ A: undefined, B: fetch }),
      facts({ A: undefined, proxy: fetch }),
      facts({ other: undefined, proxy: fetch }),
    ]);
    expect(news.map(({ length }) => length)).toEqual([1, 0, 0]);
    expect(row.downloads?.numbers).toMatchObject({ 'key of proxy': 2, 'key of other': 1 });
  });

  it('tells new ids apart when several vanish and appear at once', () => {
    const { row, news } = follow([
      facts({ A: undefined, B: fetch }),
      facts({ x: fetch, y: undefined }),
      facts({ x: fetch, z: undefined, w: undefined }),
      facts({ x: fetch, z: fetch, w: fetch }),
    ]);
    expect(news.map((told) => told.map(({ recipient }) => recipient))).toEqual([[2], [], [], [1, 3, undefined]]);
    expect(row.downloads?.numbers).toMatchObject({ 'key of x': 2, 'key of z': 1, 'key of w': 3 });
  });

  it('tells nothing twice when an id returns beside the one that replaced it', () => {
    const { news } = follow([facts({ A: undefined }), facts({ B: undefined }), facts({ A: fetch, B: fetch })]);
    const downloads = news.flat().filter((one) => one.news === 'transfer.downloaded');
    expect(downloads.map(({ recipient }) => recipient)).toEqual([1]);
  });

  it('keeps the number of a recipient that vanished, and tells nothing twice when it returns', () => {
    const { row, news } = follow([
      facts({ A: fetch, B: undefined }),
      facts({ B: undefined }),
      facts({ A: fetch, B: fetch }),
    ]);
    expect(news.map((told) => told.map(({ recipient }) => recipient))).toEqual([[1], [], [2, undefined]]);
    expect(row.downloads?.numbers).toEqual({ 'key of A': 1, 'key of B': 2 });
  });

  it('takes an id that appears after another has vanished for another recipient', () => {
    const { row, news } = follow([
      facts({ A: fetch, B: undefined }),
      facts({ B: undefined }),
      facts({ B: undefined, C: undefined }),
      facts({ B: undefined, C: fetch }),
    ]);
    expect(news.at(-1)).toEqual([expect.objectContaining({ news: 'transfer.downloaded', recipient: 3 })]);
    expect(row.downloads?.numbers).toEqual({ 'key of A': 1, 'key of B': 2, 'key of C': 3 });
  });

  it('keeps its row small while ids keep changing', () => {
    const steps = Array.from({ length: 2100 }, (_, step) => facts({ [`id-${step}`]: fetch }));
    const { row, news } = follow(steps);
    expect(news.flat().map((one) => one.news)).toEqual(['transfer.downloaded', 'transfer.downloaded_by_all']);
    expect(Object.keys(row.downloads!.numbers).length).toBeLessThanOrEqual(2000);
  });

  it('tells a problem when another one appears, and once that all are gone', () => {
    const step = (...found: Problem[]) => facts({ A: undefined }, { problems: found });
    const { news } = follow([
      step('files_removed'),
      step('files_removed'),
      step('recipient_not_notified', 'files_removed'),
      step('files_removed'),
      step(),
      step(),
    ]);
    expect(news).toEqual([
      [{ news: 'transfer.problem', problems: ['files_removed'] }],
      [],
      [{ news: 'transfer.problem', problems: ['recipient_not_notified', 'files_removed'] }],
      [],
      [{ news: 'transfer.problem_resolved' }],
      [],
    ]);
  });

  it('tells of an overdue transfer once for each later end, although clock and end change', () => {
    const day = (date: number) => `2026-11-${date}T00:00:00.000Z`;
    const ends = [25, 25, undefined, 25, 24, 25, undefined, 27, 27].map((date) => date && day(date));
    const { news } = follow(ends.map((end) => facts({ A: undefined }, overdueBy(end || undefined))));
    expect(news.map((told) => told[0]?.expiresAt)).toEqual([
      ...[day(25), undefined, undefined, undefined, undefined, undefined, undefined, day(27), undefined],
    ]);
    expect(news[0]).toEqual([{ news: 'transfer.overdue', expiresAt: day(25), recipients: 2, downloadedBy: 1 }]);
  });

  it('leaves a row with the same hash as the facts, so that the next poll sees no difference', () => {
    const anyFetch = fc.option(fc.record({ method: fc.constant('viewed' as const), at: fc.constant(at) }), {
      nil: undefined,
    });
    const anyFacts = fc
      .tuple(
        fc.dictionary(fc.constantFrom(...'ABCD'), anyFetch, { minKeys: 1 }),
        fc.option(fc.subarray([...problems]), { nil: undefined }),
        fc.option(fc.constantFrom('2026-11-25T00:00:00.000Z', '2026-11-24T00:00:00.000Z', ''), { nil: undefined }),
      )
      .map(([fetches, found, end]) =>
        facts(fetches, { problems: found, ...(end === undefined ? {} : overdueBy(end || undefined)) }),
      );
    fc.assert(
      fc.property(fc.array(anyFacts, { minLength: 1, maxLength: 8 }), (steps) => {
        const { row } = follow(steps);
        expect(factsHash(row)).toBe(factsHash(steps.at(-1)!));
      }),
    );
  });
});
