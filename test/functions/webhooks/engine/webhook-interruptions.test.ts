import { beforeEach, describe, expect, test } from 'vitest';
import { eventBody } from '#functions/events/transfer-event.ts';
import { addEndpoint, removeEndpoint, rotateSecret, updateEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import type { WakeUp } from '#functions/webhooks/endpoints/wake-ups.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { fanOut } from '#functions/webhooks/engine/fan-out.ts';
import { type FaultKind, FaultPlan } from '#test/support/aws-faults.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld } from '#test/support/webhook-world.ts';

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
  await addEndpoint(world.deps, 'archive', { url: world.urlOf('archive') });
  return () => world.close();
});

const event = exampleEvent('20260101-000000-Example1');
const names = ['archive', 'crm'].map((endpoint) => ({ endpoint, events: [event.id] }));

/** Requests that an endpoint got for the event. */
const arrivals = (endpoint: string) =>
  world.received.filter(({ path, headers }) => path === `/${endpoint}` && headers['webhook-id'] === event.id);

async function expectBothDelivered(): Promise<void> {
  const { deliveries } = await world.trace(event.id);
  expect(deliveries.map(({ endpoint, status }) => [endpoint, status])).toEqual([
    ['archive', 'DELIVERED'],
    ['crm', 'DELIVERED'],
  ]);
  for (const { body } of world.received) expect(body).toBe(eventBody(event));
}

const kinds: readonly FaultKind[] = ['refused', 'lost', 'crash before', 'crash after'];

/** Runs a task whose AWS calls go wrong as planned, however it ends. */
const run = async (plan: FaultPlan, task: () => Promise<unknown>): Promise<void> => {
  await world.faults.run(plan, task).catch(() => undefined);
};

describe('fan-out that is interrupted and repeated by the queue', () => {
  test.each(kinds)('at any of its calls (%s) leads to one delivery for each endpoint', async (kind) => {
    const whole = new FaultPlan();
    await run(whole, () => fanOut(world.deps, [{ body: eventBody(exampleEvent('other')) }]));
    await world.settleAll();
    for (let call = 0; call < whole.calls.length; call += 1) {
      const one = exampleEvent(`20260101-000000-${kind.replace(' ', '')}${call}`);
      await run(new FaultPlan([[call, kind]]), () => fanOut(world.deps, [{ body: eventBody(one) }]));
      await fanOut(world.deps, [{ body: eventBody(one) }]);
      world.received.length = 0;
      await world.settleAll();
      const { deliveries } = await world.trace(one.id);
      expect(deliveries.map(({ status }) => status)).toEqual(['DELIVERED', 'DELIVERED']);
      expect(world.received.map(({ headers }) => headers['webhook-id'])).toEqual([one.id, one.id]);
    }
  });

  test.each(kinds)('at any of its calls (%s) loses nothing when the sweep is quicker than the queue', async (kind) => {
    const whole = new FaultPlan();
    await run(whole, () => fanOut(world.deps, [{ body: eventBody(exampleEvent('other')) }]));
    for (let call = 0; call < whole.calls.length; call += 1) {
      const one = exampleEvent(`20260101-000000-${kind.replace(' ', '')}${call}`);
      await run(new FaultPlan([[call, kind]]), () => fanOut(world.deps, [{ body: eventBody(one) }]));
      await world.settleAll();
      await fanOut(world.deps, [{ body: eventBody(one) }]);
      await world.settleAll();
      const { deliveries } = await world.trace(one.id);
      expect(deliveries.map(({ status }) => status)).toEqual(['DELIVERED', 'DELIVERED']);
    }
  });

  test.each(['refused', 'partial'] as const)(
    'fails for messages whose wake-ups SQS did not take (%s), so that the queue brings them again',
    async (kind) => {
      const plan = new FaultPlan([['SendMessageBatchCommand', kind]]);
      const { unhandled } = await world.faults.run(plan, () => world.fanOut(event));
      expect(unhandled).toMatchObject([{ message: 0 }]);
      await world.fanOut(event);
      await world.settleAll();
      await expectBothDelivered();
      expect(world.received).toHaveLength(2);
    },
  );
});

/** A message that its function did not handle is brought again, after the lease of the process that died; sweeps do the rest. */
async function deliverUntilHandled(plan: FaultPlan, wakeUps: readonly WakeUp[]): Promise<void> {
  const failed = await world.faults
    .run(plan, () => deliver(world.deps, wakeUps))
    .then(
      ({ unhandled }) => unhandled.some(({ isKept }) => !isKept),
      () => true,
    );
  if (!failed) return;
  world.clock.advance(30_000);
  await world.deliver(wakeUps);
}

