import { notifierName } from './approach-notifier.ts';
import type { Total } from './monthly-bill.ts';
import type { Report } from './report.ts';
import { oneChange, type Scenario, unchanged } from './scenarios.ts';
import type { Spread } from './spread.ts';
import type { WebhookSpeed } from './webhooks.ts';

/** One of the figures that the design promises. */
export interface Figure {
  readonly what: string;
  /** The promise: at most so much, or at least. */
  readonly limit: number;
  readonly isLeast?: boolean;
  readonly unit: string;
  /** Undefined when this run has not measured it. */
  readonly measured: Spread | undefined;
  /** Held by the worst round where a count is promised, by the median where a time is. */
  readonly isReached: boolean | undefined;
}

/** The figures of the design beside what was measured. */
export function figures({ polls, comparisons, pageReading, webhooks, bundles, bills }: Measurements): Figure[] {
  const costOf = (scenario: Scenario) =>
    polls.find(
      (cost) => cost.approach === notifierName && cost.transfers === 10_000 && cost.scenario === scenario.name,
    );
  const quiet = costOf(unchanged);
  const change = costOf(oneChange);
  const { ideal, wall } = pageReading;
  const bill = billOfOneWatch(bills);
  const factor = { least: wall.least / ideal, median: wall.median / ideal, greatest: wall.greatest / ideal };
  return [
    count('unchanged poll of 10,000', 1, 'read units', quiet?.readUnits),
    count('unchanged poll of 10,000', 0, 'write units', quiet?.writeUnits),
    count('1 change among 10,000', 4, 'read units', change?.readUnits),
    count('1 change among 10,000', 6, 'write units', change?.writeUnits),
    ...comparisons.flatMap(({ changes, ratio, heapGrowth }) => [
      time(`compare 100,000, ${changes} changed: CPU`, 1, '× JSON.parse', ratio),
      count(`compare 100,000, ${changes} changed: heap`, 100, 'MB', once(heapGrowth)),
    ]),
    time(
      `${pageReading.pages} pages at ${pageReading.delay} ms, ${pageReading.atOnce} at a time`,
      1.3,
      '× ideal',
      factor,
    ),
    time('publication → first webhook attempt: p99', 100, 'ms', once(webhooks.latency.p99)),
    time('p99 beside bad endpoints', 1.2, '× beside healthy ones', once(slowdown(webhooks))),
    rate('webhooks in the send path', 1000, webhooks.sendPath),
    rate('webhooks through queue and database', 400, webhooks.throughServices),
    ...bundles.bundles.flatMap(({ name, size, load }) => [
      count(`bundle of ${name}`, 400, 'KB', once(size)),
      time(`loading ${name}`, 100, 'ms', load.wall),
    ]),
    count('a month of 1 watch of 1,000, before alarms', 1, 'USD', dollars(bill?.net)),
    count('the same if nothing were free', 1, 'USD', dollars(bill?.gross)),
  ];
}

/** What the figures are taken from. */
type Measurements = Pick<Report, 'polls' | 'comparisons' | 'pageReading' | 'webhooks' | 'bundles' | 'bills'>;

/** In us-east-1. */
const billOfOneWatch = (bills: Report['bills']): Total | undefined =>
  bills
    .find(({ installation: { watches, transfers } }) => watches === 1 && transfers === 1000)
    ?.bills.find(({ region }) => region === 'us-east-1')?.beforeAlarms;

const dollars = (value: number | undefined): Spread | undefined => (value === undefined ? undefined : once(value));

const count = (what: string, limit: number, unit: string, measured: Spread | undefined): Figure => ({
  what,
  limit,
  unit,
  measured,
  isReached: measured && measured.greatest <= limit,
});

const time = (what: string, limit: number, unit: string, measured: Spread): Figure => ({
  what,
  limit,
  unit,
  measured,
  isReached: measured.median <= limit,
});

/** How much longer the slowest take beside bad endpoints than beside healthy ones. */
const slowdown = ({ besideBad, besideHealthy }: WebhookSpeed): number => besideBad.p99 / besideHealthy.p99;

const rate = (what: string, limit: number, measured: number): Figure => ({
  what,
  limit,
  isLeast: true,
  unit: 'a second',
  measured: once(Math.round(measured)),
  isReached: measured >= limit,
});

const once = (value: number): Spread => ({ least: value, median: value, greatest: value });
