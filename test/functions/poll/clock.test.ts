import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { pollShard } from '#functions/poll/poll-shard.ts';
import { Snapshot } from '#functions/snapshot/snapshot.ts';
import { ShardRows } from '#functions/watches/shard-rows.ts';
import { Watches } from '#functions/watches/watches.ts';
import { createTransfersTable } from '#infra/local/services/embedded-services.ts';
import { faultAnswers } from '#infra/simulator/faults.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import { pollBudget, startWorld, type World, type WorldDependencies } from '#test/support/poll-world.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const year = 365 * 24 * hour;

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

let tables = 0;
let deps: WorldDependencies;
beforeEach(async () => {
  tables += 1;
  const schedule = { ...world.deps.schedule, pollIntervalMs: 2 * second };
  deps = { ...world.depsOn(`clock-${tables}`), schedule, server: world.client() };
  await createTransfersTable(deps.dynamo, deps.table);
  world.cryptshare.faults.clear();
  world.setDrift(() => {});
  world.clock.set(world.clock.steady() - world.clock.now().getTime());
  await world.takeEvents();
});

/** Registers a watch of a mailbox with one transfer and polls it. */
async function register() {
  const watch = world.watch(`clock-${tables}@example.com`);
  const people = { sender: watch.mailbox, to: ['bob@example.com'] };
  const [transfer] = world.cryptshare.transfers.seed({ ...people, count: 1, state: 'ACTIVE' });
  await new Watches(deps.dynamo, deps.table).declare([watch], false, world.clock.now().toISOString());
  await ticks(2);
  return { watch, people, id: transfer!.trackingId };
}

/** Ticks a second apart, and what they said and did. */
async function ticks(count: number) {
  const told: string[] = [];
  const outcomes: string[] = [];
  for (let index = 0; index < count; index += 1) {
    world.clock.advance(second);
    const deadline = world.clock.steady() + pollBudget;
    const tick = { shard: 0, at: world.clock.now().toISOString() };
    const { polls, warning } = await pollShard(deps, tick, deadline, () => {});
    outcomes.push(...polls.map(({ outcome, problem }) => problem?.cause ?? outcome));
    if (warning) told.push(warning);
  }
  return { outcomes, told };
}
const states = async () =>
  (await world.takeEvents()).map(({ event }) => ('state' in event.data ? event.data.state : ''));
const steps = [minute, hour, year].flatMap((size) => [size, -size]);

describe.each(steps)('a clock that is set by %i ms', (step) => {
  it.each(['under way', 'before a restart'])('%s has watches polled as before, and changes announced', async (when) => {
    const { id } = await register();
    world.clock.set(step);
    if (when === 'before a restart') deps = { ...deps, server: world.client() };
    world.cryptshare.transfers.setState(id, 'FAILED');
    const { outcomes, told } = await ticks(10);
    expect(outcomes.slice(0, 2)).toEqual(['changed', 'unchanged']);
    expect(outcomes.length).toBeGreaterThanOrEqual(5);
    expect(await states()).toEqual(['FAILED']);
    expect(told.filter((text) => text.includes('set back'))).toHaveLength(step < 0 ? 1 : 0);
  });

  it('leaves no lease behind that is never given back', async () => {
    await register();
    world.clock.advance(second);
    const dying = new FaultPlan([[2, 'crash before']]);
    await world.faults.run(dying, () => ticks(2)).catch(() => undefined);
    world.clock.set(step);
    // A lease that was given by a clock that is right holds for its time.
    world.clock.advance(step < 0 ? 0 : pollBudget + 15 * second);
    expect((await ticks(4)).outcomes).toContain('unchanged');
  });

  it('has the server rest no longer than it is to, and all that is learnt of it later be kept', async () => {
    await register();
    world.cryptshare.faults.inject({ path: '', answer: faultAnswers.tooManyRequests('50') });
    expect((await ticks(2)).outcomes).toEqual(['throttled']);
    world.clock.set(step);
    world.clock.advance(50 * second);
    expect((await ticks(4)).outcomes).toContain('unchanged');
    world.cryptshare.faults.inject({ path: '', answer: faultAnswers.tooManyRequests('70') });
    await ticks(2);
    const { circuit } = await new ShardRows(deps.dynamo, deps.table, 4).read(0, 1, deps.origin);
    expect(circuit.openUntil - world.clock.now().getTime()).toBeGreaterThan(60 * second);
  });

  it('ends the suspicion against a poll that died', async () => {
    const { id, watch } = await register();
    world.cryptshare.transfers.setState(id, 'FAILED');
    const dying = new FaultPlan([['PublishBatchCommand', 'crash before']]);
    await world.faults.run(dying, () => ticks(2)).catch(() => undefined);
    world.clock.set(step);
    for (let index = 0; index < 4; index += 1) {
      world.clock.advance(5 * minute);
      await ticks(1);
    }
    expect(new Set(await states())).toEqual(new Set(['FAILED']));
    const root = await new Snapshot(deps.dynamo, deps.table, watch).readRoot();
    expect([root.unsettled.size, root.unsettledUntil]).toEqual([0, 0]);
  });
});

it('believes a sudden absence no sooner because the clock was set a year ahead', async () => {
  const { id } = await register();
  world.cryptshare.transfers.purge(id);
  await ticks(30);
  world.clock.set(year);
  expect((await ticks(10)).outcomes).toContain('absences_held');
  const types = (await world.takeEvents()).map(({ event }) => event.type);
  expect(types.filter((type) => type.startsWith('transfer.'))).toEqual([]);
});

describe('a clock that is set while a poll is under way', () => {
  it.each([minute, hour, year])('%i ms ahead does not cut the poll short', async (step) => {
    const { people } = await register();
    world.cryptshare.transfers.create(people);
    let isSet = false;
    world.setDrift(() => {
      if (!isSet) world.clock.set(step);
      isSet = true;
    });
    expect((await ticks(2)).outcomes[0]).toBe('changed');
    expect(await states()).toHaveLength(1);
  });

  it.each([minute, hour, year])('%i ms back does not prolong the poll', async (step) => {
    const { people } = await register();
    world.cryptshare.transfers.create(people);
    world.setDrift(() => {
      world.clock.advance(pollBudget);
      world.clock.set(-step);
    });
    expect((await ticks(2)).outcomes[0]).toMatch(/out_of_time/);
    world.setDrift(() => {});
    await ticks(4);
    expect(await states()).toHaveLength(1);
  });
});

describe('what a wrong clock may be the reason of', () => {
  it('is told with how wrong it is', async () => {
    const { watch } = await register();
    world.cryptshare.switches.clockOffsetMs = -61 * minute;
    world.cryptshare.faults.inject({
      ...{ path: encodeURIComponent(watch.mailbox), times: 100 },
      answer: faultAnswers.emptyUnauthorized,
    });
    const { told } = await ticks(4);
    world.cryptshare.switches.clockOffsetMs = 0;
    const { health } = (await new Watches(deps.dynamo, deps.table).find(watch))!;
    expect(health?.problem.message).toContain('the clock here is 61 min ahead of the server’s');
    expect(told).toEqual([expect.stringContaining('the clock here is 61 min ahead of the server’s: set it')]);
  });
});
