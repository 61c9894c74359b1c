/** Several measurements of the same thing. */
export interface Spread {
  readonly least: number;
  readonly median: number;
  readonly greatest: number;
}

/** The median is the middle measurement, or the mean of the two in the middle. */
export function spreadOf(measurements: readonly number[]): Spread {
  const sorted = measurements.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
  return { least: sorted[0]!, median, greatest: sorted.at(-1)! };
}

/** Many measurements of which the slowest matter: the values that half of them and 99 of 100 stay below. */
export function percentiles(values: readonly number[]) {
  const sorted = values.toSorted((a, b) => a - b);
  const below = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  return { count: sorted.length, p50: below(0.5), p99: below(0.99) };
}

export type Percentiles = ReturnType<typeof percentiles>;
