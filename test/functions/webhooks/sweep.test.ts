import { beforeEach, describe, expect, test } from 'vitest';
import { eventBody } from '../../../functions/transfers/event.ts';
import { endpointEvent } from '../../../functions/webhooks/endpoint-event.ts';
import { addEndpoint, disableEndpoint, pauseEndpoint } from '../../../functions/webhooks/endpoint-life.ts';
import { Endpoints } from '../../../functions/webhooks/endpoints.ts';
import { endpointShare, sweep } from '../../../functions/webhooks/sweep.ts';
import { FaultPlan } from '../transfers/aws-faults.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld, webhooksTable } from './webhook-world.ts';

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm'), maxInFlight: 100 });
  return () => world.close();
});

const events = (count: number) => Array.from({ length: count }, (_, at) => exampleEvent(`transfer-${at}`));

/** Fans events out whose doorbells are lost. */
async function loseDoorbells(count: number): Promise<void> {
  const plan = new FaultPlan([['SendMessageBatchCommand', 'refused']]);
  await world.faults.run(plan, () => world.fanOut(...events(count)));
}

describe('a sweep', () => {
  test('leaves alone what the doorbell has just rung for', async () => {
    await world.fanOut(...events(3));
    expect(await world.sweep()).toMatchObject({ rung: 0, left: 0 });
  });

  test('rings for lost doorbells once only while they may still be under way', async () => {
    await loseDoorbells(5);
    world.clock.advance(120_000);
    expect(await world.sweep()).toMatchObject({ rung: 5, left: 0, longestWait: 120_000, failed: 0 });
    expect(new Set((await world.takeWakeUps()).map(({ event }) => event)).size).toBe(5);
    expect(await world.sweep()).toMatchObject({ rung: 0 });
    world.clock.advance(120_000);
    expect(await world.sweep()).toMatchObject({ rung: 5 });
  });

  test('gives an endpoint its share over many pages, so that its backlog does not keep others from being swept', async () => {
    await loseDoorbells(endpointShare + 20);
    await addEndpoint(world.deps, 'other', { url: world.urlOf('other') });
    await world.fanOut(exampleEvent('for-both'));
    await world.takeWakeUps();
    world.clock.advance(120_000);
    const swept = await world.sweep();
    expect(swept).toMatchObject({ rung: endpointShare + 1, left: 21 });
    expect((await world.takeWakeUps()).filter(({ endpoint }) => endpoint === 'other')).toHaveLength(1);
    world.clock.advance(1);
    expect((await world.sweep()).rung).toBe(21);
  });

  test('stops when time is short and says what it left', async () => {
    await loseDoorbells(5);
    world.clock.advance(120_000);
    expect(await sweep(world.deps, world.clock.now().getTime())).toMatchObject({ rung: 0, left: 5 });
  });

  test('takes a delivery whose function died to be due since the claim ended', async () => {
    await world.fanOut(...events(1));
    const plan = new FaultPlan();
    world.setAnswer(() => {
      plan.kill();
      return { status: 204 };
    });
    await world.faults.run(plan, world.answerWakeUps).catch(() => undefined);
    world.clock.advance(130_000);
    expect(await world.sweep()).toMatchObject({ rung: 1, longestWait: 70_000 });
  });

  test('that dies while it rings leaves the doorbells to the next one, at once', async () => {
    await loseDoorbells(5);
    world.clock.advance(120_000);
    const plan = new FaultPlan([['SendMessageBatchCommand', 'crash before']]);
    await world.faults.run(plan, world.sweep).catch(() => undefined);
    expect(await world.sweep()).toMatchObject({ rung: 5 });
  });

  test('does not touch what became of a delivery while it rang', async () => {
    await loseDoorbells(1);
    world.clock.advance(120_000);
    const plan = new FaultPlan([['UpdateItemCommand', 'pause']]);
    const sweeping = world.faults.run(plan, world.sweep);
    await plan.reachedPause;
    await pauseEndpoint(world.deps, 'crm');
    await world.answerWakeUps();
    plan.resume();
    await sweeping;
    const [event] = events(1);
    const { deliveries } = await world.trace(event!.id);
    expect(deliveries).toMatchObject([{ status: 'HELD', dueAt: Date.parse(event!.timestamp) }]);
  });

  test('counts doorbells that SQS does not take, and rings again', async () => {
    await loseDoorbells(5);
    world.clock.advance(120_000);
    const plan = new FaultPlan([['SendMessageBatchCommand', 'refused']]);
    expect((await world.faults.run(plan, world.sweep)).failed).toBe(5);
    world.clock.advance(120_000);
    expect(await world.sweep()).toMatchObject({ rung: 5, failed: 0 });
  });

  test('announces nothing more of endpoints once its time is over, and leaves it to the next sweep', async () => {
    await disableEndpoint(world.deps, 'crm', 'it is gone');
    const endpoints = new Endpoints(world.dynamo, webhooksTable);
    const data = { endpoint: 'crm', cause: 'timeout', message: 'it is slow', failingSince: '2026-11-24T00:00:00.000Z' };
    const pending = [eventBody(endpointEvent('endpoint.failing', data as never, '2026-11-24T00:00:00.000Z'))];
    const read = (await endpoints.find('crm'))!;
    await endpoints.replace(read, { ...read, pending });
    expect(await sweep(world.deps, world.clock.steady())).toMatchObject({ announced: 0, failed: 0 });
    expect(await world.sweep()).toMatchObject({ announced: 1 });
  });

  test('announces an endpoint that fails once, and repeats what SNS did not take under the same id', async () => {
    world.setAnswer(() => ({ status: 500 }));
    for (const event of events(4)) {
      await world.fanOut(event);
      await world.answerWakeUps();
      world.clock.advance(1000);
    }
    const plan = new FaultPlan([['PublishCommand', 'refused']]);
    expect(await world.faults.run(plan, world.sweep)).toMatchObject({ announced: 0, failed: 1 });
    expect(await world.sweep()).toMatchObject({ announced: 1, failed: 0 });
    expect(await world.sweep()).toMatchObject({ announced: 0, failed: 0 });
  });
});
