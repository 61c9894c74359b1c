import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isTimeZone,
  nextDigestAt,
  quietProblem,
  type Timetable,
  weekdays,
  whenProblem,
} from '#functions/notices/timetable.ts';

/** Random timetables in each search. */
const runs = Number(process.env.TIMETABLES ?? 100);

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Zones whose clocks change in the night, at midnight, by half an hour or never, on either half of the Earth. */
const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/Santiago',
  'Africa/Cairo',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
];

const clocks = new Map(
  zones.map((timeZone) => [
    timeZone,
    new Intl.DateTimeFormat('en-GB', {
      timeZone,
      weekday: 'long',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
    }),
  ]),
);

/** Date, weekday and time that the clocks of a zone show, by the platform and not by the code under test. */
function clockAt(timeZone: string, at: number) {
  const parts = clocks.get(timeZone)!.formatToParts(at);
  const part = (type: string) => parts.find((one) => one.type === type)!.value;
  return {
    day: `${part('year')}-${part('month')}-${part('day')}`,
    weekday: part('weekday').toLowerCase(),
    time: `${part('hour')}:${part('minute')}`,
    second: part('second'),
  };
}

/** Noons before changes of a zone's clocks, from 2026 to 2032. */
const changes = new Map(
  zones.map((timeZone) => {
    const noons = Array.from({ length: 7 * 365 }, (_, day) => Date.UTC(2026, 0, 1, 12) + day * dayMs);
    const isChange = (noon: number) => clockAt(timeZone, noon).time !== clockAt(timeZone, noon + dayMs).time;
    return [timeZone, noons.filter(isChange)];
  }),
);

const clockTime = fc
  .tuple(fc.nat(23), fc.nat(59))
  .map(([hour, minute]) => `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`);
/** Clocks change at these hours, so that times near them come twice or never. */
const anyTime = fc.oneof(
  clockTime,
  fc.constantFrom('00:00', '00:30', '01:45', '02:00', '02:15', '02:30', '03:00', '23:30', '23:59'),
);
const anyQuiet = fc.array(
  fc.oneof(
    fc.constantFrom(...weekdays),
    fc
      .tuple(anyTime, anyTime)
      .map((ends) => ends.join('-'))
      .filter((span) => quietProblem(span) === undefined),
  ),
  { maxLength: 3 },
);
const anyWhen = fc.oneof(
  fc.constantFrom('at once', 'every minute', 'hourly'),
  anyTime.map((time) => `daily at ${time}`),
  fc.tuple(fc.constantFrom(...weekdays), anyTime).map(([day, time]) => `weekly on ${day} at ${time}`),
);
const anyZone = fc.constantFrom(...zones);

/** An instant from 2026 to 2032, often in the night in which clocks change. */
const anyInstant = (timeZone: string) => {
  const anyDay = fc.integer({ min: Date.UTC(2026, 0, 2), max: Date.UTC(2032, 0, 1) });
  const days = changes.get(timeZone)!;
  if (days.length === 0) return anyDay;
  const near = fc.tuple(fc.constantFrom(...days), fc.nat(dayMs));
  return fc.oneof(
    anyDay,
    near.map(([day, ms]) => day + ms),
  );
};
const anyCase = fc
  .record({ when: anyWhen, timeZone: anyZone, quiet: anyQuiet })
  .chain((timetable) => anyInstant(timetable.timeZone).map((after) => ({ timetable, after })));

const isQuiet = ({ quiet = [], timeZone }: Timetable, at: number): boolean => {
  const { weekday, time } = clockAt(timeZone, at);
  return quiet.some((span) => {
    const [from = '', until = ''] = span.split('-');
    if (until === '') return span === weekday;
    return from < until ? from <= time && time < until : from <= time || time < until;
  });
};

/** True for times without a minute of the week that is not quiet: the configuration refuses them. */
const coversWeek = (timetable: Timetable): boolean =>
  Array.from({ length: 7 * 24 * 60 }, (_, minute) => Date.UTC(2026, 5, 1) + minute * 60_000).every((at) =>
    isQuiet(timetable, at),
  );

