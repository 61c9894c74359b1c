import { expect, it } from 'vitest';
import { UnitsMeter } from '#test/bench/units/units-meter.ts';
import { hourMs, minuteMs, startPullsAtNoon } from './pulls-at-noon.ts';

it('a pull gives 100 events of two minutes at once', async () => {
  const world = await startPullsAtNoon();
  const pull = world.puller(world.at());
  await world.fanOut(...Array.from({ length: 100 }, () => world.eventOf(0)));
  expect(await pull({ limit: '100' })).toHaveLength(100);
  expect(await pull({ limit: '100' })).toEqual([]);
});

it('a pull gives no more than 100 events of two minutes, be they late or not, and the others after these', async () => {
  const world = await startPullsAtNoon();
  const pull = world.puller(world.at());
  const events = Array.from({ length: 140 }, (_, index) => world.eventOf(index % 2 === 0 ? 0 : hourMs));
  const given: string[] = [];
  for (const some of [events.slice(0, 70), events.slice(70)]) {
    await world.fanOut(...some);
    given.push(...(await pull({ limit: '100' })));
  }
  expect(given).toHaveLength(100);
  world.clock.advance(2 * minuteMs + 1);
  given.push(...(await pull({ limit: '100' })));
  expect(given.toSorted()).toEqual(events.map(({ id }) => id).toSorted());
});

it('a pull waits as long as it says, a look a second for one read unit, however old its cursor', async () => {
  const world = await startPullsAtNoon();
  const meter = new UnitsMeter(world.dynamo, world.through((_, __, next) => next()).dynamo);
  const pull = world.puller(world.at());
  expect(await pull()).toEqual([]);
  world.clock.advance(hourMs);
  const waited = await meter.of(async () => expect(await pull({ waitSeconds: '3' })).toEqual([]));
  expect(world.sleeps).toEqual([1000, 1000, 1000]);
  expect(waited.read).toBeLessThanOrEqual(5);
});

it('a pull misses nothing when the clock is set back by little more than a minute', async () => {
  const world = await startPullsAtNoon();
  const pull = world.puller(world.at(hourMs));
  expect(await pull()).toEqual([]);
  world.clock.set(-minuteMs - 1000);
  const id = await world.store(minuteMs - 500);
  expect(await pull()).toEqual([id]);
});

it('a pull gives an event of the future once it is 15 minutes ahead, and not before', async () => {
  const world = await startPullsAtNoon();
  const pull = world.puller(world.at());
  const id = await world.store(-15 * minuteMs - 1000);
  expect(await pull()).toEqual([]);
  world.clock.advance(1001);
  expect(await pull()).toEqual([id]);
});

it('a pull with resends=true gives an event once whose delivery was held until the operator released it', async () => {
  const world = await startPullsAtNoon();
  const pull = world.puller(world.at(), { resends: 'true' });
  await world.addEndpoint('crm');
  expect((await world.request('POST', '/endpoints/crm/pause')).status).toBeLessThan(300);
  const id = await world.store();
  await world.answerWakeUps();
  expect(await pull()).toEqual([id]);
  expect((await world.request('POST', '/endpoints/crm/resume')).status).toBeLessThan(300);
  const span = { from: world.at(hourMs), until: world.at(-hourMs) };
  expect(await world.request('POST', '/endpoints/crm/recover', { body: span })).toMatchObject({ body: { count: 1 } });
  expect(await pull()).toEqual([]);
});
