import { tzOffset } from '@date-fns/tz/tzOffset';

export interface Timetable {
  /** `at once`, `every minute` (to try it), `hourly`, `daily at 07:30` or `weekly on monday at 07:30`. */
  readonly when: string;
  /** Name of the IANA data base, for example `Europe/Berlin`. */
  readonly timeZone: string;
  /** Times without digests: spans such as `22:00-07:00`, and weekdays. */
  readonly quiet?: readonly string[] | undefined;
}

export const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

const clockTime = '(?:[01]\\d|2[0-3]):[0-5]\\d';
const atTime = `at (?<time>${clockTime})`;
export const whenForm = new RegExp(
  `^(?:at once|(?<minutely>every minute)|(?<hourly>hourly)|daily ${atTime}|weekly on (?<day>${weekdays.join('|')}) ${atTime})$`,
);
export const quietForm = new RegExp(`^(?:${weekdays.join('|')}|(?<from>${clockTime})-(?<until>${clockTime}))$`);

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** Time after which the quiet has no end: it covers the whole week. */
const longestQuietMs = 8 * dayMs;

export const whenProblem = (when: string): string | undefined =>
  whenForm.test(when)
    ? undefined
    : 'expected at once, hourly, daily at 07:30, or weekly on monday at 07:30, with a time from 00:00 to 23:59';

export function quietProblem(quiet: string): string | undefined {
  const { from = 'no', until } = quietForm.exec(quiet)?.groups ?? {};
  return quietForm.test(quiet) && from !== until
    ? undefined
    : 'expected a weekday such as sunday, or two times such as 22:00-07:00';
}

export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

/**
 * The time of the first digest after an instant, both in Unix ms. With `at once` it is the instant itself, unless it is
 * quiet. A time that the clocks skip in spring comes as much later that day; of one that comes twice, the first counts.
 *
 * @example nextDigestAt({ when: 'daily at 07:30', timeZone: 'Europe/Berlin' }, Date.parse('2026-11-26T12:00:00Z'))
 */
export function nextDigestAt({ when, timeZone, quiet = [] }: Timetable, after: number): number {
  const first = firstTime(when, timeZone, after);
  let at = first;
  while (at < first + longestQuietMs) {
    const end = quiet.map((span) => endOfQuiet(span, timeZone, at)).find((one) => one !== undefined);
    if (end === undefined) break;
    at = end;
  }
  return at;
}

/** The first time after an instant, quiet or not. */
function firstTime(when: string, timeZone: string, after: number): number {
  const { minutely, hourly, time, day } = whenForm.exec(when)?.groups ?? {};
  if (minutely) return after + minuteMs - (after % minuteMs);
  const wall = wallOf(timeZone, after);
  if (hourly) return after + hourMs - (wall % hourMs);
  if (time === undefined) return after;
  // Yesterday's time may still come, if the clocks skip midnight.
  for (let midnight = wall - (wall % dayMs) - dayMs; ; midnight += dayMs) {
    const at = instantOf(timeZone, midnight + minuteOf(time) * minuteMs);
    if (at > after && (day === undefined || weekdays[new Date(midnight).getUTCDay()] === day)) return at;
  }
}

/** The end of a quiet span that holds an instant, by the clocks of the zone; undefined if the span does not hold it. */
function endOfQuiet(quiet: string, timeZone: string, at: number): number | undefined {
  const wall = wallOf(timeZone, at);
  const midnight = wall - (wall % dayMs);
  const { from, until } = quietForm.exec(quiet)?.groups ?? {};
  const isDay = from === undefined || until === undefined;
  const [start, end] = isDay ? [0, 24 * 60] : [minuteOf(from), minuteOf(until)];
  const now = Math.floor((wall - midnight) / minuteMs);
  const isWithin = start < end ? start <= now && now < end : start <= now || now < end;
  if (!isWithin || (isDay && weekdays[new Date(midnight).getUTCDay()] !== quiet)) return undefined;
  const endWall = midnight + (now < end ? 0 : dayMs) + end * minuteMs;
  const endsAt = instantOf(timeZone, endWall);
  // In an hour that comes twice, the end by the clocks may be over once already.
  return endsAt > at ? endsAt : at + endWall - wall;
}

/** The time on the clocks of a zone, as the Unix ms at which they would show it in UTC; so counts an unknown zone. */
const wallOf = (timeZone: string, at: number): number => at + (tzOffset(timeZone, new Date(at)) || 0) * minuteMs;

/** The first instant at which the clocks show a time, or an hour later if they skip it. */
function instantOf(timeZone: string, wall: number): number {
  const [earlier, later] = [wall - dayMs, wall + dayMs].map((near) => wall - wallOf(timeZone, near) + near);
  return wallOf(timeZone, earlier!) !== wall && wallOf(timeZone, later!) === wall ? later! : earlier!;
}

const minuteOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
