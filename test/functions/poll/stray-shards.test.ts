import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Watch } from '#functions/transfers/transfer.ts';
import { placeOf } from '#functions/watches/places.ts';
import {
  alwaysDue,
  breakDown,
  declare,
  mailboxes,
  minute,
  poll,
  pollAfter,
  pollWith,
  startShards,
  startShardWorld,
  world,
} from '#test/support/shard-world.ts';

beforeAll(startShardWorld);
beforeEach(startShards);

/** True for a watch whose place begins with 0x10 to 0x17: of two shards it is in the first. */
const isWanted = (watch: Watch): boolean => placeOf(watch) >> 24 >= 0x10 && placeOf(watch) >> 24 <= 0x17;

describe('pollShard for a shard that no longer exists', () => {
  it.each([1, 2])('polls nothing, of %i shards', async (shards) => {
    await declare(3, { isWanted });
    pollWith({ schedule: alwaysDue(shards) });
    await poll();
    expect(mailboxes(await pollAfter(minute, { shard: shards }))).toEqual([]);
  });

  it('keeps no incident open', async () => {
    const watches = await declare(3, { isWanted });
    pollWith({ schedule: { ...alwaysDue(2), every: minute } });
    await poll();
    for (const watch of watches) breakDown(watch);
    const types: string[] = [];
    const passes = async (count: number) => {
      for (let pass = 0; pass < count; pass += 1) {
        await pollAfter(minute);
        await poll({ shard: 1 });
        types.push(...(await world.takeEvents()).map(({ event }) => event.type));
      }
    };
    await passes(10);
    // The schedule of a third shard is deleted at the end of a deployment: its ticks come until then.
    await poll({ shard: 2 });
    world.cryptshare.faults.clear();
    await passes(30);
    expect(types).toEqual(['watch.many_failing', 'watch.many_recovered']);
  });
});
