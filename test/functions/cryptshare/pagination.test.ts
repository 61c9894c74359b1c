import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { CryptshareFailure } from '#functions/cryptshare/failure.ts';
import { type PageRows, readPages } from '#functions/cryptshare/pagination.ts';

/** Rows of each page; beyond them pages are empty. Failures and repetitions by page. */
interface Server {
  readonly sizes: readonly number[];
  readonly failing?: Readonly<Record<number, CryptshareFailure>>;
  /** Beyond the last page there is the last page again. */
  readonly repeatsLast?: boolean;
}

const faulty = () => new CryptshareFailure('server_fault');
const sizesOf = (count: number, size = 100): number[] =>
  Array.from({ length: Math.ceil(count / size) }, (_, index) => Math.min(size, count - index * size));

async function read({ sizes, failing = {}, repeatsLast = false }: Server, expected = 0, atOnce = 4) {
  const asked: number[] = [];
  const taken = new Set<number>();
  let inFlight = 0;
  let greatestInFlight = 0;
  let rows = 0;
  const takePage = async (page: number): Promise<PageRows> => {
    asked.push(page);
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
  return { asked, rows, failure, greatestInFlight };
}

describe('the end of a listing', () => {
  test.each<{ what: string; server: Server; expected?: number; asked: number[] }>([
    { what: 'is an empty first page', server: { sizes: [] }, asked: [1] },
    { what: 'is a short first page', server: { sizes: [57] }, asked: [1] },
    { what: 'is the short second page', server: { sizes: [100, 57] }, asked: [1, 2] },
    {
      what: 'is the empty page after an exact multiple of 100',
      server: { sizes: [100, 100] },
      expected: 200,
      asked: [1, 2, 3],
    },
    { what: 'is the empty page after 100 of which nobody knew', server: { sizes: [100] }, asked: [1, 2] },
    {
      what: 'is not a first page of exactly 10: the server may cut its pages',
      server: { sizes: [10, 10, 3] },
      asked: [1, 2, 3],
    },
    { what: 'is not a first page of exactly 50', server: { sizes: [50, 20] }, asked: [1, 2] },
    { what: 'is the empty page after a first page of 50', server: { sizes: [50] }, expected: 50, asked: [1, 2] },
    {
      what: 'is not a short page with rows behind it',
      server: { sizes: [100, 40, 100, 100, 7] },
      expected: 450,
      asked: [1, 2, 3, 4, 5],
    },
    {
      what: 'is not a short page with a full last one expected behind it',
      server: { sizes: [100, 40, 100, 7] },
      expected: 300,
      asked: [1, 2, 3, 4],
    },
    {
      what: 'is found early by a mailbox that has shrunk',
      server: { sizes: [100, 20] },
      expected: 400,
      asked: [1, 2, 3, 4],
    },
  ])('$what', async ({ server, expected, asked }) => {
    const pass = await read(server, expected);
    expect(pass.asked.sort((a, b) => a - b)).toEqual(asked);
    expect(pass.rows).toBe(server.sizes.reduce((sum, size) => sum + size, 0));
    expect(pass.failure).toBeUndefined();
  });

  test.each([
    { what: 'full', sizes: [100, 100, 100] },
    { what: 'cut', sizes: [10, 10] },
    { what: 'only', sizes: [100] },
  ])('is found although the server repeats its $what last page for ever', async ({ sizes }) => {
    const pass = await read({ sizes, repeatsLast: true }, 0, 1);
    expect(pass).toMatchObject({ rows: sizes.reduce((sum, size) => sum + size), failure: undefined });
    expect(pass.asked).toHaveLength(sizes.length + 2);
  });

  it('is found although the server ignores the page and answers everything each time', async () => {
    expect(await read({ sizes: [1234], repeatsLast: true }, 1234)).toMatchObject({ rows: 1234, asked: [1, 2, 3] });
  });

  it('is not waited for beyond 10,000 pages', async () => {
    const takePage = async () => ({ rows: 100, added: 100 });
    const failure = await readPages(takePage, 0, 32);
    expect(failure).toMatchObject({ kind: 'malformed_answer', message: expect.stringContaining('no end') });
  });
});

it('sees every row of a listing, whatever was expected and however pages are cut', async () => {
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
      expect(new Set(pass.asked).size).toBe(pass.asked.length);
    }),
  );
});

