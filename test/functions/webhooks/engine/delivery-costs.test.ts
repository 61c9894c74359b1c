import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Units } from '#functions/dynamodb/partition.ts';
import { eventBody, type TransferEvent } from '#functions/events/transfer-event.ts';
import { addEndpoint, removeEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { fanOut } from '#functions/webhooks/engine/fan-out.ts';
import { UnitsMeter } from '#test/bench/units/units-meter.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import { sdkSettings } from '#test/support/sdk-settings.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld } from '#test/support/webhook-world.ts';

let world: WebhookWorld;
let deps: WebhookWorld['deps'];
let meter: UnitsMeter;
beforeEach(async () => {
  world = await startWebhookWorld();
  const dynamo = new DynamoDBClient({
    ...sdkSettings(world.sdkEnvironment),
    endpoint: world.sdkEnvironment.AWS_ENDPOINT_URL_DYNAMODB!,
  });
  deps = world.depsThrough(dynamo);
  meter = new UnitsMeter(dynamo, world.dynamo);
  await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
  return async () => {
    dynamo.destroy();
    await world.close();
  };
});

const bodiesOf = (events: readonly TransferEvent[]) => events.map((event) => ({ body: eventBody(event) }));
const events = (name: string, count: number) =>
  Array.from({ length: count }, (_, index) => exampleEvent(`${name}-${index}`));

/** Units of events from arrival to end, in batches of ten, each fanned out and delivered by its wake-ups. */
async function costOf(count: number, name: string): Promise<Units> {
  const all = events(name, count);
  return meter.of(async () => {
    for (let index = 0; index < count; index += 10) {
      await fanOut(deps, bodiesOf(all.slice(index, index + 10)));
      await deliver(deps, await world.takeWakeUps());
    }
  });
}

describe('units of DynamoDB from the arrival of an event to the end of its delivery', () => {
  test('are 4 to write and 3 to read for one alone, and one more where the process does not know the lease yet', async () => {
    expect(await costOf(1, 'first')).toEqual({ write: 4, read: 4 });
    expect(await costOf(1, 'second')).toEqual({ write: 4, read: 3 });
    expect(world.received).toHaveLength(2);
  });

  test('are at most 4 to write and 2.5 to read in a burst of a hundred, in batches of ten', async () => {
    await costOf(1, 'before');
    const { write, read } = await costOf(100, 'burst');
    expect(world.received).toHaveLength(101);
    expect(write / 100).toBeLessThanOrEqual(4);
    expect(read / 100).toBeLessThanOrEqual(2.5);
  });

  test('are at most 11 to write and 10.5 to read for one whose first attempt fails, with its retry', async () => {
    await costOf(1, 'before');
    const [event] = events('failing', 1);
    world.setAnswer(() => ({ status: 500 }));
    const { write, read } = await meter.of(async () => {
      await fanOut(deps, bodiesOf([event!]));
      await deliver(deps, await world.takeWakeUps());
      world.setAnswer(() => ({ status: 204 }));
      world.clock.advance(5000);
      await deliver(deps, [{ endpoint: 'crm', events: [] }]);
    });
    expect(world.received).toHaveLength(3);
    expect(write).toBeLessThanOrEqual(11);
    expect(read).toBeLessThanOrEqual(10.5);
  });

  test('are 2 to write for an event that no endpoint wants: its row and its place in the list of events', async () => {
    await removeEndpoint(world.deps, 'crm');
    const { write } = await meter.of(() => fanOut(deps, bodiesOf(events('unwanted', 1))));
    expect(write).toBe(2);
  });
});

test('an installation without readers looks for no digest', async () => {
  const callsOf = async (task: () => Promise<unknown>) => {
    const plan = new FaultPlan();
    await world.faults.run(plan, task);
    return plan.calls;
  };
  const [first, event] = events('event', 2);
  await world.fanOut(first!);
  await world.answerWakeUps();
  // Endpoints; the delivery; its wake-up.
  expect(await callsOf(() => world.fanOut(event!))).toEqual([
    'QueryCommand',
    'PutItemCommand',
    'SendMessageBatchCommand',
  ]);
  const wakeUps = await world.takeWakeUps();
  // Endpoint and delivery; its place in the lease; its end.
  expect(await callsOf(() => world.deliver(wakeUps))).toEqual([
    'BatchGetItemCommand',
    'PutItemCommand',
    'UpdateItemCommand',
  ]);
  // The witness of the clock and the endpoints; lease and tasks, misplaced retries, and due ones; the witness.
  expect(await callsOf(world.sweep)).toEqual([...Array(5).fill('QueryCommand'), 'PutItemCommand']);
});
