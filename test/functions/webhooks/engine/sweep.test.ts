import { beforeEach, describe, expect, test } from 'vitest';
import { putRows } from '#functions/dynamodb/batch.ts';
import { endpointEvent } from '#functions/events/endpoint-event.ts';
import { eventBody } from '#functions/events/transfer-event.ts';
import { acquire, leaseDurationMs, newLease } from '#functions/webhooks/endpoints/lease.ts';
import { leaseKey } from '#functions/webhooks/endpoints/leases.ts';
import { sweep } from '#functions/webhooks/engine/sweep.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import { events as all, crm, minute, second, startEndpointWorld, world } from '#test/support/endpoint-world.ts';
import { webhooksTable } from '#test/support/webhook-world.ts';

beforeEach(startEndpointWorld);
beforeEach(() => crm.add({ retryDelaysMs: [20 * minute] }));

const events = (count: number) => all.slice(0, count);

/** Attempts events once, without success, so that they wait for 20 minutes. */
async function failOnce(count: number): Promise<void> {
  world.setAnswer(() => ({ status: 500 }));
  await world.fanOut(...events(count));
  await world.answerWakeUps();
  world.setAnswer(() => ({ status: 204 }));
  world.received.length = 0;
}

/** Lets a process die in the middle of the requests that there are wake-ups for. */
async function dieWoken(): Promise<void> {
  await world.die(world.another(), ...(await world.takeWakeUps()));
  world.received.length = 0;
}

/** Lets a process hold the endpoint. */
const holdBy = (id: string) =>
  world
    .another()
    .leases.change('crm', newLease, (lease) => acquire(lease, id, { inFlight: {}, observations: [] }, 0, world.now()));