it('asks for no page too many when it was told how many there are', async () => {
  const count = fc.oneof(
    fc.nat(3000),
    fc.nat(30).map((hundreds) => 100 * hundreds),
  );
  await fc.assert(
    fc.asyncProperty(count, fc.integer({ min: 1, max: 8 }), async (rows, atOnce) => {
      const pages = Math.max(1, Math.ceil(rows / 100));
      const mayGoOn = rows > 0 && (rows % 100 === 0 || (rows < 100 && (rows % 10 === 0 || rows % 25 === 0)));
      const { asked } = await read({ sizes: sizesOf(rows) }, rows, atOnce);
      expect(asked.length).toBe(mayGoOn ? pages + 1 : pages);
    }),
  );
});

it('finds 60 pages of which it did not know with few pages too many', async () => {
  const { asked, rows } = await read({ sizes: sizesOf(5950) }, 0, 8);
  expect(rows).toBe(5950);
  expect(asked.length).toBeLessThanOrEqual(60 + 8);
});

it('reads the pages that must exist as many at once as it may, and no more', async () => {
  expect(await read({ sizes: sizesOf(2050) }, 2050, 4)).toMatchObject({ greatestInFlight: 4, rows: 2050 });
  expect(await read({ sizes: sizesOf(2050) }, 2050, 1)).toMatchObject({ greatestInFlight: 1, rows: 2050 });
});

describe('a page that fails', () => {
  it('does not keep the others from being read', async () => {
    const failure = faulty();
    const pass = await read({ sizes: sizesOf(950), failing: { 4: failure } }, 950);
    expect(pass).toMatchObject({ rows: 850, failure });
    expect(pass.asked).toHaveLength(10);
  });

  it('does not keep the others from being read if it is the first', async () => {
    const pass = await read({ sizes: sizesOf(350), failing: { 1: faulty() } }, 350);
    expect(pass).toMatchObject({ rows: 250, asked: [1, 2, 3, 4], failure: { kind: 'server_fault' } });
  });

  it('makes the listing incomplete even if it is the last', async () => {
    expect(await read({ sizes: [100, 50], failing: { 2: faulty() } }, 150)).toMatchObject({
      rows: 100,
      failure: { kind: 'server_fault' },
    });
  });

  it('is all that is asked for if it is the first and nothing is known of others', async () => {
    expect(await read({ sizes: [57], failing: { 1: faulty() } })).toMatchObject({
      asked: [1],
      failure: { kind: 'server_fault' },
    });
  });

  test.each(['token_invalid', 'not_licensed', 'out_of_time', 'redirected'] as const)(
    'with %s ends the pass, for it concerns every page',
    async (kind) => {
      const failure = new CryptshareFailure(kind);
      expect(await read({ sizes: sizesOf(950), failing: { 1: failure } }, 950)).toMatchObject({ asked: [1], failure });
      expect(await read({ sizes: sizesOf(950), failing: { 3: failure } }, 950, 1)).toMatchObject({
        asked: [1, 2, 3],
        failure,
      });
    },
  );

  it('ends the pass if it is the third', async () => {
    const failing = { 2: faulty(), 5: faulty(), 6: faulty() };
    const pass = await read({ sizes: sizesOf(1950), failing }, 1950, 1);
    expect(pass).toMatchObject({ asked: [1, 2, 3, 4, 5, 6], rows: 300, failure: failing[2] });
  });

  it('tells the first of several failures', async () => {
    const failing = { 3: new CryptshareFailure('throttled'), 7: new CryptshareFailure('timeout') };
    expect((await read({ sizes: sizesOf(950), failing }, 950, 1)).failure?.kind).toBe('throttled');
  });
});

it('hides no programming error behind a failure of the server', async () => {
  const takePage = async (): Promise<PageRows> => {
    throw new RangeError('a bug');
  };
  await expect(readPages(takePage, 0, 4)).rejects.toThrow(RangeError);
});

describe('a listing is not taken for complete', () => {
  it('when its first page is short of what was expected', async () => {
    expect(await read({ sizes: [99, 100, 51] }, 250)).toMatchObject({ rows: 250, failure: undefined });
  });

  it('when rows follow an empty page', async () => {
    const { failure } = await read({ sizes: [100, 0, 100] }, 300);
    expect(failure).toMatchObject({ kind: 'malformed_answer' });
  });

  it('when one page brings nothing new because a whole page of transfers came in between', async () => {
    const takePage = async (page: number) => {
      if (page > 4) return { rows: 0, added: 0 };
      return { rows: 100, added: page === 2 ? 0 : 100 };
    };
    const taken: number[] = [];
    const noted = (page: number) => {
      taken.push(page);
      return takePage(page);
    };
    await readPages(noted, 0, 1);
    expect(taken).toEqual([1, 2, 3, 4, 5]);
  });
});
