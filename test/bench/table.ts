import type { Percentiles, Spread } from './spread.ts';

/** Texts of a row, one for each column. */
type Row = readonly string[];

export const number = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
export const fine = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** Aligned columns; the first, or the first `texts`, to the left, the others to the right as numbers are. */
export function table(heading: Row, rows: readonly Row[], texts = 1): string {
  const widths = heading.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const line = (row: Row) =>
    row
      .map((text, column) => (column < texts ? text.padEnd(widths[column]!) : text.padStart(widths[column]!)))
      .join('  ')
      .trimEnd();
  return [line(heading), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}

/** Latencies in a row of a table, the last in terms of another one. */
export const latencyTexts = ({ count, p50, p99 }: Percentiles, ratio: number): string[] => [
  number.format(count),
  ...[p50, p99, ratio].map((value) => fine.format(value)),
];

/** `4`, or `3–5` if the rounds differ. */
export const range = ({ least, greatest }: Spread): string =>
  number.format(least) === number.format(greatest)
    ? number.format(least)
    : `${number.format(least)}–${number.format(greatest)}`;

/** `0.48 (0.42 to 1.05)`: median, least and greatest. */
export const spread = ({ least, median, greatest }: Spread, format = fine): string =>
  `${format.format(median)} (${format.format(least)} to ${format.format(greatest)})`;