describe('sweep', () => {
  test('leaves alone what has a wake-up of its own, and an endpoint with nothing to do', async () => {
    expect(await world.sweep()).toMatchObject({ woken: 0, left: 0, longestWaitMs: 0 });
    await world.fanOut(...events(3));
    expect(await world.sweep()).toMatchObject({ woken: 0, left: 0 });
  });

  test('wakes an endpoint once for all of its retries once they are due, and not before', async () => {
    await failOnce(5);
    world.clock.advance(20 * minute - 1);
    expect(await world.sweep()).toMatchObject({ woken: 0, longestWaitMs: 0 });
    world.clock.advance(1 + minute);
    expect(await world.sweep()).toMatchObject({ woken: 1, longestWaitMs: minute, failed: 0 });
    const wakeUps = await world.takeWakeUps();
    expect(wakeUps).toEqual([crm.wakeUp()]);
    await world.deliver(wakeUps);
    expect(world.received).toHaveLength(5);
    expect(await world.sweep()).toMatchObject({ woken: 0 });
  });

  test('wakes an endpoint for tasks that their holder left when it died, once its lease has ended', async () => {
    await holdBy('dead');
    await world.fanOut(...events(2));
    await world.answerWakeUps();
    world.clock.advance(leaseDurationMs - 1);
    expect(await world.sweep()).toMatchObject({ woken: 0 });
    world.clock.advance(1);
    expect(await world.sweep()).toMatchObject({ woken: 1, longestWaitMs: leaseDurationMs });
    await world.answerWakeUps();
    expect(world.received).toHaveLength(2);
  });

  test('wakes an endpoint for the attempts of a process that died, by their events, once its lease has ended', async () => {
    await world.fanOut(...events(2));
    await dieWoken();
    world.clock.advance(leaseDurationMs - 1);
    expect(await world.sweep()).toMatchObject({ woken: 0 });
    world.clock.advance(minute);
    expect(await world.sweep()).toMatchObject({ woken: 1, longestWaitMs: minute - 1 });
    const wakeUps = await world.takeWakeUps();
    const named = wakeUps.flatMap((wakeUp) => wakeUp.events);
    expect(named.toSorted()).toEqual(world.idsOf(events(2)));
    await world.deliver(wakeUps);
    expect(world.received).toHaveLength(2);
    expect(await world.sweep()).toMatchObject({ woken: 0 });
  });

  test('wakes an endpoint for a lone attempt whose process died, and not for one that succeeded', async () => {
    const [lost, made] = events(2);
    await world.fanOut(made!);
    await world.answerWakeUps();
    await world.fanOut(lost!);
    await dieWoken();
    world.clock.advance(leaseDurationMs);
    expect(await world.sweep()).toMatchObject({ woken: 1 });
    expect(await world.takeWakeUps()).toEqual([{ endpoint: 'crm', events: [lost!.id] }]);
  });

  test('leaves an endpoint alone that asked to be left alone, until that is over', async () => {
    world.setAnswer(() => ({ status: 429, headers: { 'retry-after': '3600' } }));
    await world.fanOut(...events(2));
    await world.answerWakeUps();
    world.clock.advance(3599 * second);
    expect(await world.sweep()).toMatchObject({ woken: 0, longestWaitMs: 0 });
    world.clock.advance(second);
    expect(await world.sweep()).toMatchObject({ woken: 1 });
  });

  test('wakes a paused endpoint for a retry, which is held then', async () => {
    await failOnce(1);
    await crm.pause();
    world.clock.advance(20 * minute);
    expect(await world.sweep()).toMatchObject({ woken: 1 });
    await world.answerWakeUps();
    expect(await world.deliveryOf(events(1)[0]!)).toMatchObject({ status: 'HELD', reason: 'paused' });
    expect(await world.sweep()).toMatchObject({ woken: 0 });
  });

  test('wakes every endpoint with work, over many pages', async () => {
    await failOnce(1);
    world.clock.advance(20 * minute);
    const [crm] = await world.rows('ENDPOINTS');
    const names = Array.from({ length: 120 }, (_, index) => `endpoint-${index}`);
    const rows = names.flatMap((name) => [
      { ...crm!, pk: 'ENDPOINTS', sk: name, name },
      { pk: leaseKey(name).pk, sk: `TASK#${world.now()}#any`, events: ['evt_any'] },
    ]);
    await putRows(world.dynamo, webhooksTable, rows);
    expect(await world.sweep()).toMatchObject({ woken: 121, left: 0 });
  });

  test('stops when time is short and says what it left', async () => {
    await failOnce(5);
    world.clock.advance(20 * minute);
    expect(await sweep(world.deps, world.clock.steady())).toMatchObject({ woken: 0, left: 1 });
  });

  test('leaves everything to the next sweep when it dies while it sends wake-ups', async () => {
    await failOnce(5);
    world.clock.advance(20 * minute);
    const plan = new FaultPlan([['SendMessageBatchCommand', 'crash before']]);
    await world.faults.run(plan, world.sweep).catch(() => undefined);
    expect(await world.sweep()).toMatchObject({ woken: 1 });
  });

  test('counts wake-ups that SQS does not take, and sends them again', async () => {
    await failOnce(5);
    world.clock.advance(20 * minute);
    const plan = new FaultPlan([['SendMessageBatchCommand', 'refused']]);
    expect((await world.faults.run(plan, world.sweep)).failed).toBe(1);
    expect(await world.sweep()).toMatchObject({ woken: 1, failed: 0 });
  });

  test('announces nothing more of endpoints once its time is over, and leaves it to the next sweep', async () => {
    await crm.disable();
    const data = { endpoint: 'crm', cause: 'timeout', message: 'it is slow', failingSince: '2026-11-24T00:00:00.000Z' };
    const pending = [eventBody(endpointEvent('endpoint.failing', data as never, '2026-11-24T00:00:00.000Z'))];
    const read = (await world.deps.endpoints.find('crm'))!;
    await world.deps.endpoints.replace(read, { ...read, pending });
    expect(await sweep(world.deps, world.clock.steady())).toMatchObject({ announced: 0, failed: 0 });
    expect(await world.sweep()).toMatchObject({ announced: 1 });
  });

  test('announces an endpoint that fails once, and repeats what SNS did not take under the same id', async () => {
    world.setAnswer(() => ({ status: 500 }));
    for (const event of events(4)) {
      await world.fanOut(event);
      await world.answerWakeUps();
      world.clock.advance(second);
    }
    const plan = new FaultPlan([['PublishBatchCommand', 'refused']]);
    expect(await world.faults.run(plan, world.sweep)).toMatchObject({ announced: 0, failed: 1 });
    expect(await world.sweep()).toMatchObject({ announced: 1, failed: 0 });
    expect(await world.sweep()).toMatchObject({ announced: 0, failed: 0 });
  });

  test('wakes a paused endpoint for what waits, though its circuit breaker is open', async () => {
    const [asking, waiting] = events(2);
    await world.prepare(asking!, waiting!);
    world.setAnswer(() => ({ status: 429, headers: { 'retry-after': '3600' } }));
    for (const event of [asking!, waiting!]) await world.deliver([crm.wakeUp(event)]);
    await crm.pause();
    await world.sweep();
    await world.answerWakeUps();
    expect(await world.deliveryOf(waiting!)).toMatchObject({ status: 'HELD' });
  });
});
