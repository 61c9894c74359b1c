import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FaultPlan } from '#test/support/aws-faults.ts';
import {
  day,
  declare,
  deps,
  minute,
  now,
  poll,
  pollAfter,
  startShards,
  startShardWorld,
  world,
} from '#test/support/shard-world.ts';

beforeAll(startShardWorld);
beforeEach(startShards);

describe('withShardLease', () => {
  it('lets one invocation at a time poll a shard, and no more requests be in flight than configured', async () => {
    await declare(12);
    // No answer comes before the late invocations have ended and as many requests as allowed are in flight.
    const { promise: answers, resolve: answer } = Promise.withResolvers<void>();
    let requests = 0;
    let ended = 0;
    const answerIfDue = () => {
      if (requests >= 4 && ended >= 3) answer();
    };
    world.setDrift(() => {
      requests += 1;
      answerIfDue();
      return answers;
    });
    const at = now();
    const processes = [deps, ...Array.from({ length: 3 }, () => ({ ...deps, server: world.client() }))];
    const ends = await Promise.all(
      processes.map((as) =>
        poll({ as, at }).finally(() => {
          ended += 1;
          answerIfDue();
        }),
      ),
    );
    expect(ends.map(({ polls }) => polls.length).toSorted((a, b) => a - b)).toEqual([0, 0, 0, 12]);
    expect(ends.map(({ skipped }) => skipped).toSorted((a, b) => a - b)).toEqual([0, 12, 12, 12]);
    expect(world.cryptshare.requests.greatestInFlight).toBe(4);
    for (const { server } of processes.slice(1)) server.calls.close();
  });

  it('polls nothing for a tick that arrives twice', async () => {
    await declare(3);
    world.clock.advance(15_000);
    const at = now();
    expect((await poll({ at })).polls).toHaveLength(3);
    expect(await poll({ at })).toEqual({ polls: [], skipped: 0 });
  });

  it('expires after the time of an invocation that died, and the next tick makes up for its polls', async () => {
    await declare(3, { pollIntervalMs: day });
    await pollAfter(15_000);
    world.clock.advance(day);
    const dying = new FaultPlan([[3, 'crash before']]);
    await world.faults.run(dying, () => poll({ at: now() })).catch(() => undefined);
    expect(await pollAfter(minute)).toEqual({ polls: [], skipped: 3 });
    expect((await pollAfter(minute)).polls).toHaveLength(3);
  });

  it('is not acquired while no watch is due, so such a tick writes nothing', async () => {
    await declare(3, { pollIntervalMs: day });
    await pollAfter(15_000);
    const plan = new FaultPlan();
    expect(await world.faults.run(plan, () => pollAfter(minute))).toEqual({ polls: [], skipped: 0 });
    expect(plan.calls).toEqual(['QueryCommand', 'QueryCommand']);
  });
});
