import { measure } from '#test/bench/measurement.ts';
import { type Section, tableOf, time } from '#test/bench/section.ts';
import { spreadOf } from '#test/bench/spread.ts';
import { number, range } from '#test/bench/table.ts';
import { maxConcurrentPages } from './polling.ts';

const pages = 100;
const transfers = 100 * pages;
const rounds = 5;

/** Milliseconds before each answer. */
const delayMs = 50;

/** Milliseconds that a listing may take. */
const budgetMs = 60_000;

/** Milliseconds, if only the server's delay took time and no request had to wait for another's answer. */
const idealMs = (pages / maxConcurrentPages) * delayMs;

/** Lists 100 full pages with 50 ms before each answer. The last poll knows the number of transfers. */
export const listing: Section = {
  name: 'listing',
  what: 'listing 100 pages on a slow server',
  async measure({ services, deps: { server, now } }) {
    const watch = await services.call('fill', 'pages@example.com', transfers);
    const read = async () => {
      const found = await server.list(watch, 'all', transfers, now().getTime() + budgetMs);
      const { size } = found.listing;
      if (found.failure || size !== transfers) throw new Error(`listed ${size} of ${transfers} transfers`);
    };
    await services.call('delay', delayMs);
    await read();
    await services.call('countRequests');
    const times: number[] = [];
    for (let round = 0; round < rounds; round += 1) times.push((await measure(read)).wallMs);
    // One more than pages: only an empty page shows that the last full one was the last.
    const requests = (await services.call('countRequests')) / rounds;
    await services.call('delay', 0);
    const facts = [pages, requests, delayMs, maxConcurrentPages, rounds, idealMs];
    return {
      measured: { requests, times },
      tables: [
        tableOf(
          'listing',
          'Listing on a slow server',
          ['pages', 'requests', 'delay ms', 'at once', 'rounds', 'ideal ms', 'measured ms'],
          [[...facts.map((value) => number.format(value)), range(spreadOf(times))]],
          0,
        ),
      ],
      figures: [
        time('100 pages at 50 ms, 4 at a time', 1.3, '× ideal', spreadOf(times.map((wallMs) => wallMs / idealMs))),
      ],
    };
  },
};
