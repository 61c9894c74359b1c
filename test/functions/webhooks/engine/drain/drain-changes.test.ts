import { beforeEach, describe, expect, test } from 'vitest';
import { recover } from '#functions/webhooks/deliveries/replay.ts';
import {
  addEndpoint,
  disableEndpoint,
  pauseEndpoint,
  removeEndpoint,
  resumeEndpoint,
  rotateSecret,
  updateEndpoint,
} from '#functions/webhooks/endpoints/lifecycle.ts';
import type { EndpointSettingsInput } from '#functions/webhooks/endpoints/settings.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import { ids, rowsLike, second, startDrainWorld, statuses, world } from '#test/support/drain-world.ts';
import { exampleEvent } from '#test/support/webhook-world.ts';

beforeEach(startDrainWorld);

const events = Array.from({ length: 12 }, (_, index) => exampleEvent(`transfer-${index}`));
const add = (settings: Partial<EndpointSettingsInput> = {}) =>
  addEndpoint(world.deps, 'crm', { url: world.urlOf('crm'), maxInFlight: 2, ...settings });
const wakeUp = { endpoint: 'crm', events: events.map(({ id }) => id) };
const range = { from: '2026-11-24T00:00:00.000Z', until: '2026-11-24T00:00:00.001Z', dryRun: false };

async function prepare(): Promise<void> {
  await world.fanOut(...events);
  await world.takeWakeUps();
}

/** Has something happen while the third request is under way. */
function duringThird(act: () => Promise<unknown>, status = 204): void {
  world.setAnswer(async () => {
    if (world.received.length !== 3) return { status: 204 };
    await act();
    return { status };
  });
}

describe('in the middle of a drain, an endpoint', () => {
  test.each([
    { what: 'paused', act: () => pauseEndpoint(world.deps, 'crm'), reason: 'paused' },
    { what: 'disabled', act: () => disableEndpoint(world.deps, 'crm', 'maintenance'), reason: 'disabled' },
  ])('that is $what gets nothing more: the others are held, and nothing is left to do', async ({ act, reason }) => {
    await add();
    await prepare();
    duringThird(act);
    expect((await world.deliver([wakeUp])).unhandled).toEqual([]);
    const { length } = world.received;
    expect(length).toBeLessThanOrEqual(5);
    expect(await statuses()).toEqual({ DELIVERED: length, HELD: 12 - length });
    const held = (await rowsLike('DELIVERY#')).filter(({ status }) => status === 'HELD');
    expect(new Set(held.map((row) => row.reason))).toEqual(new Set([reason]));
    expect(await rowsLike('REQUEST#')).toEqual([]);
  });

  test('that is paused and resumed gets all of it', async () => {
    await add();
    await prepare();
    duringThird(async () => {
      await pauseEndpoint(world.deps, 'crm');
      await resumeEndpoint(world.deps, 'crm');
    });
    await world.deliver([wakeUp]);
    await world.answerWakeUps();
    await recover(world.deps, 'crm', range);
    await world.settleAll();
    expect(await statuses()).toEqual({ DELIVERED: 12 });
    expect(ids()).toHaveLength(12);
  });

  test.each([204, 500])(
    'that is removed gets nothing more, and has the others cancelled, with %i for the last',
    async (status) => {
      await add();
      await prepare();
      duringThird(() => removeEndpoint(world.deps, 'crm'), status);
      const { unhandled } = await world.deliver([wakeUp]);
      expect(unhandled).toEqual([]);
      await world.answerWakeUps();
      const { length } = world.received;
      expect(length).toBeLessThanOrEqual(5);
      const delivered = status === 204 ? length : length - 1;
      expect(await statuses()).toEqual({ DELIVERED: delivered, CANCELLED: 12 - delivered });
      expect(await rowsLike('REQUEST#')).toEqual([]);
    },
  );

  test('that is removed has its waiting retries cancelled as well', async () => {
    await add({ retryDelaysMs: [3600 * second] });
    world.setAnswer(() => ({ status: 500 }));
    await prepare();
    await world.deliver([wakeUp]);
    expect(await statuses()).toEqual({ PENDING: 12 });
    await removeEndpoint(world.deps, 'crm');
    await world.answerWakeUps();
    expect(await statuses()).toEqual({ CANCELLED: 12 });
  });

  test('that is removed and added again under its name gets nothing that was meant for the old one', async () => {
    await add();
    await prepare();
    duringThird(async () => {
      await removeEndpoint(world.deps, 'crm');
      world.clock.advance(1);
      await add({ url: world.urlOf('again') });
    });
    await world.deliver([wakeUp]);
    await world.answerWakeUps();
    expect(world.received.filter(({ path }) => path === '/again')).toEqual([]);
    expect((await statuses()).PENDING).toBeUndefined();
    expect(await rowsLike('REQUEST#')).toEqual([]);
  });

  test('that gets another URL and another secret gets what is begun after that there, signed by it', async () => {
    await add({ maxInFlight: 1 });
    await prepare();
    duringThird(async () => {
      await updateEndpoint(world.deps, 'crm', { url: world.urlOf('moved') });
      await rotateSecret(world.deps, 'crm', 24 * 3600 * second);
    });
    await world.deliver([wakeUp]);
    const paths = world.received.map(({ path }) => path);
    expect([paths.slice(0, 3), new Set(paths.slice(3))]).toEqual([['/crm', '/crm', '/crm'], new Set(['/moved'])]);
    const signatures = world.received.map(({ headers }) => String(headers['webhook-signature']).split(' ').length);
    expect([signatures.slice(0, 3), new Set(signatures.slice(3))]).toEqual([[1, 1, 1], new Set([2])]);
  });

  test('that says it is gone is sent nothing more, and the others are held', async () => {
    await add({ maxInFlight: 1 });
    await prepare();
    world.setAnswer(() => ({ status: world.received.length < 3 ? 204 : 410 }));
    await world.deliver([wakeUp]);
    expect(world.received).toHaveLength(3);
    expect(await statuses()).toEqual({ DELIVERED: 2, HELD: 10 });
    expect(await rowsLike('REQUEST#')).toEqual([]);
  });

  test('that is paused when time is over has the others held by the next drain', async () => {
    await add();
    await prepare();
    duringThird(async () => {
      await pauseEndpoint(world.deps, 'crm');
      world.clock.advance(20 * second);
    });
    await deliver(world.deps, [wakeUp], world.clock.steady() + 30 * second);
    expect(await world.countWakeUps()).toBe(1);
    await world.answerWakeUps();
    const { DELIVERED = 0, HELD = 0 } = await statuses();
    expect(DELIVERED + HELD).toBe(12);
    expect(await rowsLike('REQUEST#')).toEqual([]);
  });
});

