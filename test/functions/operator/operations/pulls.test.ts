import { describe, expect, it } from 'vitest';
import { eventBody } from '#functions/events/transfer-event.ts';
import { fanOut } from '#functions/webhooks/engine/fan-out.ts';
import { UnitsMeter } from '#test/bench/units/units-meter.ts';
import { FaultPlan, NthFault } from '#test/support/aws-faults.ts';
import { dayMs, hourMs, minuteMs, startPullsAtNoon } from './pulls-at-noon.ts';

describe('GET /events?after=', () => {
  it('begins with the events since a time, the oldest first, and goes on with later ones', async () => {
    const world = await startPullsAtNoon();
    await world.store(30_001);
    const ids = [await world.store(30_000), await world.store(20_000), await world.store()];
    const pull = world.puller(world.at(30_000));
    expect(await pull({ limit: '2' })).toEqual(ids.slice(0, 2));
    expect(await pull()).toEqual(ids.slice(2));
    expect(await pull()).toEqual([]);
    ids.push(await world.store());
    expect(await pull()).toEqual(ids.slice(3));
  });

  it('catches up with earlier events page by page', async () => {
    const world = await startPullsAtNoon();
    const pull = world.puller(world.at());
    const ids = [await world.store(), await world.store(2 * dayMs), await world.store(), await world.store()];
    world.clock.advance(2 * dayMs);
    ids.push(await world.store());
    const given: string[] = [];
    for (let pages = 0; pages < 3; pages += 1) given.push(...(await pull({ limit: '2' })));
    expect(given.slice(0, 4).toSorted()).toEqual(ids.slice(0, 4).toSorted());
    expect(given.slice(4)).toEqual(ids.slice(4));
  });

  it('gives an event at once that is stored days after its time', async () => {
    const world = await startPullsAtNoon();
    const pull = world.puller(world.at());
    expect(await pull()).toEqual([]);
    const late = await world.store(3 * dayMs);
    expect(await pull()).toEqual([late]);
    world.clock.advance(hourMs);
    expect(await pull()).toEqual([]);
    expect(await world.page({ from: world.at(4 * dayMs), until: world.at(2 * dayMs) })).toMatchObject({ ids: [late] });
  });

  it('gives an event at once that is dated minutes ahead, and one of tomorrow before its time', async () => {
    const world = await startPullsAtNoon();
    const pull = world.puller(world.at());
    const [ahead, tomorrow] = [await world.store(-10 * minuteMs), await world.store(-20 * hourMs)];
    expect(await pull()).toEqual([ahead]);
    world.clock.advance(20 * hourMs - 10 * minuteMs);
    expect(await pull()).toEqual([tomorrow]);
    world.clock.advance(dayMs);
    expect(await pull()).toEqual([]);
  });

  it('gives an event late, but once, that is stored under another endpoint after a crash', async () => {
    const world = await startPullsAtNoon();
    const pull = world.puller(world.at(minuteMs));
    await world.addEndpoint('crm');
    const event = world.eventOf(50_000);
    await world.faults.run(new FaultPlan([['PutItemCommand', 'lost']]), () => world.fanOut(event));
    expect(await pull()).toEqual([event.id]);
    await world.addEndpoint('archive');
    world.clock.advance(3 * minuteMs);
    await world.fanOut(event);
    expect(await pull()).toEqual([]);
    const again = world.puller(world.at(hourMs));
    expect([...(await again()), ...(await again())]).toEqual([event.id]);
  });

  it('gives an event once that a crash has left in the index twice', async () => {
    const world = await startPullsAtNoon();
    const [start, event] = [world.at(hourMs), world.eventOf(30_000)];
    const stored = { id: event.id, body: eventBody(event), at: event.timestamp, kind: 'event' } as const;
    for (const name of ['crm', 'archive'])
      await world.deps.deliveries.create(stored, { name, createdAt: start }, world.clock.now().getTime(), true);
    const pull = world.puller(start);
    expect([...(await pull()), ...(await pull())]).toEqual([event.id]);
    world.clock.advance(hourMs);
    const [once, again] = [world.puller(start), world.puller(start)];
    expect([...(await once()), ...(await once())]).toEqual([event.id]);
    expect([...(await again({ limit: '1' })), ...(await again({ limit: '1' }))]).toEqual([event.id]);
  });

  it('gives an event whose first delivery was not stored, though its endpoint is removed since', async () => {
    const world = await startPullsAtNoon();
    const pull = world.puller(world.at(hourMs));
    await world.addEndpoint('archive');
    await world.addEndpoint('crm');
    const event = world.eventOf(0);
    await world.faults.run(new NthFault('PutItemCommand', 1, 'refused'), () => world.fanOut(event));
    await world.removeEndpoint('archive');
    await world.fanOut(event);
    expect(await pull()).toEqual([event.id]);
  });

  it('gives a late event whose storing a crash has cut off, though it is repeated by a clock that is behind', async () => {
    const world = await startPullsAtNoon();
    const pull = world.puller(world.at(hourMs));
    const event = world.eventOf(60_001);
    const crash = new NthFault('PutItemCommand', 1, 'crash after');
    await world.faults.run(crash, () => world.fanOut(event)).catch(() => undefined);
    expect(await pull()).toEqual([]);
    const behind = { ...world.deps, now: () => new Date(world.clock.now().getTime() - 3000) };
    await fanOut(behind, [{ body: eventBody(event) }]);
    expect(await pull()).toEqual([event.id]);
    world.clock.advance(hourMs);
    expect(await pull()).toEqual([]);
  });

  it('holds back what does not fit into a cursor for two minutes at most, and repeats none of it', async () => {
    const world = await startPullsAtNoon();
    const pull = world.puller(world.at());
    const events = Array.from({ length: 250 }, () => world.eventOf(0));
    await world.fanOut(...events.slice(0, 125));
    await world.fanOut(...events.slice(125));
    const given = [await pull({ limit: '100' }), await pull({ limit: '100' })].flat();
    expect(given).toHaveLength(100);
    world.clock.advance(2 * minuteMs + 1);
    given.push(...(await pull({ limit: '100' })), ...(await pull({ limit: '100' })), ...(await pull({ limit: '100' })));
    expect(given.toSorted()).toEqual(events.map(({ id }) => id).toSorted());
  });

  it('goes on over midnight', async () => {
    const world = await startPullsAtNoon();
    world.clock.advance(12 * hourMs - 1000);
    const pull = world.puller(world.at());
    const ids = [await world.store()];
    world.clock.advance(2000);
    ids.push(await world.store(), await world.store(2 * dayMs));
    expect((await pull()).toSorted()).toEqual(ids.toSorted());
    world.clock.advance(hourMs);
    expect(await pull()).toEqual([]);
  });

  it('repeats events rather than miss later ones when the clock was set back', async () => {
    const world = await startPullsAtNoon();
    const pull = world.puller(world.at(hourMs));
    const before = await world.store();
    world.clock.advance(10 * minuteMs);
    expect(await pull()).toEqual([before]);
    world.clock.set(-12 * minuteMs);
    const after = await world.store();
    expect(await pull()).toEqual([after, before]);
    expect(await pull()).toEqual([]);
  });

  it('begins now for a time in the future, and gives nothing from before', async () => {
    const world = await startPullsAtNoon();
    await world.store(1);
    const pull = world.puller(world.at(-hourMs));
    expect(await pull()).toEqual([]);
    world.clock.advance(minuteMs);
    const later = await world.store();
    expect(await pull()).toEqual([later]);
    world.clock.advance(2 * hourMs);
    expect(await pull()).toEqual([]);
  });

  it.each([minuteMs, dayMs])('goes on when the clock is set back by %i ms after its beginning', async (back) => {
    const world = await startPullsAtNoon();
    const pulls = [world.puller(world.at()), world.puller(world.at())];
    expect(await pulls[0]!()).toEqual([]);
    world.clock.set(-back);
    const [first, second] = [await world.store(), world.eventOf(0)];
    for (const pull of pulls) expect(await pull()).toEqual([first]);
    await world.fanOut(second);
    for (const pull of pulls) expect(await pull()).toEqual([second.id]);
    world.clock.advance(hourMs);
    for (const pull of pulls) expect(await pull()).toEqual([]);
  });

  it('searches 1,000 earlier events for one answer, and its next goes on after them', async () => {
    const world = await startPullsAtNoon();
    const start = world.at();
    for (let batch = 0; batch < 4; batch += 1)
      await world.fanOut(...Array.from({ length: 300 }, () => world.eventOf(0)));
    const wanted = await world.store(-1000, 'bob@example.com');
    world.clock.advance(hourMs);
    const pull = world.puller(start, { mailbox: 'bob@example.com' });
    expect(await pull()).toEqual([]);
    expect(await pull()).toEqual([wanted]);
  });
});

