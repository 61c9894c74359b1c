import { describe, expect, it } from 'vitest';
import { factsReader } from '#functions/cryptshare/details.ts';
import { Listing } from '#functions/cryptshare/listing.ts';
import { ListingMemory } from '#functions/cryptshare/listing-memory.ts';
import { factsHash } from '#functions/transfers/follow.ts';

const reader = factsReader({ mailbox: 'alice@example.com', direction: 'sent', follow: ['downloads'] }, 0)!;

/** Without recipients, a row has no details. */
const row = (trackingId: string, state: string, ...recipients: object[]) => {
  const details = recipients.length > 0 ? { recipients } : {};
  return { trackingId, status: { state, ...details } };
};
const page = (...rows: object[]): string => JSON.stringify({ data: rows });
const bob = { id: 'B', fileDownloads: [] };

describe('Listing with facts', () => {
  it('knows the facts of active transfers alone, and which of these have none', () => {
    const listing = new Listing(0, undefined, reader);
    listing.addPage(page(row('a', 'ACTIVE', bob), row('b', 'FAILED', bob), row('c', 'ACTIVE')));
    expect([...listing.knownFacts().keys()]).toEqual(['a']);
    expect([listing.active, listing.told]).toEqual([2, 1]);
    expect(listing.untold(0)).toEqual(new Map([[0, ['c']]]));
  });

  it.each([
    ['has ended', row('a', 'FAILED', bob), []],
    ['has no details any more', row('a', 'ACTIVE'), [[0, ['a']]]],
  ])('forgets the facts of a transfer that %s on a later page', (_, later, untold) => {
    const listing = new Listing(0, undefined, reader);
    listing.addPage(page(row('a', 'ACTIVE', bob)));
    listing.addPage(page(later));
    expect(listing.told).toBe(0);
    expect([...listing.untold(0)]).toEqual(untold);
  });

  it('counts facts as memory, which it gives back', () => {
    const memory = new ListingMemory(100_000);
    const listing = new Listing(0, memory, reader);
    const many = Array.from({ length: 600 }, (_, number) => ({ id: `${number}`, fileDownloads: [] }));
    expect(() => listing.addPage(page(row('a', 'ACTIVE', ...many)))).toThrow('more memory');
    listing.release();
    expect(memory.used).toBe(0);
  });
});

describe('factsHash', () => {
  const downloads = { recipients: 3, downloadedBy: 1 };
  const overdue = { isOverdue: true, expiresAt: '2026-11-25T00:00:00.000Z' };

  it('tells all facts apart', () => {
    const all = [
      {},
      { downloads },
      { downloads: { recipients: 2, downloadedBy: 1 } },
      { downloads: { recipients: 3, downloadedBy: 2 } },
      { problems: [] },
      { problems: ['other'] },
      { problems: ['files_removed', 'other'] },
      { overdue },
      { overdue: { ...overdue, expiresAt: '2026-11-26T00:00:00.000Z' } },
      { overdue: { isOverdue: false } },
    ] as const;
    expect(new Set(all.map(factsHash)).size).toBe(all.length);
  });
});
