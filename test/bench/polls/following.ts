import type { Units } from '#functions/dynamodb/partition.ts';
import { type FollowingWatch, followable } from '#functions/transfers/follow.ts';
import { scopeDue } from '#functions/watches/schedule.ts';
import { type Bench, count, type Section, tableOf } from '#test/bench/section.ts';
import { spreadOf } from '#test/bench/spread.ts';
import { number } from '#test/bench/table.ts';
import type { Drawing } from './drawn-transfers.ts';
import { pollOnce } from './polling.ts';

/** 5 % active by chance, on both sides of 500: more need a sixth page. At the end exactly 5 %: five full pages. */
const mailboxes: readonly Drawing[] = [
  { seed: 1, transfers: 100, active: { chance: 0.05 } },
  { seed: 1, transfers: 10_000, active: { chance: 0.05 } },
  { seed: 2, transfers: 10_000, active: { chance: 0.05 } },
  { seed: 1, transfers: 10_000, active: { part: 0.05 } },
];

const minuteMs = 60_000;

const schedule = { shards: 1, pollIntervalMs: minuteMs, fullListingEvery: 10 };

/** Polls mailboxes for an hour in which nothing happens, following nothing and everything. */
export const following: Section = {
  name: 'following',
  what: 'polling for an hour without waiting, following nothing and everything',
  async measure(bench) {
    const loads: Awaited<ReturnType<typeof pollForAnHour>>[] = [];
    for (const [index, mailbox] of mailboxes.entries()) {
      for (const follow of [[], followable]) loads.push(await pollForAnHour(bench, index, mailbox, follow));
    }
    const pairs = loads.flatMap((load, index) => (load.isFollowing ? [{ load, plain: loads[index - 1]! }] : []));
    const large = pairs.filter(({ load }) => load.drawing.transfers === 10_000);
    const units = large.flatMap(({ load }) => load.units);
    return {
      measured: loads,
      tables: [
        tableOf(
          'following',
          `An hour of quiet polls, one a minute, one full listing of ${schedule.fullListingEvery}`,
          ['transfers', 'seed', 'active', 'following', 'requests', 'KB', 'read units', 'write units'],
          loads.map(({ drawing, active, isFollowing, requests, bytes, read, write }) => [
            ...[drawing.transfers, drawing.seed, active].map((value) => number.format(value)),
            isFollowing ? 'everything' : 'nothing',
            ...[requests, bytes / 1000, read, write].map((value) => number.format(value)),
          ]),
          0,
        ),
      ],
      figures: [
        count('quiet poll of 10,000, following', 1, 'read units', spreadOf(units.map(({ read }) => read))),
        count('quiet poll of 10,000, following', 0, 'write units', spreadOf(units.map(({ write }) => write))),
        ...large
          .filter(({ load }) => load.active <= 500)
          .map(({ load }) => count(`an hour of it, ${load.active} active`, 900, 'requests', load.requests)),
        count(
          'requests of following everything',
          1,
          '× following nothing',
          spreadOf(pairs.map(({ load, plain }) => load.requests / plain.requests)),
        ),
      ],
    };
  },
};

/** @throws Error when a quiet poll finds a change, or the one after a download does not find it if it is followed */
async function pollForAnHour(
  { services, deps: usual }: Bench,
  index: number,
  drawing: Drawing,
  follow: FollowingWatch['follow'] & {},
) {
  const deps = { ...usual, schedule };
  const mailbox = `following-${index}-${follow.length}@example.com`;
  const { watch: plain, active } = await services.call('fillDrawn', mailbox, drawing);
  const watch: FollowingWatch = { ...plain, follow };
  await pollOnce(deps, watch);
  await services.call('countAnswers');
  const units: Units[] = [];
  for (let minute = 0; minute < 60; minute += 1) {
    const scope = scopeDue(watch, schedule, { after: minute * minuteMs, to: (minute + 1) * minuteMs });
    if (!scope) throw new Error('a watch is not polled each minute');
    const poll = await pollOnce(deps, watch, scope);
    if (poll.changed > 0) throw new Error(`announced ${poll.changed} changes of a quiet mailbox`);
    units.push(poll.units);
  }
  const answers = await services.call('countAnswers');
  const isFollowing = follow.length > 0;
  await services.call('download', watch);
  const { changed } = await pollOnce(deps, watch, 'active');
  if (changed !== (isFollowing ? 1 : 0)) throw new Error(`announced ${changed} changes after a download`);
  const sum = (kind: keyof Units) => units.reduce((total, of) => total + of[kind], 0);
  return {
    drawing,
    active,
    isFollowing,
    ...answers,
    read: sum('read'),
    write: sum('write'),
    units,
  };
}
