/** Several measurements of the same thing. */
export interface Spread {
  readonly least: number;
  readonly median: number;
  readonly greatest: number;
}

/** The median is the middle measurement, or the mean of the two in the middle. */
export function spreadOf(measurements: readonly number[]): Spread {
  const sorted = [...measurements].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
  return { least: sorted[0]!, median, greatest: sorted.at(-1)! };
}

/** Multiplies every measurement. */
export const scaled = ({ least, median, greatest }: Spread, factor: number): Spread => ({
  least: least * factor,
  median: median * factor,
  greatest: greatest * factor,
});
