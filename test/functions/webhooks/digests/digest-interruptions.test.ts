import { beforeEach, describe, expect, test } from 'vitest';
import { recover } from '#functions/webhooks/deliveries/replay.ts';
import { declareEndpoints } from '#functions/webhooks/endpoints/declared.ts';
import { pauseEndpoint, resumeEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import type { WakeUp } from '#functions/webhooks/endpoints/wake-ups.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { type FaultKind, FaultPlan, faultKinds, type PlannedFault, someFaultsAt } from '#test/support/aws-faults.ts';
import { minute, range, second, startEndpointWorld, world } from '#test/support/endpoint-world.ts';
import { exampleEvents } from '#test/support/webhook-world.ts';
import { expectToldOnce, mailedTo, mailReader } from './told-once.ts';

/** Calls after which a process has surely lost its way. */
const mostCalls = 200;

/** Faults of a process whose time ends. */
class Limited extends FaultPlan {
  override next(command: string): FaultKind | undefined {
    return this.calls.length > mostCalls ? 'crash before' : super.next(command);
  }
}

beforeEach(startEndpointWorld);
beforeEach(async () => void (await declareEndpoints(world.deps, [mailReader('anna')])));

const ever = { ...range, until: '2999-01-01T00:00:00.000Z' };

/** Another process handles wake-ups. True when the queue need not bring them again. */
const process = async (plan: FaultPlan, wakeUps: readonly WakeUp[]): Promise<boolean> =>
  world.faults
    .run(plan, () => deliver(world.another(), wakeUps))
    .then(
      ({ unhandled }) => unhandled.length === 0,
      () => false,
    );

/** Announces events and lets the time pass for which they are gathered; returns the wake-up for them. */
async function announce(prefix: string, count: number) {
  const at = world.clock.now().toISOString();
  const events = exampleEvents(prefix, count).map((event) => ({ ...event, timestamp: at }));
  await world.prepare(...events);
  world.clock.advance(11 * second);
  return { events, wakeUps: [{ endpoint: 'anna', events: events.map(({ id }) => id) }] };
}

/** Lets the sweep alone find what is left, as it does when the queue has given up. */
async function settle(): Promise<void> {
  for (let round = 0; round < 4; round += 1) {
    world.clock.advance(minute);
    await world.sweep();
    await process(new Limited(), await world.takeWakeUps());
  }
}

/** Counts the calls of a process that gathers three events into a digest and mails it. */
async function countCalls(): Promise<number> {
  const { wakeUps } = await announce('counted', 3);
  const plan = new Limited();
  await process(plan, wakeUps);
  expect(mailedTo(world, 'anna')).toHaveLength(1);
  return plan.calls.length;
}

const nameOf = (call: number, kind: string) => `at-${call}-${kind.replace(' ', '-')}`;

describe('a process that gathers events', () => {
  test.each([
    { what: 'the queue brings its wake-up again', isBroughtAgain: true },
    { what: 'only the sweep finds its work', isBroughtAgain: false },
  ])('may fail or die at any call, and each event is in one digest that is mailed: $what (P29)', async (how) => {
    const calls = await countCalls();
    for (const { call, kind } of someFaultsAt(calls, faultKinds, 2, how.isBroughtAgain ? 0 : 1)) {
      const { events, wakeUps } = await announce(nameOf(call, kind), 3);
      const isHandled = await process(new Limited([[call, kind]]), wakeUps);
      // A lease of the dead process has ended by then.
      if (how.isBroughtAgain && !isHandled) {
        world.clock.advance(46 * second);
        await process(new Limited(), wakeUps);
      }
      await settle();
      expect(await expectToldOnce(world, 'anna', events), nameOf(call, kind)).toHaveLength(1);
    }
  });

  /** Runs a process that stalls at a call until something else has happened. */
  async function stall(fault: PlannedFault, wakeUps: readonly WakeUp[], act: () => Promise<unknown>) {
    const plan = new Limited([fault]);
    const stalled = process(plan, wakeUps);
    await Promise.race([plan.reachedPause, stalled]);
    await act();
    plan.resume();
    await stalled;
  }

  test('may stall at any call while another process gathers the same events and more (P29)', async () => {
    for (const { call } of someFaultsAt(await countCalls(), ['pause'], 2)) {
      const { events, wakeUps } = await announce(nameOf(call, 'first'), 3);
      const all = [...events];
      await stall([call, 'pause'], wakeUps, async () => {
        const more = await announce(nameOf(call, 'more'), 2);
        all.push(...more.events);
        await process(new Limited(), [...wakeUps, ...more.wakeUps]);
      });
      await settle();
      expect((await expectToldOnce(world, 'anna', all)).length, `stalled at ${call}`).toBeLessThanOrEqual(2);
    }
  });

  test('may stall at any call while its reader is paused, and what was held is released (P29)', async () => {
    for (const { call } of someFaultsAt(await countCalls(), ['pause'], 2, 1)) {
      const { events, wakeUps } = await announce(nameOf(call, 'held'), 3);
      await stall([call, 'pause'], wakeUps, async () => {
        await pauseEndpoint(world.deps, 'anna');
        await process(new Limited(), wakeUps);
        await resumeEndpoint(world.deps, 'anna');
        world.clock.advance(11 * second);
        await recover(world.deps, 'anna', ever);
        await world.takeWakeUps();
      });
      await settle();
      expect((await expectToldOnce(world, 'anna', events)).length, `stalled at ${call}`).toBe(1);
    }
  });
});
