import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Snapshot } from '#functions/snapshot/snapshot.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import { faultAnswers } from '#test/support/fault-answers.ts';
import { pollBudget } from '#test/support/poll-world.ts';
import {
  breakDown,
  day,
  declare,
  deps,
  minute,
  pollAfter,
  pollWith,
  readShard,
  registry,
  seed,
  startShards,
  startShardWorld,
  takeTold,
  world,
} from '#test/support/shard-world.ts';

const second = 1000;
const year = 365 * day;

beforeAll(startShardWorld);
beforeEach(async () => {
  const end = await startShards();
  pollWith({ server: world.client(), schedule: { ...deps.schedule, pollIntervalMs: 2 * second } });
  return end;
});

/** Declares a watch of a mailbox with two transfers, and polls it. */
async function start() {
  const [watch] = await declare(1);
  const [id] = seed(watch!, 1);
  await ticks(2);
  return { watch: watch!, id: id! };
}

/** Ticks once a second. Returns outcomes of polls, and warnings. */
async function ticks(count: number) {
  const warnings: string[] = [];
  const outcomes: string[] = [];
  for (let tick = 0; tick < count; tick += 1) {
    const { polls, warning } = await pollAfter(second);
    outcomes.push(...polls.map(({ outcome, problem }) => problem?.cause ?? outcome));
    if (warning) warnings.push(warning);
  }
  return { outcomes, warnings };
}
const setState = (id: string) => world.cryptshare.transfers.setState(id, 'FAILED');

describe.each([minute, -minute, year, -year])('pollShard by a clock that is set by %i ms', (step) => {
  it.each(['while it runs', 'before it restarts'])(
    'polls watches and announces changes as before: %s (P20)',
    async (when) => {
      const { id } = await start();
      world.clock.set(step);
      if (when === 'before it restarts') pollWith({ server: world.client() });
      setState(id);
      const { outcomes, warnings } = await ticks(10);
      expect(outcomes.slice(0, 2)).toEqual(['changed', 'unchanged']);
      expect(outcomes.length).toBeGreaterThanOrEqual(5);
      expect(await takeTold()).toEqual([`transfer.failed ${id}`]);
      expect(warnings.filter((text) => text.includes('set back'))).toHaveLength(step < 0 ? 1 : 0);
    },
  );

  it('polls again once the lease of a dead process has expired', async () => {
    await start();
    world.clock.advance(second);
    await world.faults.run(new FaultPlan([[2, 'crash before']]), () => ticks(2)).catch(() => undefined);
    world.clock.set(step);
    // A lease dated by a clock that is right lasts for its time.
    world.clock.advance(step < 0 ? 0 : pollBudget + 15 * second);
    expect((await ticks(4)).outcomes).toContain('unchanged');
  });

  it('keeps the circuit open no longer than the server asked, and stores what it learns later', async () => {
    await start();
    world.cryptshare.faults.inject({ path: '', answer: faultAnswers.tooManyRequests('50') });
    expect((await ticks(2)).outcomes).toEqual(['throttled']);
    world.clock.set(step);
    world.clock.advance(50 * second);
    expect((await ticks(4)).outcomes).toContain('unchanged');
    world.cryptshare.faults.inject({ path: '', answer: faultAnswers.tooManyRequests('70') });
    await ticks(2);
    const { circuit } = await readShard();
    expect(circuit.openUntil - world.clock.now().getTime()).toBeGreaterThan(60 * second);
  });

  it('settles what a dead poll has left unsettled', async () => {
    const { id, watch } = await start();
    setState(id);
    const dying = new FaultPlan([['PublishBatchCommand', 'crash before']]);
    await world.faults.run(dying, () => ticks(2)).catch(() => undefined);
    world.clock.set(step);
    for (let tick = 0; tick < 4; tick += 1) await pollAfter(5 * minute + second);
    expect(new Set(await takeTold())).toEqual(new Set([`transfer.failed ${id}`]));
    const root = await new Snapshot(deps, watch).readRoot();
    expect([root.unsettled.size, root.unsettledUntil]).toEqual([0, 0]);
  });
});

describe('pollShard by a clock that is set during a poll', () => {
  it.each([minute, year])('is not cut short by %i ms ahead', async (step) => {
    const { id } = await start();
    setState(id);
    let isSet = false;
    world.setDrift(() => {
      if (!isSet) world.clock.set(step);
      isSet = true;
    });
    expect((await ticks(2)).outcomes[0]).toBe('changed');
    expect(await takeTold()).toHaveLength(1);
  });

  it.each([minute, year])('is not prolonged by %i ms back', async (step) => {
    const { id } = await start();
    setState(id);
    world.setDrift(() => {
      world.clock.advance(pollBudget);
      world.clock.set(-step);
    });
    expect((await ticks(2)).outcomes[0]).toMatch(/out_of_time/);
    world.setDrift(() => {});
    await ticks(4);
    expect(await takeTold()).toHaveLength(1);
  });
});

describe('pollShard by a wrong clock', () => {
  it('says how wrong the clock is where that may be the cause of a failure', async () => {
    const { watch } = await start();
    world.cryptshare.switches.clockOffsetMs = -61 * minute;
    breakDown(watch);
    const { warnings } = await ticks(4);
    world.cryptshare.switches.clockOffsetMs = 0;
    const { health } = (await registry().find(watch))!;
    expect(health?.problem.message).toContain('the clock here is 61 min ahead of the server’s');
    expect(warnings).toEqual([expect.stringContaining('the clock here is 61 min ahead of the server’s: set it')]);
  });
});
