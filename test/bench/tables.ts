import type { Safety } from './approach.ts';
import type { ComparisonCost } from './comparison.ts';
import type { HourlyLoad } from './hourly-load.ts';
import type * as month from './monthly-cost.ts';
import type { PageReadingTime } from './page-reading.ts';
import type { Figure } from './results.ts';
import type { PollCost } from './scenarios.ts';
import type { Spread } from './spread.ts';

/** Texts of a row, one for each column. */
type Row = readonly string[];

export const number = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
export const fine = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** Polls by size and scenario, one row for each approach. */
export function pollTable(costs: readonly PollCost[]): string {
  const sorted = [...costs].sort((a, b) => a.transfers - b.transfers || orderOf(costs, a) - orderOf(costs, b));
  return table(
    ['transfers', 'poll', 'approach', 'rounds', 'requests', 'reads', 'writes', 'CPU ms', 'heap MB'],
    sorted.map((cost, index) => {
      // Said once for each block, so that the blocks can be told apart.
      const isFirst = (name: 'transfers' | 'scenario') => cost[name] !== sorted[index - 1]?.[name];
      const about = cost.extrapolatedFrom === undefined ? '' : '~';
      return [
        isFirst('transfers') ? number.format(cost.transfers) : '',
        isFirst('transfers') || isFirst('scenario') ? cost.scenario : '',
        cost.approach,
        cost.extrapolatedFrom === undefined ? String(cost.rounds) : '-',
        about + range(cost.requests),
        about + range(cost.readUnits),
        about + range(cost.writeUnits),
        about + number.format(cost.cpu.median),
        cost.heapGrowth ? number.format(cost.heapGrowth.greatest) : '-',
      ];
    }),
    3,
  );
}

/** Time to compare a listing, relative to parsing it. */
export function comparisonTable(comparisons: readonly ComparisonCost[]): string {
  return table(
    ['transfers', 'changed', 'rounds', 'JSON.parse ms', 'comparing ms', 'ratio', 'heap MB'],
    comparisons.map(({ transfers, changes, rounds, parsing, comparing, ratio, heapGrowth }) => [
      number.format(transfers),
      number.format(changes),
      String(rounds),
      spread(parsing),
      spread(comparing),
      spread(ratio),
      number.format(heapGrowth),
    ]),
    0,
  );
}

/** Time to read the pages of a slow server. */
export function pageReadingTable(reading: PageReadingTime): string {
  const { pages, requests, delay, atOnce, rounds, ideal, wall } = reading;
  return table(
    ['pages', 'requests', 'delay ms', 'at once', 'rounds', 'ideal ms', 'measured ms'],
    [[...[pages, requests, delay, atOnce, rounds, ideal].map((value) => number.format(value)), range(wall)]],
    0,
  );
}

/** An hour of polls. */
export function hourlyLoadTable(loads: readonly HourlyLoad[]): string {
  return table(
    ['transfers', 'active', 'full listings', 'changes', 'requests', 'read units', 'write units'],
    loads.map(({ transfers, active, fullListingEvery, changes, requests, readUnits, writeUnits }) => [
      number.format(transfers),
      number.format(active),
      fullListingEvery === 1 ? 'all' : `1 of ${fullListingEvery}`,
      ...[changes, requests, readUnits, writeUnits].map((value) => number.format(value)),
    ]),
    0,
  );
}

/** Monthly charge of DynamoDB. */
export function monthTable(costs: readonly month.MonthlyCost[]): string {
  return table(
    ['approach', 'read units', 'write units', 'USD'],
    costs.map(({ approach, read, write, dollars }) => [
      approach,
      number.format(read),
      number.format(write),
      dollars.toFixed(3),
    ]),
    1,
  );
}

/** Guarantees of each way to poll. */
export function safetyTable(ways: readonly Safety[]): string {
  return table(
    ['approach', 'largest mailbox', 'lost when it dies between storing and publishing'],
    ways.map(({ name, limit, loses }) => [name, limit, loses]),
    3,
  );
}

/** Promised and measured figures. */
export function figureTable(figures: readonly Figure[]): string {
  return table(
    ['figure of the design', 'promise', 'measured', ''],
    figures.map(({ what, limit, unit, isLeast, measured, isReached }) => [
      what,
      `${isLeast ? '≥' : '≤'} ${limit} ${unit}`,
      measured ? figureText(measured) : '-',
      isReached === undefined ? '' : isReached ? 'reached' : 'MISSED',
    ]),
    4,
  );
}

/** Aligned columns; the first `texts` of them to the left, the others to the right as numbers are. */
export function table(heading: Row, rows: readonly Row[], texts: number): string {
  const widths = heading.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const line = (row: Row) =>
    row
      .map((text, column) => (column < texts ? text.padEnd(widths[column]!) : text.padStart(widths[column]!)))
      .join('  ')
      .trimEnd();
  return [line(heading), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}

/** A range of whole numbers, a single measurement, or median, least and greatest; large ones in whole numbers. */
const figureText = (measured: Spread): string => {
  const { least, median, greatest } = measured;
  if (Number.isInteger(least + greatest)) return range(measured);
  if (least === greatest) return (median < 100 ? fine : number).format(median);
  return median < 100 ? spread(measured) : wholeSpread(measured);
};

/** `4`, or `3–5` if the rounds differ. */
const range = ({ least, greatest }: Spread): string =>
  number.format(least) === number.format(greatest)
    ? number.format(least)
    : `${number.format(least)}–${number.format(greatest)}`;

/** `0.48 (0.42 to 1.05)`: median, least and greatest. */
export const spread = ({ least, median, greatest }: Spread): string =>
  `${fine.format(median)} (${fine.format(least)} to ${fine.format(greatest)})`;

/** Median, least and greatest in whole numbers. */
export const wholeSpread = ({ least, median, greatest }: Spread): string =>
  `${number.format(median)} (${number.format(least)} to ${number.format(greatest)})`;

/** Scenarios keep the order in which they were measured, and within each the approaches. */
function orderOf(costs: readonly PollCost[], { scenario, approach }: PollCost): number {
  const scenarios = [...new Set(costs.map((cost) => cost.scenario))];
  const approaches = [...new Set(costs.map((cost) => cost.approach))];
  return scenarios.indexOf(scenario) * approaches.length + approaches.indexOf(approach);
}
