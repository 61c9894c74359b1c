import { assumed } from './assumptions.ts';
import { type Billed, items, type Quantities } from './prices.ts';

export const minutesOfMonth = (): number => assumed('days') * 24 * 60;
export const secondsOfMonth = (): number => 60 * minutesOfMonth();

/** Part of the hours of a month in which something changes at random. */
export function hoursWithChange(changes: number, changingHours: number): number {
  const hours = assumed('days') * 24;
  return (changingHours / hours) * (1 - Math.exp(-changes / changingHours));
}

/** @param durationMs of all invocations */
export const gigabyteSeconds = (megabytes: number, durationMs: number): number =>
  (megabytes * durationMs) / (1024 * 1000);

/** Logs of a number of bytes. */
export const logged = (bytes: number): Pick<Quantities, 'logIngestion' | 'logStorage'> => ({
  logIngestion: bytes / 1e9,
  logStorage: (bytes / 1e9) * assumed('logCompression'),
});

/** Rows of a number of bytes, with their backup. */
export const kept = (bytes: number): Pick<Quantities, 'dynamoStorage' | 'dynamoBackup'> => ({
  dynamoStorage: bytes / 1e9,
  dynamoBackup: bytes / 1e9,
});

/** Calls for the secret: each process repeats its own after a while, but only when it is invoked. */
export const secretCalls = (invocations: number, processes: number): number =>
  Math.min(invocations, (processes * secondsOfMonth()) / assumed('secretAge'));

/** Messages that SNS takes in one publication. */
const publicationSize = 10;

/** Publications of events. */
export const publicationsOf = (events: number, together: number): number =>
  events / Math.min(together, publicationSize);

/** Requests of SNS to KMS for a topic, to encrypt and to decrypt: each publisher's data key serves for a while. */
export const keyRequests = (publications: number, publishers: number): number =>
  2 * Math.min(publications, (publishers * secondsOfMonth()) / assumed('keyAge'));

/** The sum of quantities; those that are missing are none. */
export const sumOf = (parts: readonly Partial<Quantities>[]): Quantities =>
  Object.fromEntries(
    (Object.keys(items) as Billed[]).map((item) => [item, parts.reduce((sum, part) => sum + (part[item] ?? 0), 0)]),
  ) as Record<Billed, number>;