describe('filters of a pull', () => {
  it('pass over other events', async () => {
    const world = await startPullsAtNoon();
    const bob = world.puller(world.at(), { mailbox: 'Bob@example.com', type: 'transfer.*' });
    const failed = world.puller(world.at(), { type: 'transfer.failed', direction: 'sent' });
    const one = world.puller(world.at(), { trackingId: 'T2' });
    const ids = [await world.store(), await world.store(0, 'bob@example.com', 'ACTIVE')];
    expect(await bob()).toEqual([ids[1]]);
    expect(await failed()).toEqual([ids[0]]);
    expect(await one()).toEqual([ids[1]]);
    expect([await bob(), await failed(), await one()]).toEqual([[], [], []]);
  });

  it.each<[string, Record<string, string>]>([
    ['another filter', { type: 'watch.*' }],
    ['fewer filters', { direction: 'sent' }],
    ['a range of time', { type: 'transfer.*', direction: 'sent', from: '2026-11-24T00:00:00Z' }],
  ])('must not change: a cursor with %s is refused, since it would skip events', async (_, other) => {
    const world = await startPullsAtNoon();
    const { next } = await world.page({ after: world.at(), type: 'transfer.*', direction: 'sent' });
    expect(await world.ask({ cursor: next, ...other })).toMatchObject({
      status: 400,
      body: { problems: [{ path: 'cursor' }] },
    });
    expect((await world.ask({ cursor: next, type: 'transfer.*', direction: 'sent' })).status).toBe(200);
  });

  it.each<Record<string, string>>([
    { after: 'evt_unknown' },
    { after: '2026-11-24' },
    { after: '2026-11-24T00:00:00Z', from: '2026-11-24T00:00:00Z' },
    { after: '2026-11-24T00:00:00Z', cursor: 'eyJ9' },
    { after: '2026-11-24T00:00:00Z', waitSeconds: '21' },
  ])('must be of one kind, and wait no longer than 20 s: %o is refused', async (query) => {
    const world = await startPullsAtNoon();
    expect((await world.ask(query)).status).toBe(400);
  });

  it('refuse made-up cursors', async () => {
    const world = await startPullsAtNoon();
    const { next } = await world.page({ after: world.at() });
    const { seen: _, ...place } = JSON.parse(Buffer.from(next, 'base64url').toString('utf8'));
    for (const change of [
      { at: 'now' },
      { at: 7 },
      { start: '' },
      { filter: 'pull_1' },
      { filter: 1 },
      { more: 'x' },
    ]) {
      const cursor = Buffer.from(JSON.stringify({ ...place, ...change })).toString('base64url');
      expect((await world.ask({ cursor })).status).toBe(400);
    }
  });
});

