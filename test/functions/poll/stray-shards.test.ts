import { beforeAll, beforeEach, expect, test } from 'vitest';
import type { Watch } from '#functions/transfers/transfer.ts';
import { placeOf } from '#functions/watches/places.ts';
import {
  alwaysDue,
  breakDown,
  declare,
  mailboxes,
  minute,
  poll,
  pollWith,
  startShards,
  startShardWorld,
  world,
} from '#test/support/shard-world.ts';

beforeAll(startShardWorld);
beforeEach(startShards);

/** Whether the place of a watch begins with 0x10 to 0x17. */
const isThere = (watch: Watch): boolean => placeOf(watch) >> 24 >= 0x10 && placeOf(watch) >> 24 <= 0x17;

test.each([1, 2])('a tick of a shard that is there no more, of %i, polls nothing', async (shards) => {
  await declare(3, isThere);
  pollWith({ schedule: alwaysDue(shards) });
  await poll(0);
  world.clock.advance(minute);
  expect(mailboxes(await poll(shards))).toEqual([]);
});

test.each([false, true])(
  'an incident ends when no watch fails any more (with a last tick of the third shard of formerly three: %s)',
  async (isLate) => {
    const watches = await declare(3, isThere);
    pollWith({ schedule: { ...alwaysDue(2), pollIntervalMs: minute } });
    await poll(0);
    for (const watch of watches) breakDown(watch);
    const types: string[] = [];
    const step = async () => {
      world.clock.advance(minute);
      for (const shard of [0, 1]) await poll(shard);
      types.push(...(await world.takeEvents()).map(({ event }) => event.type));
    };
    for (let index = 0; index < 10; index += 1) await step();
    // The schedule of the third shard is deleted at the end of a deployment: its ticks come for as long.
    if (isLate) await poll(2);
    world.cryptshare.faults.clear();
    for (let index = 0; index < 240 && types.length < 2; index += 1) await step();
    for (let index = 0; index < 10; index += 1) await step();
    expect(types).toEqual(['watch.many_failing', 'watch.many_recovered']);
  },
);
