import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { NotifierEvent, WatchProblem } from '#functions/events/transfer-event.ts';
import {
  type Incident,
  nextIncident,
  openIncident,
  plausibleMended,
  scheduleEarlier,
  verifiableSince,
} from '#functions/watches/incident.ts';
import { type FailingShare, type FailingWatch, isDue, shareOf } from '#functions/watches/incident-share.ts';
import type { RegisteredWatch } from '#functions/watches/polled-watches.ts';
import { nextHealth, toldAlone } from '#functions/watches/watch-health.ts';

const origin = 'https://cryptshare.example.com';
const minute = 60_000;
const start = Date.parse('2026-11-24T00:00:00Z');
const unverified: WatchProblem = { cause: 'not_verified', message: 'not verified' };

const isFailing = (watch: RegisteredWatch): watch is FailingWatch => watch.health !== undefined;

/** What shards of two watches each make of those that fail. */
function sharesOf(incident: Incident | undefined, watches: readonly FailingWatch[]) {
  const shards = Map.groupBy(watches, ({ mailbox }) => Math.floor(Number(/\d/.exec(mailbox)?.[0] ?? 0) / 2));
  return [...shards.values()].map((part) => shareOf(openIncident(incident), part));
}

const shards = 3;

/**
 * Polls all watches once a minute, shard by shard; each minute has the places of those that fail then. A shard knows its own
 * watches, and of the others what their last ticks have written down. Returns what is told, by minute.
 */
function live(count: number, minutes: readonly ReadonlySet<number>[], clock = (at: number) => start + at * minute) {
  const watches: RegisteredWatch[] = Array.from({ length: count }, (_, index) => ({
    ...{ mailbox: `m${index}@example.com`, direction: 'sent' },
  }));
  const shares: (FailingShare | undefined)[] = Array(shards).fill(undefined);
  let incident: Incident | undefined;
  const told: { minute: number; type: string; watches: number | undefined }[] = [];
  const tell = (at: number, { type, data }: NotifierEvent<string, object>) =>
    told.push({ minute: at, type, watches: (data as { watches?: number }).watches });
  let writes = 0;
  const tick = (at: number, shard: number, failing: ReadonlySet<number>) => {
    const now = clock(at);
    const time = new Date(now).toISOString();
    const places = [...watches.keys()].filter((place) => place % shards === shard);
    for (const place of places) {
      const { health: before, ...rest } = watches[place]!;
      const problem = failing.has(place) ? unverified : undefined;
      const change = nextHealth(origin, watches[place]!, before, problem, !problem, time);
      if (change?.event) tell(at, change.event);
      if (change) watches[place] = { ...rest, ...(change.health && { health: change.health }) };
    }
    const own = places.map((place) => watches[place]!).filter(isFailing);
    shares[shard] = own.length > 0 ? shareOf(openIncident(incident), own) : undefined;
    const known = shares.filter((share) => share !== undefined);
    const change = nextIncident(origin, 'not_verified', incident, known, minute, now);
    if (!change) return;
    if (change === 'alone') {
      const alone = own.find((watch) => isDue(openIncident(incident), watch));
      if (!alone) return;
      const { health, event } = toldAlone(origin, alone, alone.health, time);
      tell(at, event!);
      watches[watches.indexOf(alone)] = { ...alone, health: health! };
    } else {
      const { pending = [], ...next } = change.next;
      for (const body of pending) tell(at, JSON.parse(body));
      incident = { ...next, rev: (incident?.rev ?? 0) + 1 };
    }
    writes += 1;
  };
  for (const [index, failing] of minutes.entries()) {
    for (let shard = 0; shard < shards; shard += 1) tick(index, shard, failing);
  }
  return { told, writes, watches, incident };
}
const all = (count: number) => new Set(Array.from({ length: count }, (_, index) => index));
const none = new Set<number>();
const row = (...parts: [number, ReadonlySet<number>][]) => parts.flatMap(([times, set]) => Array(times).fill(set));