describe('delivering that is interrupted', () => {
  test.each(kinds)(
    'at any of its calls (%s), alone, is finished by the queue, twice only after a success',
    async (kind) => {
      const whole = new FaultPlan();
      const other = exampleEvent('other');
      await world.fanOut(other);
      await run(whole, () => deliver(world.deps, [{ events: [other.id], endpoint: 'crm' }]));
      await world.settleAll();
      for (let call = 0; call < whole.calls.length; call += 1) {
        const one = exampleEvent(`20260101-000000-${kind.replace(' ', '')}${call}`);
        await world.fanOut(one);
        await world.takeWakeUps();
        world.received.length = 0;
        const plan = new FaultPlan([[call, kind]]);
        let wasFinished = false;
        let wasPosted = false;
        await run(plan, async () => {
          await deliver(world.deps, [{ events: [one.id], endpoint: 'crm' }]);
        });
        wasPosted = world.received.length > 0;
        wasFinished = (await world.trace(one.id)).deliveries.some(({ status }) => status === 'DELIVERED');
        world.clock.advance(30_000);
        await world.deliver(['crm', 'archive'].map((endpoint) => ({ endpoint, events: [one.id] })));
        await world.settleAll();
        const { deliveries } = await world.trace(one.id);
        expect(deliveries.map(({ status }) => status)).toEqual(['DELIVERED', 'DELIVERED']);
        const ids = world.received.filter(({ path }) => path === '/crm').map(({ headers }) => headers['webhook-id']);
        expect(ids).toEqual(wasPosted && !wasFinished ? [one.id, one.id] : [one.id]);
      }
    },
  );

  test.each(kinds)('at any of the calls of a drain (%s) leaves nothing behind', async (kind) => {
    await updateEndpoint(world.deps, 'crm', { maxInFlight: 2 });
    const batch = (name: string) => Array.from({ length: 3 }, (_, index) => exampleEvent(`${name}-${index}`));
    const crm = (events: readonly { id: string }[]) => ({ endpoint: 'crm', events: events.map(({ id }) => id) });
    const whole = new FaultPlan();
    const first = batch('first');
    await world.fanOut(...first);
    await run(whole, () => deliver(world.deps, [crm(first)]));
    for (let call = 0; call < whole.calls.length; call += 1) {
      const name = `${kind.replace(' ', '')}${call}`;
      const [events, late] = [batch(name), exampleEvent(`${name}-late`)];
      await world.fanOut(...events, late);
      await world.takeWakeUps();
      world.received.length = 0;
      const plan = new FaultPlan([[call, kind]]);
      // Another process is turned away meanwhile: its wake-up is over.
      world.setAnswer(async () => {
        world.setAnswer(() => ({ status: 204 }));
        await deliver({ ...world.deps, leases: world.otherLeases() }, [crm([late])]);
        return { status: 204 };
      });
      const isAsked = () => world.received.length > 0;
      await deliverUntilHandled(plan, [crm(events)]);
      if (!isAsked()) await world.deliver([crm([late])]);
      await world.deliver([{ endpoint: 'archive', events: [...events, late].map(({ id }) => id) }]);
      await world.settleAll();
      for (const one of [...events, late]) {
        const { deliveries } = await world.trace(one.id);
        expect(deliveries.map(({ endpoint, status }) => [endpoint, status])).toEqual([
          ['archive', 'DELIVERED'],
          ['crm', 'DELIVERED'],
        ]);
        const ids = world.received.filter(({ path, headers }) => path === '/crm' && headers['webhook-id'] === one.id);
        expect(ids.length).toBeLessThanOrEqual(2);
      }
      const left = (await world.rows('ENDPOINT#crm')).filter(({ sk }) => sk !== 'LEASE');
      expect(left).toEqual([]);
    }
  });

  test('by a fault of ours that lasts is reported for what it concerns alone, and kept as one request, not as ever more', async () => {
    await world.fanOut(event);
    await world.takeWakeUps();
    const crm = (await world.deps.endpoints.find('crm'))!;
    await world.deps.endpoints.replace(crm, { ...crm, encrypted: 'encrypted1.nonsense' });
    const { settled, unhandled } = await world.deliver(names);
    expect(settled).toMatchObject([{ delivery: { endpoint: 'archive', status: 'DELIVERED' } }]);
    const fault = { endpoint: 'crm', error: { name: 'DecryptionError' }, isKept: true };
    expect(unhandled).toMatchObject([fault]);
    for (let minute = 1; minute <= 3; minute += 1) {
      world.clock.advance(60_000);
      await world.sweep();
      const wakeUps = await world.takeWakeUps();
      expect(wakeUps).toEqual([{ endpoint: 'crm', events: [] }]);
      expect((await world.deliver(wakeUps)).unhandled).toMatchObject([fault]);
      expect((await world.rows('ENDPOINT#crm')).map(({ events }) => events)).toEqual([[event.id]]);
    }
    const broken = (await world.deps.endpoints.find('crm'))!;
    await world.deps.endpoints.replace(broken, { ...broken, encrypted: crm.encrypted });
    await world.settleAll();
    await expectBothDelivered();
  });

  test('while the receiver works: the lease ends, the attempt counts, the next has a fresh signature', async () => {
    await world.fanOut(event);
    let inPost = false;
    world.setAnswer(async () => {
      if (inPost) return { status: 204 };
      inPost = true;
      plan.kill();
      return { status: 204 };
    });
    const plan = new FaultPlan();
    await run(plan, () => deliver(world.deps, [names[1]!]));
    world.clock.advance(30_000);
    await world.answerWakeUps();
    await expectBothDelivered();
    const [first, second] = arrivals('crm');
    expect(arrivals('crm')).toHaveLength(2);
    expect(second!.headers['webhook-timestamp']).not.toBe(first!.headers['webhook-timestamp']);
    expect(second!.headers['webhook-signature']).not.toBe(first!.headers['webhook-signature']);
    const crm = (await world.trace(event.id)).deliveries.find(({ endpoint }) => endpoint === 'crm');
    expect(crm).toMatchObject({ attempt: 2 });
  });

  test('time and again in its last attempt: it fails as interrupted, not for ever', async () => {
    await updateEndpoint(world.deps, 'crm', { retryDelaysMs: [1000] });
    world.setAnswer(({ path }) => {
      if (path === '/crm') plan.kill();
      return { status: 204 };
    });
    let plan = new FaultPlan();
    await world.fanOut(event);
    for (let time = 0; time < 3; time += 1) {
      plan = new FaultPlan();
      await run(plan, () => deliver(world.deps, [names[1]!]));
      world.clock.advance(60_000);
    }
    const crm = (await world.trace(event.id)).deliveries.find(({ endpoint }) => endpoint === 'crm');
    expect(crm).toMatchObject({ status: 'FAILED', reason: 'interrupted', attempt: 2 });
    expect(arrivals('crm')).toHaveLength(2);
  });
});