describe('waitSeconds of a pull', () => {
  it('waits until there is a wanted event, and looks each second', async () => {
    const world = await startPullsAtNoon();
    const pull = world.puller(world.at(), { type: 'transfer.failed' });
    const stored: string[] = [];
    world.setOnSleep(async () => {
      if (world.sleeps.length === 2) await world.store(0, undefined, 'ACTIVE');
      if (world.sleeps.length === 3) stored.push(await world.store());
    });
    expect(await pull({ waitSeconds: '20' })).toEqual(stored);
    expect(world.sleeps).toEqual([1000, 1000, 1000]);
  });

  it('waits no longer than it says', async () => {
    const world = await startPullsAtNoon();
    const pull = world.puller(world.at());
    expect(await pull({ waitSeconds: '5' })).toEqual([]);
    expect(world.sleeps).toHaveLength(5);
    expect(await pull()).toEqual([]);
    expect(world.sleeps).toHaveLength(5);
  });
});

describe('the cost of a pull', () => {
  /** A world with a meter, and two events of which one is late. */
  async function meteredWorld() {
    const world = await startPullsAtNoon();
    const { dynamo, table } = world.through((_, __, next) => next());
    const meter = new UnitsMeter(world.dynamo, dynamo);
    expect(table).toBe('webhooks');
    return { ...world, meter };
  }

  it('is one read unit while nothing is new, and five at most', async () => {
    const world = await meteredWorld();
    const pull = world.puller(world.at());
    await world.store();
    await world.store(dayMs);
    expect(await pull()).toHaveLength(2);
    expect(await world.meter.of(() => pull())).toEqual({ read: 1, write: 0 });
    await world.fanOut(...Array.from({ length: 120 }, () => world.eventOf(0)));
    while ((await pull()).length > 0);
    const { read } = await world.meter.of(() => pull());
    expect(read).toBeLessThanOrEqual(5);
  });

  it('is two read units for an event of a quiet month that it catches up with', async () => {
    const world = await meteredWorld();
    const start = world.at();
    let count = 0;
    for (let day = 0; day < 20; day += 1) {
      await world.fanOut(...Array.from({ length: 30 }, () => world.eventOf(0)));
      count += 30;
      world.clock.advance(dayMs);
    }
    const pull = world.puller(start);
    const given: string[] = [];
    const { read } = await world.meter.of(async () => {
      for (let pages = 0; given.length < count && pages < 40; pages += 1) given.push(...(await pull({ limit: '100' })));
    });
    expect(new Set(given).size).toBe(count);
    expect(given).toHaveLength(count);
    expect(read / count).toBeLessThan(2);
  });

  it('is a second write for an event that is stored late, as dear as that of another', async () => {
    const world = await meteredWorld();
    const onTime = await world.meter.of(() => world.store(30_000));
    const late = await world.meter.of(() => world.store(90_000));
    // Two units by the rules of AWS; DynamoDB Local counts three.
    expect(late.write).toBe(2 * onTime.write);
  });
});

describe('resends=true', () => {
  it('gives an event again for each resend and replay, and other pulls do not', async () => {
    const world = await startPullsAtNoon();
    const [repeated, once] = [world.puller(world.at(), { resends: 'true' }), world.puller(world.at())];
    await world.addEndpoint('crm');
    const id = await world.store();
    await world.answerWakeUps();
    expect(await repeated()).toEqual([id]);
    expect(await once()).toEqual([id]);
    const resend = () => world.request('POST', `/deliveries/${id}/crm/resend`);
    expect((await resend()).status).toBeLessThan(300);
    await world.answerWakeUps();
    expect(await repeated()).toEqual([id]);
    world.clock.advance(1000);
    const span = { from: world.at(dayMs), until: world.at(-dayMs) };
    expect((await world.request('POST', '/endpoints/crm/replay', { body: span })).status).toBeLessThan(300);
    expect(await repeated()).toEqual([id]);
    world.clock.advance(300_000);
    expect(await repeated()).toEqual([]);
    expect(await once()).toEqual([]);
  });
});
