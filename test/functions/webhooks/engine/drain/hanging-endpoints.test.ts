import { beforeEach, expect, test } from 'vitest';
import { eventBody } from '#functions/events/transfer-event.ts';
import { addEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { failedMessages, readWakeUps, sendWakeUps } from '#functions/webhooks/endpoints/wake-ups.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { startEventSource } from '#infra/local/services/event-source.ts';
import { startEndpointWorld, world } from '#test/support/endpoint-world.ts';
import { exampleEvent } from '#test/support/webhook-world.ts';

beforeEach(startEndpointWorld);

/** Batches that deliver works on at the same time, on AWS and in the local run. */
const slots = 20;

test.each([
  { hanging: 1, maxInFlight: 10 },
  { hanging: 4, maxInFlight: 10 },
  { hanging: 1, maxInFlight: 50 },
])(
  'deliver reaches an endpoint at once beside $hanging others that hang with $maxInFlight attempts each',
  async ({ hanging, maxInFlight }) => {
    const bad = await Promise.all(
      Array.from({ length: hanging }, (_, index) => `bad-${index}`).map((name) =>
        addEndpoint(world.deps, name, { url: world.urlOf(name), maxInFlight }),
      ),
    );
    const good = await addEndpoint(world.deps, 'good', { url: world.urlOf('good') });
    const [hung, arrived] = [Promise.withResolvers<void>(), Promise.withResolvers<'delivered'>()];
    // A batch either ends, or a request of it is in flight.
    let goOn = () => {};
    world.setAnswer(async ({ path }) => {
      if (path === '/good') arrived.resolve('delivered');
      else {
        goOn();
        await hung.promise;
      }
      return { status: 204 };
    });
    const full = Promise.withResolvers<'all slots taken'>();
    let busy = 0;
    const source = startEventSource(world.sqs, world.queue, slots, async ({ Records }) => {
      busy += 1;
      if (busy === slots) full.resolve('all slots taken');
      const wakeUps = readWakeUps(Records);
      const { unhandled } = await deliver(world.deps, [...wakeUps.values()]);
      busy -= 1;
      goOn();
      return { batchItemFailures: failedMessages(wakeUps, unhandled) };
    });
    const announce = async ({ endpoint }: typeof good, trackingId: string) => {
      const event = exampleEvent(trackingId);
      const stored = { id: event.id, body: eventBody(event), at: event.timestamp, kind: 'event' } as const;
      await world.deps.deliveries.create(stored, endpoint, world.now(), false);
      await sendWakeUps(world.deps, [{ endpoint: endpoint.name, events: [event.id] }]);
    };
    // Single changes, one after the other.
    for (let index = 0; index < 24; index += 1) {
      const { promise, resolve } = Promise.withResolvers<void>();
      goOn = resolve;
      await announce(bad[index % hanging]!, `hanging-${index}`);
      await Promise.race([promise, full.promise]);
    }
    await announce(good, 'good-1');
    expect(await Promise.race([arrived.promise, full.promise])).toBe('delivered');
    hung.resolve();
    source.stop();
    // The source waits for a message for a second unless there is one.
    await sendWakeUps(world.deps, [{ endpoint: 'good', events: [] }]);
    await source.ended;
  },
);
