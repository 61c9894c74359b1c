import { beforeEach, expect, test } from 'vitest';
import { usualReader } from '#functions/webhooks/endpoints/reader.ts';
import { gather } from '#functions/webhooks/engine/gather.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import { minute, second, startEndpointWorld, world } from '#test/support/endpoint-world.ts';
import { announce, daily, declare, pass } from './reader-world.ts';
import { expectToldOnce } from './told-once.ts';

beforeEach(startEndpointWorld);

test('a process marks told events until its deadline alone, and the next one marks the others', async () => {
  await declare(['anna']);
  const events = await announce(300);
  world.clock.advance(11 * second);
  const plan = new FaultPlan();
  // Each call takes a millisecond.
  const deps = { ...world.deps, steady: () => plan.calls.length };
  const anna = (await world.deps.endpoints.find('anna'))!;
  const gathering = () => gather({ ...deps, endpoint: anna, reader: usualReader, named: [], deadline: 150 });
  await expect(world.faults.run(plan, gathering)).rejects.toThrow('no time was left to mark');
  expect(plan.calls.length).toBeLessThan(200);
  await pass(minute);
  expect(await expectToldOnce(world, 'anna', events)).toHaveLength(1);
});

test('a process looks for due events until its deadline alone, and tells those that it has found', async () => {
  await declare(['anna']);
  const events = await announce(300);
  world.clock.advance(11 * second);
  const plan = new FaultPlan();
  const endpoint = (await world.deps.endpoints.find('anna'))!;
  const gathering = { endpoint, reader: usualReader, named: [], deadline: 3 };
  const deps = { ...world.deps, steady: () => plan.calls.length };
  await expect(world.faults.run(plan, () => gather({ ...deps, ...gathering }))).rejects.toThrow('no time was left');
  expect((await world.deps.plans.read('anna')).open!.members).toHaveLength(100);
  await pass(minute);
  expect(await expectToldOnce(world, 'anna', events)).toHaveLength(2);
});

test('one alone of the processes that are woken at the same time reads the events', async () => {
  await declare(['anna']);
  const events = await announce(600);
  world.clock.advance(11 * second);
  const endpoint = (await world.deps.endpoints.find('anna'))!;
  const plans = Array.from({ length: 4 }, () => new FaultPlan());
  const gathering = { ...world.deps, endpoint, reader: usualReader, named: [], deadline: Number.POSITIVE_INFINITY };
  await Promise.all(plans.map((plan) => world.faults.run(plan, () => gather(gathering))));
  const [, ...others] = plans.map(({ calls }) => calls.length).toSorted((a, b) => b - a);
  expect(Math.max(...others)).toBeLessThan(6);
  await pass(minute);
  expect(await expectToldOnce(world, 'anna', events)).toHaveLength(1);
});

test('a process that finds nothing to tell holds up no other: an urgent event is told by its own wake-up', async () => {
  await declare(['anna', { ...daily, evenIfEmpty: true, urgent: ['transfer.failed'] }]);
  await world.deliver([{ endpoint: 'anna', events: [] }]);
  const events = await announce();
  world.clock.advance(11 * second);
  await world.deliver([{ endpoint: 'anna', events: events.map(({ id }) => id) }]);
  expect(await expectToldOnce(world, 'anna', events)).toHaveLength(1);
});

test('an open digest is left to the process that works at it, and finished by another one once that is dead', async () => {
  await declare(['anna']);
  const events = await announce(30);
  world.clock.advance(11 * second);
  const anna = (await world.deps.endpoints.find('anna'))!;
  const gathering = (plan: FaultPlan, deadline: number) =>
    world.faults.run(plan, () =>
      gather({
        ...world.deps,
        steady: () => plan.calls.length,
        endpoint: anna,
        reader: usualReader,
        named: [],
        deadline,
      }),
    );
  await expect(gathering(new FaultPlan(), 10)).rejects.toThrow('no time was left');
  const other = new FaultPlan();
  expect(await gathering(other, 1000)).toEqual([]);
  expect(other.calls).toHaveLength(1);
  await pass(minute);
  expect(await expectToldOnce(world, 'anna', events)).toHaveLength(1);
});
