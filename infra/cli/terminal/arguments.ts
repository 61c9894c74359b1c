// Parsers of option values; each throws InvalidArgumentError for an unusable text.
import { InvalidArgumentError } from 'commander';
import { typePatterns } from '#functions/events/catalogue.ts';
import { type Followed, followable, overdueBeforeLimitsMs } from '#functions/transfers/follow.ts';
import type { Direction } from '#functions/transfers/transfer.ts';
import { millisecondsOf } from '#infra/terminal/durations.ts';

/** Milliseconds of a duration such as `30s`, `5m`, `24h` or `3d`; `0` for none. */
export function duration(text: string): number {
  if (/^0[smhd]?$/.test(text)) return 0;
  if (/^[1-9]\d{0,5}[smhd]$/.test(text)) return millisecondsOf(text);
  throw new InvalidArgumentError('Expected a duration such as 30s, 5m, 24h or 3d.');
}

/** Milliseconds between two polls: a duration from a second to a day. */
export function interval(text: string): number {
  const milliseconds = duration(text);
  if (milliseconds >= 1000 && milliseconds <= millisecondsOf('1d')) return milliseconds;
  throw new InvalidArgumentError('Expected a duration from 1s to 24h, for example 5m.');
}

/** An {@link interval}, or `default` for that of all watches. */
export const intervalOrDefault = (text: string): number | 'default' => (text === 'default' ? text : interval(text));

/** Milliseconds before the end of a transfer: a duration from an hour to 30 days. */
export function overdueBefore(text: string): number {
  const milliseconds = duration(text);
  const [least, most] = overdueBeforeLimitsMs;
  if (milliseconds >= least && milliseconds <= most) return milliseconds;
  throw new InvalidArgumentError('Expected a duration from 1h to 30d, for example 2d.');
}

/** An {@link overdueBefore}, or `default`. */
export const overdueOrDefault = (text: string): number | 'default' => (text === 'default' ? text : overdueBefore(text));

/** List of what to follow, separated by commas or blanks. */
export function followed(text: string): Followed[] {
  const wanted = text.split(/[\s,]+/).filter((one) => one !== '');
  const known = followable.filter((one) => wanted.includes(one));
  if (known.length > 0 && known.length === wanted.length) return known;
  throw new InvalidArgumentError(`Expected one or more of ${followable.join(',')}.`);
}

/** A list for {@link followed}, or `none`. */
export const followedOrNone = (text: string): Followed[] | 'none' => (text === 'none' ? text : followed(text));

export const durations = (text: string): number[] => text.split(',').map(duration);

/** ISO 8601 time in UTC from a time, a date or an age such as `2h`. */
export const timeAt =
  (now: () => Date) =>
  (text: string): string => {
    if (/^\d+[smhd]$/.test(text)) return new Date(now().getTime() - duration(text)).toISOString();
    // A time without an offset would be in this machine's time zone.
    const utc = /T[\d:.]+$/.test(text) ? `${text}Z` : text;
    const time = /^\d{4}-\d\d-\d\d(T.*)?$/.test(utc) ? Date.parse(utc) : Number.NaN;
    if (Number.isNaN(time)) {
      throw new InvalidArgumentError('Expected a time in UTC such as 2026-11-24T12:00, a date, or an age: 2h, 3d.');
    }
    return new Date(time).toISOString();
  };

export const wholeNumber =
  (least: number, greatest: number) =>
  (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= greatest) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${greatest}.`);
  };

export function direction(text: string): Direction {
  if (text === 'sent' || text === 'received') return text;
  throw new InvalidArgumentError('Expected sent or received.');
}

/** Gathers an option that may be given several times, or with commas. */
export const several = (text: string, before: readonly string[] = []): string[] => [
  ...before,
  ...text.split(',').map((part) => part.trim()),
];

/** Gathers types of events, or patterns such as `watch.*`, as {@link several}. No event has another one. */
export function severalTypes(text: string, before: readonly string[] = []): string[] {
  const types = several(text, before);
  const unknown = types.filter((type) => !typePatterns.includes(type));
  if (unknown.length === 0) return types;
  throw new InvalidArgumentError(`Unknown: ${unknown.join(', ')}. Expected some of ${typePatterns.join(', ')}.`);
}

/** Gathers an option whose values may have commas in them. */
export const repeated = (text: string, before: readonly string[] = []): string[] => [...before, text];
