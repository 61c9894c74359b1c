import { assumed } from './bill-assumptions.ts';
import { type Billed, billed, type Quantities } from './prices.ts';

/** Part of the hours of a month in which something changes at random. */
export function hoursWithChange(changes: number, changingHours: number): number {
  const hours = assumed('days') * 24;
  return (changingHours / hours) * (1 - Math.exp(-changes / changingHours));
}

export const minutesOfMonth = (): number => assumed('days') * 24 * 60;
export const secondsOfMonth = (): number => 60 * minutesOfMonth();

/** @param duration milliseconds of all invocations */
export const gigabyteSeconds = (memory: number, duration: number): number => (memory * duration) / (1024 * 1000);

/** Logs of so many bytes. */
export const logged = (bytes: number): Pick<Quantities, 'logIngestion' | 'logStorage'> => ({
  logIngestion: bytes / 1e9,
  logStorage: (bytes / 1e9) * assumed('logCompression'),
});

/** Rows of so many bytes, with their backup. */
export const kept = (bytes: number): Pick<Quantities, 'dynamoStorage' | 'dynamoBackup'> => ({
  dynamoStorage: bytes / 1e9,
  dynamoBackup: bytes / 1e9,
});

/** Calls for the secret: each process repeats its own after a while, but only when it is invoked. */
export const secretCalls = (invocations: number, processes: number): number =>
  Math.min(invocations, (processes * secondsOfMonth()) / assumed('secretAge'));

/** The sum of quantities, of which those that are missing are none. */
export const sumOf = (parts: readonly Partial<Quantities>[]): Quantities =>
  Object.fromEntries(
    (Object.keys(billed) as Billed[]).map((item) => [item, parts.reduce((sum, part) => sum + (part[item] ?? 0), 0)]),
  ) as Record<Billed, number>;
