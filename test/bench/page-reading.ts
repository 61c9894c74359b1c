import type { PollDependencies } from '#functions/poll/dependencies.ts';
import { measured } from './measurement.ts';
import { maxConcurrentPages } from './polling.ts';
import type { Services } from './services.ts';
import { type Spread, spreadOf } from './spread.ts';

/** How long a listing takes on a server that is slow to answer. */
export interface PageReadingTime {
  readonly pages: number;
  /** Requests sent: one more than pages, because nothing but an empty page shows that the last full one was the last. */
  readonly requests: number;
  /** Milliseconds before each answer. */
  readonly delay: number;
  readonly atOnce: number;
  readonly rounds: number;
  /** Milliseconds, if the server's delay were all there is to wait for and no request had to wait for another's answer. */
  readonly ideal: number;
  /** Milliseconds. */
  readonly wall: Spread;
}

const pages = 100;
const delay = 50;
const rounds = 5;
const budget = 60_000;

/** Lists 100 full pages, of a number of transfers that is known from the last poll, with 50 ms before each answer. */
export async function measurePageReading(
  services: Services,
  { server, now }: PollDependencies,
): Promise<PageReadingTime> {
  const transfers = 100 * pages;
  const watch = await services.fill('pages@example.com', transfers);
  const read = async () => {
    const { listing, failure } = await server.list(watch, 'all', transfers, now().getTime() + budget);
    if (failure || listing.size !== transfers) throw new Error(`listed ${listing.size} of ${transfers} transfers`);
  };
  await services.delay(delay);
  await read();
  await services.countRequests();
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) times.push((await measured(read)).wall);
  const requests = (await services.countRequests()) / rounds;
  await services.delay(0);
  const atOnce = maxConcurrentPages;
  return { pages, requests, delay, atOnce, rounds, ideal: (pages / atOnce) * delay, wall: spreadOf(times) };
}