describe('wake-ups that come more than once', () => {
  test('lead to one request, whether together or one after the other', async () => {
    await world.fanOut(event);
    await Promise.all([
      deliver(world.deps, names),
      deliver(world.deps, [...names, ...names]),
      deliver(world.deps, names),
    ]);
    await deliver(world.deps, names);
    await expectBothDelivered();
    expect(world.received).toHaveLength(2);
  });

  test('after a redrive of the dead-letter queue do no harm', async () => {
    await world.fanOut(event);
    const wakeUps = await world.takeWakeUps();
    await world.deliver(wakeUps);
    await world.deliver(wakeUps);
    expect(world.received).toHaveLength(2);
  });
});

describe('what changes while a delivery waits', () => {
  test('a new URL and a rotated secret count at the next attempt', async () => {
    world.setAnswer(() => ({ status: 500 }));
    await world.fanOut(event);
    await deliver(world.deps, [names[1]!]);
    await updateEndpoint(world.deps, 'crm', { url: world.urlOf('elsewhere') });
    await rotateSecret(world.deps, 'crm');
    world.setAnswer(() => ({ status: 204 }));
    await world.settleAll();
    const [moved] = arrivals('elsewhere');
    expect(String(moved!.headers['webhook-signature'])).toMatch(/^v1,\S+ v1,\S+$/);
  });

  test('a removed endpoint has its deliveries cancelled, also when it is added again', async () => {
    await world.fanOut(event);
    await removeEndpoint(world.deps, 'crm');
    await removeEndpoint(world.deps, 'archive');
    world.clock.advance(1);
    await addEndpoint(world.deps, 'archive', { url: world.urlOf('archive') });
    await world.settleAll();
    const { deliveries } = await world.trace(event.id);
    expect(deliveries).toMatchObject([
      { endpoint: 'archive', status: 'CANCELLED', reason: 'endpoint_removed' },
      { endpoint: 'crm', status: 'CANCELLED', reason: 'endpoint_removed' },
    ]);
    expect(world.received).toEqual([]);
  });
});
