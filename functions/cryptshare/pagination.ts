import pLimit from 'p-limit';
import { CryptshareFailure } from './failure.ts';

/** Rows asked for per page: the maximum that the vendor's page on transfer polling allows. */
export const pageSize = 100;

/** A listing longer than this many pages is taken for a server that repeats itself. */
const maxPages = 10_000;

/** Failed pages after which the rest of a pass is not asked for. */
const maxFailedPages = 3;

/** What a page brought: its rows, and how many transfers among them no earlier page had. */
export interface PageRows {
  readonly rows: number;
  readonly added: number;
}

/**
 * Reads all pages of a listing, several at once, and finds its end without being told: the API names neither total nor
 * last page. The end is a short or empty page, with these exceptions: a first page of a round size, or of less than was
 * expected, may be one that the server cut to its own maximum, so the second is read, too; rows behind a short page show
 * that it was not the last; and pages that bring nothing new twice in a row mean a server that repeats its last page.
 * Rows behind an empty page cannot be, so such a listing is not complete.
 *
 * Pages that must exist, judging by the number of transfers expected, are read `atOnce`; beyond them the pass gropes
 * forward, doubling its step, so that a quiet mailbox costs no request too many.
 *
 * @param takePage reads one page, counted from 1; throws {@link CryptshareFailure}
 * @returns the first failure, if any; the other pages are read all the same unless the failure concerns all of them
 */
export async function readPages(
  takePage: (page: number) => Promise<PageRows>,
  expected: number,
  atOnce: number,
): Promise<CryptshareFailure | undefined> {
  const failures: CryptshareFailure[] = [];
  const mayGoOn = () => failures.length < maxFailedPages && failures.every((failure) => failure.retryable);
  const attempt = async (page: number): Promise<PageRows | undefined> => {
    try {
      return await takePage(page);
    } catch (error) {
      if (!(error instanceof CryptshareFailure)) throw error;
      failures.push(error);
      return undefined;
    }
  };
  const limit = pLimit(atOnce);
  const readBehind = (page: number, pages: number) => {
    const behind = Array.from({ length: pages }, (_, at) => page + 1 + at);
    return limit.map(behind, (each) => (mayGoOn() ? attempt(each) : undefined));
  };

  const first = await attempt(1);
  const mayBeCut = first !== undefined && (first.rows < expected || isRound(first.rows));
  if (first && first.rows < pageSize && !mayBeCut) return undefined;
  const size = first?.rows || pageSize;

  let last = 1;
  let step = Math.ceil(expected / size) - 1;
  if (!first && step < 1) return failures[0];
  if (step < 1) step = 1;
  let stepsWithoutNews = 0;
  for (let isFirstStep = true; mayGoOn(); isFirstStep = false) {
    if (last >= maxPages) {
      failures.push(new CryptshareFailure('malformed_answer', `no end after ${maxPages} pages`));
      break;
    }
    const outcomes = await readBehind(last, step);
    last += step;
    const highest = outcomes[step - 1];
    const empty = outcomes.findIndex((outcome) => outcome?.rows === 0);
    if (empty >= 0 && outcomes.slice(empty).some((outcome) => outcome && outcome.rows > 0)) {
      failures.push(new CryptshareFailure('malformed_answer', 'rows behind an empty page'));
    }
    stepsWithoutNews = outcomes.some((outcome) => outcome && outcome.added > 0) ? 0 : stepsWithoutNews + 1;
    if (!highest || highest.rows < size || stepsWithoutNews === 2) break;
    step = isFirstStep ? 1 : Math.min(2 * step, atOnce);
  }
  return failures[0];
}

/** Whether a page of this many rows may be one that the server cut short: operators choose round maxima, 50 and not 57. */
const isRound = (rows: number): boolean => rows > 0 && (rows % 10 === 0 || rows % 25 === 0);
