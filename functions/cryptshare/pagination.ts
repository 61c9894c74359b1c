import pLimit from 'p-limit';
import { CryptshareFailure } from './failure.ts';

/** Rows per page: the maximum that the vendor's page on transfer polling allows. */
export const pageSize = 100;

/** Pages after which a server counts as repeating itself: a million transfers, as many as fit into memory. */
const maxPages = 10_000;

/** Failed pages after which the rest of a pass is skipped: each has failed in all of its attempts. */
const maxFailedPages = 3;

/** Rows of a page, and transfers among them that no earlier page had. */
export interface PageRows {
  readonly rows: number;
  readonly added: number;
}

/**
 * Reads all pages of a listing, several at once. The API names neither total nor last page. So a short or empty page is
 * the end, with these exceptions:
 * - Page 2 is read after a first page of round size, or below `expected`. The server may cut pages to its own maximum.
 * - Rows behind a short page show that it was not the last.
 * - Pages without new transfers twice in a row mean a server that repeats its last page.
 * - Rows behind an empty page are impossible: such a listing is incomplete.
 * - A full page is the last, too, where `isWhole` says so of all rows up to it.
 *
 * Pages that must exist by `expected` are read `atOnce`. Beyond them the pass probes ahead, doubling its step, so that
 * a quiet mailbox costs no extra request.
 *
 * @param takePage reads one page, counted from 1; throws {@link CryptshareFailure}
 * @returns the first failure, if any; other pages are read all the same unless it concerns all of them
 */
export async function readPages(
  takePage: (page: number) => Promise<PageRows>,
  expected: number,
  atOnce: number,
  isWhole = () => false,
) {
  const failures: CryptshareFailure[] = [];
  const mayGoOn = () => failures.length < maxFailedPages && failures.every((failure) => failure.retryable);
  const attempt = (page: number) =>
    takePage(page).catch((error) => {
      if (!(error instanceof CryptshareFailure)) throw error;
      failures.push(error);
      return undefined;
    });
  const limit = pLimit(atOnce);

  const first = await attempt(1);
  if (first && first.rows < pageSize && first.rows >= expected && !isRound(first.rows)) return undefined;
  const size = first?.rows || pageSize;
  if (first && expected <= size && isWhole()) return undefined;

  if (!first && expected <= size) return failures[0];
  let last = 1;
  let step = Math.max(1, Math.ceil(expected / size) - 1);
  let stepsWithoutNews = 0;
  for (let isFirstStep = true; mayGoOn(); isFirstStep = false) {
    if (last >= maxPages) {
      failures.push(new CryptshareFailure('malformed_answer', `no end after ${maxPages} pages`));
      break;
    }
    const pages = Array.from({ length: step }, (_, index) => last + 1 + index);
    const outcomes = await limit.map(pages, (page) => (mayGoOn() ? attempt(page) : undefined));
    last += step;
    const highest = outcomes[step - 1];
    const empty = outcomes.findIndex((outcome) => outcome?.rows === 0);
    if (empty >= 0 && outcomes.slice(empty).some((outcome) => outcome && outcome.rows > 0))
      failures.push(new CryptshareFailure('malformed_answer', 'rows behind an empty page'));
    stepsWithoutNews = outcomes.some((outcome) => outcome && outcome.added > 0) ? 0 : stepsWithoutNews + 1;
    if (!highest || highest.rows < size || stepsWithoutNews === 2 || (isFirstStep && isWhole())) break;
    step = isFirstStep ? 1 : Math.min(2 * step, atOnce);
  }
  return failures[0];
}

/** True when the server may have cut a page of this many rows. Operators choose round maxima, 50 and not 57. */
const isRound = (rows: number): boolean => rows > 0 && (rows % 10 === 0 || rows % 25 === 0);
