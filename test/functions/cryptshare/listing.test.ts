import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Listing } from '#functions/cryptshare/listing.ts';
import { bucketOfTransfer } from '#functions/snapshot/read-plan.ts';
import { type Digests, sameDigest } from '#functions/transfers/digest.ts';

type Transfer = readonly [trackingId: string, state: string];

const bits = 3;
const all = (of: number) => new Set(Array.from({ length: 2 ** of }, (_, bucket) => bucket));
const everything = (listing: Listing) => listing.in(all(0), 0);
const pageOf = (transfers: readonly Transfer[]): string =>
  JSON.stringify({ data: transfers.map(([trackingId, state]) => ({ trackingId, status: { state } })), meta: {} });
const listingOf = (...pages: readonly (readonly Transfer[])[]): Listing => {
  const listing = new Listing();
  for (const page of pages) listing.addPage(pageOf(page));
  return listing;
};
const differing = (a: Digests, b: Digests): number[] => [...all(bits)].filter((bucket) => !sameDigest(a, b, bucket));

const state = fc.constantFrom('ACTIVE', 'FAILED', 'PROCESSING', 'DELETED_BY_EXPIRATION', 'Quarantined');
const transfers = fc.uniqueArray(fc.tuple(fc.stringMatching(/^[!-~]{1,12}$/), state), {
  selector: ([trackingId]) => trackingId,
  maxLength: 60,
});
const some = transfers.filter((list) => list.length > 0);

describe('Listing.digests', () => {
  it('is the same for any order of the rows and any division into pages', () => {
    const shuffled = transfers.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }), fc.nat(60), fc.nat(60)),
    );
    fc.assert(
      fc.property(shuffled, ([list, other, a, b]) => {
        const [first, second] = [Math.min(a, b), Math.max(a, b)];
        const pages = [other.slice(0, first), other.slice(first, second), other.slice(second)];
        expect(listingOf(...pages).digests(bits)).toEqual(listingOf(list).digests(bits));
        expect(listingOf(...pages).size).toBe(list.length);
      }),
    );
  });

  it('differs in exactly the bucket of a transfer that has changed or gone', () => {
    fc.assert(
      fc.property(some, fc.nat(), (list, pick) => {
        const [trackingId] = list[pick % list.length]!;
        const changed = list.map(([id, was]): Transfer => [id, id === trackingId ? 'DELETED_BY_ADMIN' : was]);
        const before = listingOf(list).digests(bits);
        for (const after of [changed, list.filter(([id]) => id !== trackingId)]) {
          expect(differing(before, listingOf(after).digests(bits))).toEqual([bucketOfTransfer(trackingId, bits)]);
        }
      }),
    );
  });

  it('differs when two transfers of one bucket have exchanged their states', () => {
    const swapped = (x: string, y: string) => listingOf(Object.entries({ x, y })).digests(0);
    expect(sameDigest(swapped('ACTIVE', 'FAILED'), swapped('FAILED', 'ACTIVE'), 0)).toBe(false);
  });

  it('does not depend on the spelling of a state', () => {
    const spelt = (state: string) => listingOf([['a', state]]).digests(0);
    expect(spelt('deleted-by expiration')).toEqual(spelt('DELETED_BY_EXPIRATION'));
    expect(spelt('On hold')).toEqual(spelt('ON_HOLD'));
  });

  it('is pinned, because it is stored', () => {
    const listing = listingOf([
      ['20240522-065711-H8UoUSI6', 'ACTIVE'],
      ['20261124-000000-aaaaaaaa', 'FAILED'],
      ['a', 'Quarantined'],
    ]);
    expect([...listing.digests(0)]).toEqual([2672979460, 2954770806, 2689851517]);
    expect([...listing.digests(2)]).toEqual([
      3286286769, 2689851517, 2689851517, 157119050, 2168663039, 0, 3524540937, 2391223546, 0, 0, 0, 0,
    ]);
  });
});

describe('Listing.in', () => {
  it('returns the transfers of the given buckets', () => {
    fc.assert(
      fc.property(transfers, fc.integer({ min: 0, max: 5 }), fc.array(fc.nat(31)), (list, bits, picks) => {
        const buckets = new Set(picks.map((pick) => pick % 2 ** bits));
        const inside = list.filter(([trackingId]) => buckets.has(bucketOfTransfer(trackingId, bits)));
        expect(listingOf(list.slice(20), list.slice(0, 20)).in(buckets, bits)).toEqual(new Map(inside));
      }),
    );
  });

  it('returns canonical states', () => {
    const listing = listingOf(Object.entries({ a: 'Deleted_by_admin', b: ' on hold' }));
    expect(everything(listing)).toEqual(new Map(Object.entries({ a: 'DELETED_BY_ADMIN', b: 'on hold' })));
  });

  it.each([0, 1_000_000])('returns each of 100,000 transfers in order when %i were expected', (expected) => {
    const listing = new Listing(expected);
    const ids = Array.from({ length: 100_000 }, (_, number) => `20240522-065711-${String(number).padStart(8, '0')}`);
    for (let first = 0; first < ids.length; first += 100) {
      listing.addPage(pageOf(ids.slice(first, first + 100).map((id) => [id, 'ACTIVE'])));
    }
    expect(listing.size).toBe(100_000);
    expect([...listing.in(all(12), 12).keys()]).toEqual(ids);
  });
});

