import { beforeEach, expect, test } from 'vitest';
import { putRows } from '../../../functions/batches.ts';
import { deliveryKey, duePart } from '../../../functions/webhooks/delivery.ts';
import { addEndpoint } from '../../../functions/webhooks/endpoint-life.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld, webhooksTable } from './webhook-world.ts';

const minute = 60_000;
const day = 1440 * minute;

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  return () => world.close();
});

test.each([550])(
  '%i retries of one endpoint that a clock a day ahead has put off are made once it was set back',
  async (count) => {
    const { endpoint } = await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm'), maxInFlight: 50 });
    const { createdAt } = endpoint;
    await world.sweep();
    // A retry for five minutes later, written by the clock that is ahead.
    world.clock.set(day);
    const now = world.clock.now().getTime();
    const rows = Array.from({ length: count }, (_, at) => {
      const event = exampleEvent(`waiting-${at}`);
      return {
        ...deliveryKey({ event: event.id, endpoint: 'crm' }),
        endpointSince: createdAt,
        eventAt: event.timestamp,
        body: JSON.stringify(event),
        status: 'PENDING',
        rev: 1,
        attempt: 1,
        nextAttemptAt: now + 5 * minute,
        changedAt: now,
        due: duePart('crm'),
        dueAt: now + 5 * minute,
      };
    });
    await putRows(world.dynamo, webhooksTable, rows);
    world.clock.advance(2 * minute);
    await world.sweep();
    world.clock.set(-day);
    for (let minutes = 0; minutes < 8; minutes += 1) {
      world.clock.advance(minute);
      await world.sweep();
      await world.answerWakeUps();
    }
    const statuses = Map.groupBy(
      (await world.dump()).filter(({ due, status }) => due || status),
      ({ status }) => status,
    );
    expect(statuses.get('PENDING')?.length ?? 0).toBe(0);
  },
  120_000,
);

test('a retry that succeeds while a sweep puts it right after the clock was set back is not made again', async () => {
  await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm'), retryDelays: [minute, minute] });
  await world.sweep();
  world.clock.set(day);
  world.setAnswer(() => ({ status: 500 }));
  const event = exampleEvent('transfer-1');
  await world.fanOut(event);
  await world.answerWakeUps();
  world.clock.advance(2 * minute);
  await world.sweep();
  world.setAnswer(async () => {
    world.clock.set(-day);
    world.setAnswer(() => ({ status: 204 }));
    await world.sweep();
    return { status: 204 };
  });
  for (let minutes = 0; minutes < 5; minutes += 1) {
    await world.deliver([{ endpoint: 'crm', events: [] }]);
    world.clock.advance(minute);
  }
  expect(world.received).toHaveLength(2);
  expect((await world.trace(event.id)).deliveries).toMatchObject([{ status: 'DELIVERED', attempt: 2 }]);
});