describe('an incident', () => {
  it('is told at the third poll of all, and its end after five calm minutes', () => {
    const { told, writes } = live(30, row([20, all(30)], [20, none]));
    expect(told).toEqual([
      { minute: 2, type: 'watch.many_failing', watches: 30 },
      { minute: 25, type: 'watch.many_recovered', watches: 30 },
    ]);
    expect(writes).toBe(3);
  });

  it('is told anew after it has ended', () => {
    const { told } = live(3, row([5, all(3)], [10, none], [5, all(3)], [10, none]));
    expect(told.map(({ type }) => type)).toEqual([
      ...['watch.many_failing', 'watch.many_recovered', 'watch.many_failing', 'watch.many_recovered'],
    ]);
  });

  test.each([
    { what: 'back by a year', jump: -365 * 24 * 60 * minute },
    { what: 'forwards by a year', jump: 365 * 24 * 60 * minute },
  ])('is neither told time and again nor swallowed when the clock is set $what', ({ jump }) => {
    const clock = (at: number) => start + at * minute + (at >= 10 ? jump : 0);
    const { told } = live(6, row([30, all(4)], [30, all(6)], [20, none]), clock);
    const failing = told.filter(({ type }) => type === 'watch.many_failing');
    expect(failing.length).toBeGreaterThan(0);
    expect(failing.length).toBeLessThanOrEqual(2);
    expect(told.at(-1)?.type).toBe('watch.many_recovered');
  });

  it('whatever fails and when: nothing that goes on failing stays untold, and messages stay few', () => {
    const someMinutes = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.uniqueArray(fc.nat(5)));
    const property = fc.property(fc.array(someMinutes, { minLength: 1, maxLength: 8 }), (parts) => {
      const minutes = row(...parts.map(([times, places]): [number, ReadonlySet<number>] => [times, new Set(places)]));
      const last = minutes.at(-1)!;
      const { told, watches, incident } = live(6, [...minutes, ...Array(8).fill(last)]);
      for (const { health } of watches) {
        if (!health) continue;
        const isTold =
          health.sharedAt === undefined || (incident && !incident.isOver && health.sharedAt <= incident.until);
        expect(isTold).toBe(true);
      }
      const count = (type: string) => told.filter((one) => one.type === type).length;
      const hours = Math.ceil(minutes.length / 60);
      expect(count('watch.many_failing')).toBeLessThanOrEqual(count('watch.many_recovered') + 1 + hours);
      expect(count('watch.many_recovered')).toBeLessThanOrEqual(count('watch.many_failing'));
      expect(count('watch.recovered')).toBeLessThanOrEqual(count('watch.failing'));
    });
    fc.assert(property, { numRuns: 500 });
  });
});

test('an incident covers each watch that it counts, though another shard has it fail a third time before those that are told first', () => {
  const failingSince = new Date(start).toISOString();
  const health = { failingSince, failures: 2, problem: unverified, isAnnounced: false };
  const shared = (seconds: number) => ({
    ...{ ...health, failures: 3, isAnnounced: true },
    sharedAt: new Date(start + 2 * minute + 1000 * seconds).toISOString(),
  });
  const watch = (name: string, own: FailingWatch['health']): FailingWatch => ({
    ...{ mailbox: `${name}@example.com`, direction: 'sent', health: own },
  });
  const own = [watch('one', shared(30)), watch('two', shared(30))];
  const seen = [...own, watch('other', health)];
  const told = nextIncident(
    origin,
    'not_verified',
    undefined,
    sharesOf(undefined, seen),
    minute,
    start + 2 * minute + 31_000,
  );
  const { next } = told as { next: Incident };
  expect(next.told.watches).toBe(3);
  const later = [...own, watch('other', shared(5))];
  const open = { ...next, rev: 1 };
  expect(nextIncident(origin, 'not_verified', open, sharesOf(open, later), minute, start + 3 * minute)).toBeUndefined();
});

describe('a watch that fails for a cause that was found mended', () => {
  const failingSince = new Date(start).toISOString();
  const health = { failingSince, failures: 3, problem: unverified, isAnnounced: true };
  const watch: RegisteredWatch = { mailbox: 'alice@example.com', direction: 'sent', health };

  test.each([
    {
      what: 'since then counts as new',
      mended: { not_verified: start + minute },
      scheduledFrom: '2026-11-24T00:01:00.000Z',
    },
    { what: 'before it began is left as it is', mended: { not_verified: start - 1 }, scheduledFrom: undefined },
    { what: 'of another kind is left as it is', mended: { forbidden: start + minute }, scheduledFrom: undefined },
  ])('$what', ({ mended, scheduledFrom }) => {
    expect(scheduleEarlier(watch, mended).scheduledFrom).toBe(scheduledFrom);
  });

  it('is not kept from its next poll by a clock that was ahead when it found the cause mended', () => {
    const since = '2026-11-24T00:30:00.000Z';
    const read = { not_verified: start + 365 * 24 * 60 * minute, token_invalid: start + minute };
    const mended = plausibleMended(read, start + 30 * minute);
    expect(scheduleEarlier({ ...watch, scheduledFrom: since }, mended).scheduledFrom).toBe(since);
    expect(verifiableSince(mended)).toBe(start + minute);
  });

  it('keeps the later time from which on it is polled as it stands', () => {
    const since = '2026-11-24T01:00:00.000Z';
    expect(scheduleEarlier({ ...watch, scheduledFrom: since }, { not_verified: start + minute }).scheduledFrom).toBe(
      since,
    );
  });
});