describe('Listing.addPage', () => {
  it('counts a transfer of several pages once, with the newer state', () => {
    const listing = new Listing();
    expect(listing.addPage(pageOf(Object.entries({ a: 'ACTIVE', b: 'ACTIVE' })))).toEqual({ rows: 2, added: 2 });
    expect(listing.addPage(pageOf(Object.entries({ b: 'FAILED', c: 'ACTIVE' })))).toEqual({ rows: 2, added: 1 });
    expect(listing.addPage(pageOf([['a', 'FAILED']]))).toEqual({ rows: 1, added: 0 });
    expect(listing).toMatchObject({ size: 3, malformed: 0, pageCount: 3 });
    const newest = { a: 'FAILED', b: 'FAILED', c: 'ACTIVE' };
    expect(everything(listing)).toEqual(new Map(Object.entries(newest)));
    expect(listing.digests(bits)).toEqual(listingOf(Object.entries(newest).toReversed()).digests(bits));
  });

  const nested = { trackingId: 'a', status: { state: 'ACTIVE' } };
  it.each([
    { shape: 'rows in data', answer: { data: [nested], meta: {} } },
    { shape: 'a bare array', answer: [nested] },
    { shape: 'the state beside the tracking id', answer: { data: [{ trackingId: 'a', state: 'ACTIVE' }] } },
    { shape: 'an empty status', answer: { data: [{ trackingId: 'a', status: null, state: 'ACTIVE' }] } },
    { shape: 'further properties', answer: { data: [{ ...nested, transfer: { x: [1] }, y: null }], z: 1 } },
  ])('reads $shape', ({ answer }) => {
    const listing = new Listing();
    expect(listing.addPage(JSON.stringify(answer))).toEqual({ rows: 1, added: 1 });
    expect(listing.malformed).toBe(0);
    expect(everything(listing)).toEqual(new Map([['a', 'ACTIVE']]));
  });

  it.each([
    { what: 'an HTML page', body: '<html></html>', error: SyntaxError },
    { what: 'half an answer', body: '{"data":[{"trackingId":"a"', error: SyntaxError },
    { what: 'an error object', body: '{"errorCode":5000,"errorMessage":"x"}', error: TypeError },
    { what: 'an object in data', body: '{"data":{"trackingId":"a"}}', error: TypeError },
    { what: 'null in data', body: '{"data":null}', error: TypeError },
    { what: 'null', body: 'null', error: TypeError },
    { what: 'a number', body: '7', error: TypeError },
  ])('throws at $what, and leaves the listing as it was', ({ body, error }) => {
    const listing = listingOf([['a', 'ACTIVE']]);
    expect(() => listing.addPage(body)).toThrow(error);
    expect(listing).toMatchObject({ size: 1, malformed: 0, pageCount: 1 });
  });

  it.each([
    { row: 'null', value: null },
    { row: 'a number', value: 7 },
    { row: 'an empty object', value: {} },
    { row: 'a numeric tracking id', value: { trackingId: 7, status: { state: 'ACTIVE' } } },
    { row: 'a non-ASCII tracking id', value: { trackingId: 'ä', status: { state: 'ACTIVE' } } },
    { row: 'a tracking id of 300 characters', value: { trackingId: 'x'.repeat(300), status: { state: 'ACTIVE' } } },
    { row: 'a row without state', value: { trackingId: 'b' } },
    { row: 'a row without state in its status', value: { trackingId: 'b', status: {} } },
    { row: 'a numeric state', value: { trackingId: 'b', status: { state: 1 } } },
    { row: 'a blank state', value: { trackingId: 'b', state: '   ' } },
    { row: 'an invisible state', value: { trackingId: 'b', state: '\u0000' } },
  ])('counts $row as malformed, and skips it', ({ value }) => {
    const listing = new Listing();
    const good = { trackingId: 'a', status: { state: 'ACTIVE' } };
    expect(listing.addPage(JSON.stringify({ data: [value, good] }))).toEqual({ rows: 2, added: 1 });
    expect(listing).toMatchObject({ size: 1, malformed: 1 });
    expect(everything(listing)).toEqual(new Map([['a', 'ACTIVE']]));
    expect(listing.digests(bits)).toEqual(listingOf([['a', 'ACTIVE']]).digests(bits));
  });

  const rows = Array.from(
    { length: 2_345 },
    (_, number): Transfer => [`t-${number}`, number % 2 ? 'ACTIVE' : 'FAILED'],
  );
  it.each([0, 1, 2_000, 2_345, 50_000])(
    'loses and doubles none of 2,345 transfers when %i were expected',
    (expected) => {
      const listing = new Listing(expected);
      for (let first = 0; first < rows.length; first += 100) listing.addPage(pageOf(rows.slice(first, first + 100)));
      listing.addPage(pageOf(rows.slice(0, 100)));
      expect(listing).toMatchObject({ size: 2_345, malformed: 0 });
      expect(everything(listing)).toEqual(new Map(rows));
      expect(listing.digests(bits)).toEqual(listingOf(rows).digests(bits));
    },
  );

  it('tells 255 states apart, and counts further ones as malformed', () => {
    const states = Array.from({ length: 300 }, (_, number): Transfer => [`t-${number}`, `State ${number}`]);
    const listing = listingOf(states);
    expect(listing).toMatchObject({ size: 255, malformed: 45 });
    expect(listing.digests(bits)).toEqual(listingOf(states.slice(0, 255)).digests(bits));
    expect([...everything(listing)].slice(0, 255)).toEqual(states.slice(0, 255));
  });
});
