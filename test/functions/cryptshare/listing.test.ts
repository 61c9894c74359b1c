import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
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

describe('digests', () => {
  it('are the same for any order of the rows and any division into pages', () => {
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

  it('differ in exactly the bucket of the transfer whose state has changed', () => {
    fc.assert(
      fc.property(some, fc.nat(), (list, pick) => {
        const [trackingId] = list[pick % list.length]!;
        const after = list.map(([id, was]): Transfer => [id, id === trackingId ? 'DELETED_BY_ADMIN' : was]);
        expect(differing(listingOf(list).digests(bits), listingOf(after).digests(bits))).toEqual([
          bucketOfTransfer(trackingId, bits),
        ]);
      }),
    );
  });

  it('differ in exactly the bucket of the transfer that is gone', () => {
    fc.assert(
      fc.property(some, fc.nat(), (list, pick) => {
        const [trackingId] = list[pick % list.length]!;
        const after = list.filter(([id]) => id !== trackingId);
        expect(differing(listingOf(list).digests(bits), listingOf(after).digests(bits))).toEqual([
          bucketOfTransfer(trackingId, bits),
        ]);
      }),
    );
  });

  it('show that two transfers of one bucket have exchanged their states', () => {
    const swapped = (a: string, b: string) =>
      pageOf([
        ['x', a],
        ['y', b],
      ]);
    const [before, after] = [new Listing(), new Listing()];
    before.addPage(swapped('ACTIVE', 'FAILED'));
    after.addPage(swapped('FAILED', 'ACTIVE'));
    expect(sameDigest(before.digests(0), after.digests(0), 0)).toBe(false);
  });

  it('do not depend on how the server spells a state', () => {
    const spelt = (state: string) => listingOf([['a', state]]).digests(0);
    expect(spelt('Deleted_by_expiration')).toEqual(spelt('DELETED_BY_EXPIRATION'));
    expect(spelt('deleted-by expiration')).toEqual(spelt('DELETED_BY_EXPIRATION'));
    expect(spelt('On hold')).toEqual(spelt('ON_HOLD'));
  });

  it('are pinned, since they are stored', () => {
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

describe('a transfer on several pages', () => {
  it('counts once, with the newer state', () => {
    const listing = new Listing();
    expect(
      listing.addPage(
        pageOf([
          ['a', 'ACTIVE'],
          ['b', 'ACTIVE'],
        ]),
      ),
    ).toEqual({ rows: 2, added: 2 });
    expect(
      listing.addPage(
        pageOf([
          ['b', 'FAILED'],
          ['c', 'ACTIVE'],
        ]),
      ),
    ).toEqual({ rows: 2, added: 1 });
    expect(listing).toMatchObject({ size: 3, malformed: 0, pageCount: 2 });
    expect(everything(listing)).toEqual(
      new Map([
        ['a', 'ACTIVE'],
        ['b', 'FAILED'],
        ['c', 'ACTIVE'],
      ]),
    );
    expect(listing.digests(bits)).toEqual(
      listingOf([
        ['c', 'ACTIVE'],
        ['b', 'FAILED'],
        ['a', 'ACTIVE'],
      ]).digests(bits),
    );
  });
});

describe('a transfer that only a later page shows in its newer state', () => {
  it('has that state though the page brings nothing else', () => {
    const listing = listingOf([['a', 'ACTIVE']], [['a', 'FAILED']]);
    expect(everything(listing)).toEqual(new Map([['a', 'FAILED']]));
    expect(listing.digests(bits)).toEqual(listingOf([['a', 'FAILED']]).digests(bits));
  });
});

describe('the transfers in some buckets', () => {
  it('are those that fall there, with canonical states', () => {
    fc.assert(
      fc.property(transfers, fc.integer({ min: 0, max: 5 }), fc.array(fc.nat(31)), (list, bits, picks) => {
        const buckets = new Set(picks.map((pick) => pick % 2 ** bits));
        const inside = list.filter(([trackingId]) => buckets.has(bucketOfTransfer(trackingId, bits)));
        expect(listingOf(list.slice(20), list.slice(0, 20)).in(buckets, bits)).toEqual(new Map(inside));
      }),
    );
    expect(
      everything(
        listingOf([
          ['a', 'Deleted_by_admin'],
          ['b', ' on hold'],
        ]),
      ),
    ).toEqual(
      new Map([
        ['a', 'DELETED_BY_ADMIN'],
        ['b', 'on hold'],
      ]),
    );
  });
});

describe('the shape of an answer', () => {
  const nested = { trackingId: 'a', status: { state: 'ACTIVE' } };
  test.each([
    { shape: 'rows in data', answer: { data: [nested], meta: {} } },
    { shape: 'rows in data, without meta', answer: { data: [nested] } },
    { shape: 'a bare array', answer: [nested] },
    { shape: 'the state beside the tracking id', answer: { data: [{ trackingId: 'a', state: 'ACTIVE' }] } },
    { shape: 'an empty status', answer: { data: [{ trackingId: 'a', status: null, state: 'ACTIVE' }] } },
    { shape: 'properties nobody asked for', answer: { data: [{ ...nested, transfer: { x: [1] }, y: null }], z: 1 } },
  ])('may be $shape', ({ answer }) => {
    const listing = new Listing();
    expect(listing.addPage(JSON.stringify(answer))).toEqual({ rows: 1, added: 1 });
    expect(listing.malformed).toBe(0);
    expect(everything(listing)).toEqual(new Map([['a', 'ACTIVE']]));
  });

  test.each([
    { what: 'an HTML page', body: '<html></html>', error: SyntaxError },
    { what: 'nothing', body: '', error: SyntaxError },
    { what: 'half an answer', body: '{"data":[{"trackingId":"a"', error: SyntaxError },
    { what: 'an error object', body: '{"errorCode":5000,"errorMessage":"x"}', error: TypeError },
    { what: 'an object in data', body: '{"data":{"trackingId":"a"}}', error: TypeError },
    { what: 'null in data', body: '{"data":null}', error: TypeError },
    { what: 'null', body: 'null', error: TypeError },
    { what: 'a text', body: '"ACTIVE"', error: TypeError },
    { what: 'a number', body: '7', error: TypeError },
  ])('must not be $what, which leaves the listing as it was', ({ body, error }) => {
    const listing = listingOf([['a', 'ACTIVE']]);
    expect(() => listing.addPage(body)).toThrow(error);
    expect(listing).toMatchObject({ size: 1, malformed: 0, pageCount: 1 });
  });

  test.each([
    { row: 'null', value: null },
    { row: 'a number', value: 7 },
    { row: 'a text', value: 'a' },
    { row: 'an empty object', value: {} },
    { row: 'a row without tracking id', value: { status: { state: 'ACTIVE' } } },
    { row: 'a numeric tracking id', value: { trackingId: 7, status: { state: 'ACTIVE' } } },
    { row: 'an empty tracking id', value: { trackingId: '', status: { state: 'ACTIVE' } } },
    { row: 'a non-ASCII tracking id', value: { trackingId: 'ä', status: { state: 'ACTIVE' } } },
    { row: 'a tracking id of 300 characters', value: { trackingId: 'x'.repeat(300), status: { state: 'ACTIVE' } } },
    { row: 'a row without state', value: { trackingId: 'b' } },
    { row: 'a row without state in its status', value: { trackingId: 'b', status: {} } },
    { row: 'an empty state', value: { trackingId: 'b', status: { state: '' } } },
    { row: 'a numeric state', value: { trackingId: 'b', status: { state: 1 } } },
  ])('may contain $row, which is counted and skipped', ({ value }) => {
    const listing = new Listing();
    const good = { trackingId: 'a', status: { state: 'ACTIVE' } };
    expect(listing.addPage(JSON.stringify({ data: [value, good] }))).toEqual({ rows: 2, added: 1 });
    expect(listing).toMatchObject({ size: 1, malformed: 1 });
    expect(everything(listing)).toEqual(new Map([['a', 'ACTIVE']]));
    expect(listing.digests(bits)).toEqual(listingOf([['a', 'ACTIVE']]).digests(bits));
  });
});

describe('a wrong guess of the size', () => {
  const rows = Array.from({ length: 2_345 }, (_, index): Transfer => [`t-${index}`, index % 2 ? 'ACTIVE' : 'FAILED']);
  test.each([0, 1, 100, 2_000, 2_345, 50_000])('of %i loses none of 2,345 transfers and doubles none', (expected) => {
    const listing = new Listing(expected);
    for (let index = 0; index < rows.length; index += 100) listing.addPage(pageOf(rows.slice(index, index + 100)));
    listing.addPage(pageOf(rows.slice(0, 100)));
    expect(listing).toMatchObject({ size: 2_345, malformed: 0 });
    expect(everything(listing)).toEqual(new Map(rows));
    expect(listing.digests(bits)).toEqual(listingOf(rows).digests(bits));
  });
});

test('255 distinct states are told apart, and what comes beyond them is counted as malformed', () => {
  const rows = Array.from({ length: 300 }, (_, index): Transfer => [`t-${index}`, `State ${index}`]);
  const listing = listingOf(rows);
  expect(listing).toMatchObject({ size: 255, malformed: 45 });
  expect(listing.digests(bits)).toEqual(listingOf(rows.slice(0, 255)).digests(bits));
  expect([...everything(listing)].slice(0, 255)).toEqual(rows.slice(0, 255));
});

test.each([0, 100_000, 1_000_000])('gives back each of 100,000 transfers when it expected %i', (expected) => {
  const listing = new Listing(expected);
  const ids = Array.from({ length: 100_000 }, (_, index) => `20240522-065711-${String(index).padStart(8, '0')}`);
  for (let index = 0; index < ids.length; index += 100) {
    const data = ids.slice(index, index + 100).map((trackingId) => ({ trackingId, status: { state: 'ACTIVE' } }));
    listing.addPage(JSON.stringify({ data }));
  }
  const buckets = new Set(Array.from({ length: 4096 }, (_, bucket) => bucket));
  expect(listing.size).toBe(100_000);
  expect([...listing.in(buckets, 12).keys()]).toEqual(ids);
});

test('a state without a visible character is malformed', () => {
  const listing = new Listing();
  listing.addPage('{"data":[{"trackingId":"a","state":"   "},{"trackingId":"b","state":"\\u0000"}]}');
  expect(listing).toMatchObject({ size: 0, malformed: 2 });
  expect(listing.in(new Set([0]), 0).size).toBe(0);
});
