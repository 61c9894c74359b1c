import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CryptshareFailure } from '#functions/cryptshare/failure.ts';
import { type PageRows, readPages } from '#functions/cryptshare/pagination.ts';

/** Rows of each page, beyond which pages are empty, and failures by page. */
interface Server {
  readonly sizes: readonly number[];
  readonly failing?: Readonly<Record<number, CryptshareFailure>>;
  /** The server repeats its last page beyond the end. */
  readonly repeatsLast?: boolean;
}

const faulty = () => new CryptshareFailure('server_fault');
const sizesOf = (count: number, size = 100): number[] =>
  Array.from({ length: Math.ceil(count / size) }, (_, index) => Math.min(size, count - index * size));

async function read({ sizes, failing = {}, repeatsLast = false }: Server, expected = 0, atOnce = 4) {
  const requested: number[] = [];
  const taken = new Set<number>();
  let inFlight = 0;
  let greatestInFlight = 0;
  let rows = 0;
  const takePage = async (page: number): Promise<PageRows> => {
    requested.push(page);
    inFlight += 1;
    greatestInFlight = Math.max(greatestInFlight, inFlight);
    await new Promise(setImmediate);
    inFlight -= 1;
    if (failing[page]) throw failing[page];
    const content = repeatsLast ? Math.min(page, sizes.length) : page;
    const size = sizes[content - 1] ?? 0;
    const added = taken.has(content) ? 0 : size;
    taken.add(content);
    rows += added;
    return { rows: size, added };
  };
  const failure = await readPages(takePage, expected, atOnce);
  return { requested, rows, failure, greatestInFlight };
}