const at = (iso: string) => Date.parse(iso);
const next = (timetable: Timetable, after: string) => new Date(nextDigestAt(timetable, at(after))).toISOString();

describe('nextDigestAt', () => {
  it('is later for every timetable but `at once`, and for that never earlier', () => {
    fc.assert(
      fc.property(anyCase, ({ timetable, after }) => {
        const then = nextDigestAt(timetable, after);
        expect(then).toBeGreaterThanOrEqual(after + (timetable.when === 'at once' ? 0 : 1));
      }),
      { numRuns: runs },
    );
  });

  it('is never in a quiet time', () => {
    fc.assert(
      fc.property(anyCase, ({ timetable, after }) => {
        const isWrong = isQuiet(timetable, nextDigestAt(timetable, after));
        expect(isWrong && !coversWeek(timetable)).toBe(false);
      }),
      { numRuns: runs },
    );
  });

  it('is as early as the quiet time allows, to the hour by which clocks change', () => {
    fc.assert(
      fc.property(anyCase, ({ timetable, after }) => {
        const { quiet: _, ...loud } = timetable;
        const [first, then] = [nextDigestAt(loud, after), nextDigestAt(timetable, after)];
        for (let time = first; time < then - hourMs && time < first + dayMs; time += 60_000)
          expect(isQuiet(timetable, time)).toBe(true);
      }),
      { numRuns: Math.ceil(runs / 4) },
    );
  });

  it.each(zones)('comes once on each day in %s with `daily`, at the time that the clocks show', (timeZone) => {
    const shown = new Map<string, number>();
    for (const time of ['00:00', '00:30', '01:45', '02:30', '07:30', '23:45']) {
      shown.clear();
      const [from, until] = [Date.UTC(2026, 0, 1, 12), Date.UTC(runs > 1000 ? 2032 : 2028, 0, 1, 12)];
      let then = from;
      for (;;) {
        then = nextDigestAt({ when: `daily at ${time}`, timeZone }, then);
        if (then >= until) break;
        const clock = clockAt(timeZone, then);
        shown.set(clock.day, (shown.get(clock.day) ?? 0) + 1);
        // A time that the clocks skip comes later on the day.
        const isSkipped = clock.time !== time;
        if (isSkipped) {
          expect(changes.get(timeZone)!.some((noon) => Math.abs(noon - then) <= dayMs)).toBe(true);
          expect(clock.time > time).toBe(true);
        }
      }
      const days = Math.round((until - from) / dayMs);
      expect([...shown.values()].every((count) => count === 1)).toBe(true);
      expect(shown.size).toBe(days);
    }
  });

  it('comes once in each week with `weekly`, on its day', () => {
    for (const timeZone of zones) {
      let then = Date.UTC(2026, 0, 1);
      for (let week = 0; week < 150; week += 1) {
        const before = then;
        then = nextDigestAt({ when: 'weekly on sunday at 02:30', timeZone }, then);
        expect(clockAt(timeZone, then).weekday).toBe('sunday');
        if (week > 0) expect(Math.abs(then - before - 7 * dayMs)).toBeLessThanOrEqual(hourMs);
      }
    }
  });

  it('leaves no more than an hour between two digests with `hourly`, even when clocks change', () => {
    fc.assert(
      fc.property(
        anyZone.chain((timeZone) => anyInstant(timeZone).map((after) => ({ timeZone, after }))),
        ({ timeZone, after }) => {
          expect(nextDigestAt({ when: 'hourly', timeZone }, after) - after).toBeLessThanOrEqual(hourMs);
          const minute = nextDigestAt({ when: 'every minute', timeZone }, after);
          expect(minute - after).toBeLessThanOrEqual(60_000);
          expect(clockAt(timeZone, minute).second).toBe('00');
        },
      ),
      { numRuns: runs },
    );
  });

  it.each([
    ['daily at 07:30', '2026-11-26T12:00:00Z', '2026-11-27T06:30:00.000Z'],
    ['daily at 07:30', '2026-11-26T06:29:59Z', '2026-11-26T06:30:00.000Z'],
    ['daily at 07:30', '2026-11-26T06:30:00Z', '2026-11-27T06:30:00.000Z'],
    ['weekly on monday at 07:30', '2026-11-26T12:00:00Z', '2026-11-30T06:30:00.000Z'],
    ['hourly', '2026-11-26T12:00:00Z', '2026-11-26T13:00:00.000Z'],
    ['every minute', '2026-11-26T12:00:30Z', '2026-11-26T12:01:00.000Z'],
    ['at once', '2026-11-26T12:00:30Z', '2026-11-26T12:00:30.000Z'],
    // 02:30 comes twice: the first counts.
    ['daily at 02:30', '2026-10-24T12:00:00Z', '2026-10-25T00:30:00.000Z'],
    ['daily at 02:30', '2026-10-25T00:30:00Z', '2026-10-26T01:30:00.000Z'],
    // 02:30 does not come: 03:30 does.
    ['daily at 02:30', '2027-03-27T12:00:00Z', '2027-03-28T01:30:00.000Z'],
    // The hour from 02:00 comes twice.
    ['hourly', '2026-10-25T00:30:00Z', '2026-10-25T01:00:00.000Z'],
    ['hourly', '2026-10-25T01:30:00Z', '2026-10-25T02:00:00.000Z'],
  ])('is, with `%s` after %s, %s in Berlin', (when, after, expected) => {
    expect(next({ when, timeZone: 'Europe/Berlin' }, after)).toBe(expected);
  });

  it('is at the end of a night and a weekend that are quiet', () => {
    const timetable = { when: 'at once', timeZone: 'Europe/Berlin', quiet: ['22:00-07:00', 'saturday', 'sunday'] };
    expect(next(timetable, '2026-11-26T20:59:59Z')).toBe('2026-11-26T20:59:59.000Z');
    expect(next(timetable, '2026-11-26T21:00:00Z')).toBe('2026-11-27T06:00:00.000Z');
    expect(next(timetable, '2026-11-27T21:00:00Z')).toBe('2026-11-30T06:00:00.000Z');
  });

  it('has an end though the quiet has none, and in a zone that is unknown here', () => {
    const always = { when: 'at once', timeZone: 'UTC', quiet: weekdays };
    expect(nextDigestAt(always, at('2026-11-26T12:00:00Z'))).toBeLessThan(at('2026-12-07T12:00:00Z'));
    expect(next({ when: 'daily at 07:30', timeZone: 'Mars/Olympus' }, '2026-11-26T12:00:00Z')).toBe(
      '2026-11-27T07:30:00.000Z',
    );
  });
});

describe('times in the configuration', () => {
  it.each(['at once', 'every minute', 'hourly', 'daily at 00:00', 'daily at 23:59', 'weekly on sunday at 07:30'])(
    'accept %s',
    (when) => expect(whenProblem(when)).toBeUndefined(),
  );

  it.each(['', 'daily', 'daily at 7:30', 'daily at 24:00', 'daily at 07:60', 'weekly at 07:30', 'Hourly', 'hourly '])(
    'refuse "%s"',
    (when) => expect(whenProblem(when)).toContain('expected'),
  );

  it('accept spans and weekdays as quiet, and refuse spans of no length', () => {
    for (const quiet of ['22:00-07:00', '00:00-23:59', ...weekdays]) expect(quietProblem(quiet)).toBeUndefined();
    for (const quiet of ['', '22:00', '07:00-07:00', '22:00-24:00', 'sun', 'Sunday'])
      expect(quietProblem(quiet)).toContain('expected');
    expect(isTimeZone('Europe/Berlin')).toBe(true);
    expect(isTimeZone('Europe/Atlantis')).toBe(false);
  });
});
