import { beforeEach, describe, expect, test } from 'vitest';
import { eventBody } from '#functions/events/transfer-event.ts';
import { addEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import type { WakeUp } from '#functions/webhooks/endpoints/wake-ups.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { fanOut } from '#functions/webhooks/engine/fan-out.ts';
import { type FaultKind, FaultPlan, faultKinds, faultsAt } from '#test/support/aws-faults.ts';
import { crm, first, minute, second, startEndpointWorld, world } from '#test/support/endpoint-world.ts';
import { exampleEvent, exampleEvents } from '#test/support/webhook-world.ts';

beforeEach(startEndpointWorld);
beforeEach(async () => {
  await crm.add();
  await addEndpoint(world.deps, 'archive', { url: world.urlOf('archive') });
});

/** Runs a task whose AWS calls go wrong as planned, however it ends. */
const run = async (plan: FaultPlan, task: () => Promise<unknown>): Promise<void> => {
  await world.faults.run(plan, task).catch(() => undefined);
};

/** Counts the calls of a task, without any fault. */
async function countCalls(task: () => Promise<unknown>): Promise<number> {
  const plan = new FaultPlan();
  await run(plan, task);
  return plan.calls.length;
}

/** What tells the events of a search's rounds apart. */
const nameOf = (call: number, kind: FaultKind) => `${call}-${kind.replace(' ', '-')}`;

const forArchive = (...some: readonly { readonly id: string }[]): WakeUp => ({
  ...crm.wakeUp(...some),
  endpoint: 'archive',
});

/** Checks that both endpoints got an event, and returns the number of requests to `crm` for it. */
async function expectBothDelivered({ id }: { readonly id: string }): Promise<number> {
  const { deliveries } = await world.trace(id);
  expect(deliveries.map(({ endpoint, status }) => [endpoint, status])).toEqual([
    ['archive', 'DELIVERED'],
    ['crm', 'DELIVERED'],
  ]);
  return world.received.filter(({ path, headers }) => path === '/crm' && headers['webhook-id'] === id).length;
}

describe('a fault', () => {
  test.each(['queue', 'sweep'])(
    'loses and repeats nothing at any call of fan-out when the %s is quicker (P13)',
    async (quicker) => {
      const fanOutOne = (event: typeof first) => () => fanOut(world.deps, [{ body: eventBody(event) }]);
      const calls = await countCalls(fanOutOne(first));
      for (const { call, kind } of faultsAt(calls, faultKinds, quicker === 'sweep' ? 1 : 0)) {
        const event = exampleEvent(`at-${nameOf(call, kind)}`);
        await run(new FaultPlan([[call, kind]]), fanOutOne(event));
        if (quicker === 'sweep') await world.settleAll();
        // SQS brings the message again.
        await fanOutOne(event)();
        await world.settleAll();
        expect(await expectBothDelivered(event)).toBe(1);
      }
    },
  );

  test('repeats a lone attempt only after an unrecorded success, at any call of deliver (P14)', async () => {
    await world.prepare(first);
    const calls = await countCalls(() => world.deliver([crm.wakeUp(first)]));
    for (const { call, kind } of faultsAt(calls, faultKinds)) {
      const event = exampleEvent(`at-${nameOf(call, kind)}`);
      await world.prepare(event);
      await run(new FaultPlan([[call, kind]]), () => world.deliver([crm.wakeUp(event)]));
      const wasPosted = world.timesOf(event) > 0;
      const wasFinished = (await world.trace(event.id)).deliveries.some(({ status }) => status === 'DELIVERED');
      world.clock.advance(30 * second);
      await world.deliver([crm.wakeUp(event), forArchive(event)]);
      await world.settleAll();
      expect(await expectBothDelivered(event)).toBe(wasPosted && !wasFinished ? 2 : 1);
    }
  });

  test('leaves nothing behind at any call of a drain', async () => {
    await crm.update({ maxInFlight: 2 });
    const whole = exampleEvents('whole', 3);
    await world.fanOut(...whole);
    const calls = await countCalls(() => world.deliver([crm.wakeUp(...whole)]));
    for (const { call, kind } of faultsAt(calls, faultKinds)) {
      const [late, ...events] = exampleEvents(`at-${nameOf(call, kind)}`, 4);
      await world.prepare(...events, late!);
      // Another process is turned away during the first request: its wake-up is over.
      world.received.length = 0;
      world.during(() => deliver(world.another(), [crm.wakeUp(late!)]));
      const plan = new FaultPlan([[call, kind]]);
      const drained = await world.faults.run(plan, () => world.deliver([crm.wakeUp(...events)])).catch(() => undefined);
      if (!drained || drained.unhandled.some(({ isKept }) => !isKept)) {
        // The queue brings the message again, after the lease of a process that died.
        world.clock.advance(30 * second);
        await world.deliver([crm.wakeUp(...events)]);
      }
      if (world.received.length === 0) await world.deliver([crm.wakeUp(late!)]);
      await world.deliver([forArchive(...events, late!)]);
      await world.settleAll();
      for (const one of [...events, late!]) expect(await expectBothDelivered(one)).toBeLessThanOrEqual(2);
      expect((await world.rows('ENDPOINT#crm')).filter(({ sk }) => sk !== 'LEASE')).toEqual([]);
    }
  });
});

describe('deliver', () => {
  test('reports a fault of ours that lasts for one endpoint alone, and keeps its work as one task', async () => {
    await world.prepare(first);
    const endpoint = (await world.deps.endpoints.find('crm'))!;
    await world.deps.endpoints.replace(endpoint, { ...endpoint, encrypted: 'encrypted1.nonsense' });
    const { settled, unhandled } = await world.deliver([crm.wakeUp(first), forArchive(first)]);
    expect(settled).toMatchObject([{ delivery: { endpoint: 'archive', status: 'DELIVERED' } }]);
    const fault = { endpoint: 'crm', error: { name: 'DecryptionError' }, isKept: true };
    expect(unhandled).toMatchObject([fault]);
    for (let passed = 0; passed < 3; passed += 1) {
      world.clock.advance(minute);
      await world.sweep();
      const wakeUps = await world.takeWakeUps();
      expect(wakeUps).toEqual([crm.wakeUp()]);
      expect((await world.deliver(wakeUps)).unhandled).toMatchObject([fault]);
      expect((await world.rows('ENDPOINT#crm')).map(({ events }) => events)).toEqual([[first.id]]);
    }
    const broken = (await world.deps.endpoints.find('crm'))!;
    await world.deps.endpoints.replace(broken, { ...broken, encrypted: endpoint.encrypted });
    await world.settleAll();
    await expectBothDelivered(first);
  });

  test('fails a delivery as interrupted whose last attempt kills its process time and again', async () => {
    await crm.update({ retryDelaysMs: [second] });
    await world.prepare(first);
    for (let time = 0; time < 3; time += 1) {
      await world.die(world.deps, crm.wakeUp(first));
      world.clock.advance(minute);
    }
    const { deliveries } = await world.trace(first.id);
    const interrupted = { endpoint: 'crm', status: 'FAILED', reason: 'interrupted', attempt: 2 };
    expect(deliveries).toContainEqual(expect.objectContaining(interrupted));
    expect(world.timesOf(first)).toBe(2);
  });

  test('makes one request though its wake-up comes often, together or one after the other', async () => {
    await world.prepare(first);
    const wakeUps = [crm.wakeUp(first), forArchive(first)];
    await Promise.all([wakeUps, [...wakeUps, ...wakeUps], wakeUps].map((some) => world.deliver(some)));
    await world.deliver(wakeUps);
    expect(await expectBothDelivered(first)).toBe(1);
  });
});