describe('readPages', () => {
  it.each<{ what: string; server: Server; expected?: number; requested: number[] }>([
    { what: 'ends at an empty first page', server: { sizes: [] }, requested: [1] },
    { what: 'ends at a short first page', server: { sizes: [57] }, requested: [1] },
    { what: 'ends at the empty page after 100 rows', server: { sizes: [100] }, requested: [1, 2] },
    {
      what: 'continues after a first page of 10',
      server: { sizes: [10, 3] },
      requested: [1, 2],
    },
    { what: 'continues after a first page of 50', server: { sizes: [50, 20] }, requested: [1, 2] },
    {
      what: 'continues after a short page',
      ...{ server: { sizes: [100, 40, 100, 100, 7] }, expected: 450, requested: [1, 2, 3, 4, 5] },
    },
    {
      what: 'expects a last page after a short one',
      ...{ server: { sizes: [100, 40, 100, 7] }, expected: 300, requested: [1, 2, 3, 4] },
    },
    {
      what: 'continues after a first page of 99',
      ...{ server: { sizes: [99, 100, 51] }, expected: 250, requested: [1, 2, 3] },
    },
    {
      what: 'ends early for a mailbox that has shrunk',
      ...{ server: { sizes: [100, 20] }, expected: 400, requested: [1, 2, 3, 4] },
    },
  ])('$what', async ({ server, expected, requested }) => {
    const pass = await read(server, expected);
    expect(pass.requested.sort((a, b) => a - b)).toEqual(requested);
    expect(pass.rows).toBe(server.sizes.reduce((sum, size) => sum + size, 0));
    expect(pass.failure).toBeUndefined();
  });

  it.each([
    { what: 'full', sizes: [100, 100, 100] },
    { what: 'cut', sizes: [10, 10] },
    { what: 'only', sizes: [100] },
  ])('ends although the server repeats its $what last page for ever', async ({ sizes }) => {
    const pass = await read({ sizes, repeatsLast: true }, 0, 1);
    expect(pass).toMatchObject({ rows: sizes.reduce((sum, size) => sum + size), failure: undefined });
    expect(pass.requested).toHaveLength(sizes.length + 2);
  });

  it('ends although the server ignores the page number and returns everything each time', async () => {
    const pass = await read({ sizes: [1234], repeatsLast: true }, 1234);
    expect(pass).toMatchObject({ rows: 1234, requested: [1, 2, 3] });
  });

  it('gives up after 10,000 pages', async () => {
    const failure = await readPages(async () => ({ rows: 100, added: 100 }), 0, 32);
    expect(failure).toMatchObject({ kind: 'malformed_answer', message: expect.stringContaining('no end') });
  });

  it('reads every row once, within the limit of requests, for any expectation and size of pages', async () => {
    const count = fc.oneof(
      fc.nat(1200),
      fc.nat(12).map((hundreds) => 100 * hundreds),
    );
    const cut = fc.constantFrom(100, 100, 50, 20, 10);
    await fc.assert(
      fc.asyncProperty(count, count, cut, fc.integer({ min: 1, max: 8 }), async (rows, expected, size, atOnce) => {
        const pass = await read({ sizes: sizesOf(rows, size) }, expected, atOnce);
        expect(pass).toMatchObject({ rows, failure: undefined });
        expect(pass.greatestInFlight).toBeLessThanOrEqual(atOnce);
        expect(new Set(pass.requested).size).toBe(pass.requested.length);
      }),
    );
  });

  it('requests no page too many when the expectation is right', async () => {
    const count = fc.oneof(
      fc.nat(3000),
      fc.nat(30).map((hundreds) => 100 * hundreds),
    );
    await fc.assert(
      fc.asyncProperty(count, fc.integer({ min: 1, max: 8 }), async (rows, atOnce) => {
        const pages = Math.max(1, Math.ceil(rows / 100));
        const mayGoOn = rows > 0 && (rows % 100 === 0 || (rows < 100 && (rows % 10 === 0 || rows % 25 === 0)));
        const { requested } = await read({ sizes: sizesOf(rows) }, rows, atOnce);
        expect(requested.length).toBe(mayGoOn ? pages + 1 : pages);
      }),
    );
  });

  it('finds 60 unexpected pages with eight pages too many at most', async () => {
    const { requested, rows } = await read({ sizes: sizesOf(5950) }, 0, 8);
    expect(rows).toBe(5950);
    expect(requested.length).toBeLessThanOrEqual(60 + 8);
  });

  it.each([1, 4])('reads expected pages %i at once', async (atOnce) => {
    expect(await read({ sizes: sizesOf(2050) }, 2050, atOnce)).toMatchObject({ greatestInFlight: atOnce, rows: 2050 });
  });

  it.each([
    { page: 1, rows: 850 },
    { page: 4, rows: 850 },
    { page: 10, rows: 900 },
  ])('reads the other pages when page $page fails, and returns the failure', async ({ page, rows }) => {
    const failure = faulty();
    const pass = await read({ sizes: sizesOf(950), failing: { [page]: failure } }, 950);
    expect(pass).toMatchObject({ rows, failure });
    expect(pass.requested).toHaveLength(10);
  });

  it('requests no other page when the first fails and none is expected', async () => {
    const pass = await read({ sizes: [57], failing: { 1: faulty() } });
    expect(pass).toMatchObject({ requested: [1], failure: { kind: 'server_fault' } });
  });

  it.each(['token_invalid', 'not_licensed', 'out_of_time', 'redirected'] as const)(
    'ends at a failure that concerns every page: %s',
    async (kind) => {
      const failure = new CryptshareFailure(kind);
      const firstFails = await read({ sizes: sizesOf(950), failing: { 1: failure } }, 950);
      expect(firstFails).toMatchObject({ requested: [1], failure });
      const thirdFails = await read({ sizes: sizesOf(950), failing: { 3: failure } }, 950, 1);
      expect(thirdFails).toMatchObject({ requested: [1, 2, 3], failure });
    },
  );

  it('ends at the third failure, and returns the first', async () => {
    const failing = { 2: new CryptshareFailure('throttled'), 5: faulty(), 6: faulty() };
    const pass = await read({ sizes: sizesOf(1950), failing }, 1950, 1);
    expect(pass).toMatchObject({ requested: [1, 2, 3, 4, 5, 6], rows: 300, failure: failing[2] });
  });

  it('throws what is no failure of the server', async () => {
    const takePage = async (): Promise<PageRows> => {
      throw new RangeError('a bug');
    };
    await expect(readPages(takePage, 0, 4)).rejects.toThrow(RangeError);
  });

  it('returns a failure when rows follow an empty page', async () => {
    const { failure } = await read({ sizes: [100, 0, 100] }, 300);
    expect(failure).toMatchObject({ kind: 'malformed_answer' });
  });

  it('continues after a page that brings nothing new, because a page of transfers came in between', async () => {
    const requested: number[] = [];
    const takePage = async (page: number) => {
      requested.push(page);
      return page > 4 ? { rows: 0, added: 0 } : { rows: 100, added: page === 2 ? 0 : 100 };
    };
    await readPages(takePage, 0, 1);
    expect(requested).toEqual([1, 2, 3, 4, 5]);
  });
});
