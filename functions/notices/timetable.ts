import { TZDate } from '@date-fns/tz';

/** When a reader gets digests. */
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

/** Quiet spans that may follow each other before a digest is sent: more than a week of them has. */
const mostSpans = 128;

/** The problem with a time for digests, if any. */
export const whenProblem = (when: string): string | undefined =>
  whenForm.test(when)
    ? undefined
    : 'expected at once, hourly, daily at 07:30, or weekly on monday at 07:30, with a time from 00:00 to 23:59';

/** The problem with a quiet time, if any. */
export function quietProblem(quiet: string): string | undefined {
  const { from = 'no', until } = quietForm.exec(quiet)?.groups ?? {};
  return quietForm.test(quiet) && from !== until
    ? undefined
    : 'expected a weekday such as sunday, or two times such as 22:00-07:00';
}

/** True for a time zone that this platform knows. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

/**
 * The time of the first digest after an instant, both in Unix ms. With `at once` it is the instant itself, unless it is
 * quiet. A time that the clocks skip in spring is an hour later that day; of one that comes twice, the first counts.
 *
 * @example nextDigestAt({ when: 'daily at 07:30', timeZone: 'Europe/Berlin' }, Date.parse('2026-11-26T12:00:00Z'))
 */
export function nextDigestAt({ when, timeZone, quiet = [] }: Timetable, after: number): number {
  let at = firstTime(when, timeZone, after);
  for (let spans = 0; spans < mostSpans; spans += 1) {
    const end = quiet.map((span) => endOfQuiet(span, new TZDate(at, timeZone))).find((one) => one !== undefined);
    if (end === undefined) return at;
    at = end;
  }
  return at;
}

/** The first time after an instant, quiet or not. */
function firstTime(when: string, timeZone: string, after: number): number {
  const { minutely, hourly, time, day } = whenForm.exec(when)?.groups ?? {};
  const local = new TZDate(after, timeZone);
  if (minutely) return local.setSeconds(60, 0);
  if (hourly) return local.setMinutes(60, 0, 0);
  if (time === undefined) return after;
  for (let days = 0; ; days += 1) {
    const at = atTimeOf(local, time, days);
    if (at.getTime() > after && (day === undefined || weekdays[at.getDay()] === day)) return at.getTime();
  }
}

/** The end of a quiet span that holds a time; undefined if the time is not within it, or in an hour that comes twice. */
function endOfQuiet(quiet: string, at: TZDate): number | undefined {
  const { from, until } = quietForm.exec(quiet)?.groups ?? {};
  if (from === undefined || until === undefined)
    return weekdays[at.getDay()] === quiet ? atTimeOf(at, '00:00', 1).getTime() : undefined;
  const now = at.getHours() * 60 + at.getMinutes();
  const [start, end] = [minuteOf(from), minuteOf(until)];
  const isWithin = start < end ? start <= now && now < end : start <= now || now < end;
  const endsAt = atTimeOf(at, until, now < end ? 0 : 1).getTime();
  return isWithin && endsAt > at.getTime() ? endsAt : undefined;
}

/** A time of the day some days after a date, by the clocks of its zone. */
function atTimeOf(date: TZDate, time: string, days: number): TZDate {
  const minutes = minuteOf(time);
  return new TZDate(
    date.getFullYear(),
    date.getMonth(),
    date.getDate() + days,
    Math.floor(minutes / 60),
    minutes % 60,
    date.timeZone!,
  );
}

const minuteOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