describe('a fault of DynamoDB or SQS in the middle of a drain', () => {
  test.each(['refused', 'lost'] as const)(
    'keeps one endpoint alone from being looked after, at whichever call it is %s, and everything is delivered later',
    async (kind) => {
      await add();
      await addEndpoint(world.deps, 'other', { url: world.urlOf('other') });
      let calls = Number.POSITIVE_INFINITY;
      for (let index = 1; index < calls; index += 1) {
        const some = [0, 1].map((count) => exampleEvent(`fault-${kind}-${index}-${count}`));
        await world.fanOut(...some);
        const wakeUps = await world.takeWakeUps();
        world.received.length = 0;
        const plan = new FaultPlan([[index, kind]]);
        const { unhandled } = await world.faults.run(plan, () => deliver(world.deps, wakeUps));
        calls = plan.calls.length;
        expect([index, unhandled.length <= 1]).toEqual([index, true]);
        const told = new Set(unhandled.map(({ endpoint }) => endpoint));
        const failed = new Set(unhandled.filter(({ isKept }) => !isKept).map(({ endpoint }) => endpoint));
        const pathsOf = (id: string) => world.received.filter(({ headers }) => headers['webhook-id'] === id);
        for (const { endpoint, events: named } of wakeUps.filter((wakeUp) => !told.has(wakeUp.endpoint))) {
          const made = named.filter((id) => pathsOf(id).some(({ path }) => path === `/${endpoint}`));
          expect([index, endpoint, made]).toEqual([index, endpoint, named]);
        }
        // The queue brings the messages again that are not done, the sweep looks at the rest.
        world.clock.advance(60 * second);
        await world.sweep();
        await deliver(
          world.deps,
          wakeUps.filter(({ endpoint }) => failed.has(endpoint)),
        );
        await world.answerWakeUps();
        const rows = await Promise.all(some.map(async ({ id }) => (await world.trace(id)).deliveries));
        expect([index, rows.flat().map(({ status }) => status)]).toEqual([index, Array(4).fill('DELIVERED')]);
        expect([index, await rowsLike('REQUEST#')]).toEqual([index, []]);
      }
    },
  );
});
