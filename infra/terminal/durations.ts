/** Milliseconds of each unit, the largest first. */
const units = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 } as const;

/** Milliseconds of a duration such as `30s`, `1m`, `2h` or `3d`. */
export const millisecondsOf = (duration: string): number =>
  Number(duration.slice(0, -1)) * units[duration.at(-1) as keyof typeof units];

/** Duration in the largest unit without remainder, for example `5m`. */
export function durationText(milliseconds: number): string {
  const found = Object.entries(units).find(([, size]) => milliseconds >= size && milliseconds % size === 0);
  return found ? `${milliseconds / found[1]}${found[0]}` : `${milliseconds} ms`;
}
