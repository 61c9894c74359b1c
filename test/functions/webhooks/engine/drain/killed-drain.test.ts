import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { beforeEach, describe, expect, test } from 'vitest';
import { eventBody } from '#functions/events/transfer-event.ts';
import { DataKey } from '#functions/lambda/data-key.ts';
import { addEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { endLeases } from '#infra/local/interruption.ts';
import { messagesOf, startFunctions } from '#test/functions/webhooks/engine/function-process.ts';
import {
  exampleEvent,
  type Received,
  startWebhookWorld,
  type WebhookWorld,
  webhooksTable,
} from '#test/support/webhook-world.ts';

const second = 1000;

/** Requests under way at the same time, and events that a batch of fan-out has. */
const [maxInFlight, batchSize] = [10, 10];

/** Seconds from one sweep to the next, and within which all is delivered after a restart. */
const [sweepInterval, patience] = [10, 45];

const events = Array.from({ length: 300 }, (_, index) => exampleEvent(`transfer-${index}`));
const bodies = new Map(events.map((event) => [event.id, eventBody(event)]));
const dataKey = randomBytes(32).toString('base64');

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  Object.assign(world.deps, { dataKey: new DataKey(dataKey) });
  readClock();
  await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm'), maxInFlight });
  return () => world.close();
});

/** Sets the clock of the test to the time that it is, which is what other processes go by. */
const readClock = () => world.clock.set(Date.now() - world.clock.now().getTime());
const idOf = ({ headers }: Received) => String(headers['webhook-id']);

/** The rows of all deliveries, by the ids of their events. */
async function deliveries() {
  const rows = (await world.dump()).filter(({ sk }) => sk.startsWith('DELIVERY#'));
  return new Map(rows.map(({ sk, status, attempt }) => [String(sk.split('#')[1]), { status, attempt }]));
}

/** Announces all events, in batches as fan-out gets them, and takes their wake-ups. */
async function announce() {
  for (let from = 0; from < events.length; from += batchSize)
    await world.fanOut(...events.slice(from, from + batchSize));
  return world.takeWakeUps();
}

/**
 * Has a process drain the endpoint, with what another one asks it for, and kills it.
 *
 * @param answered requests that are answered before: all after them are under way when it dies
 * @returns the wake-ups that it had in hand
 */
async function killDrain(answered: number) {
  const wakeUps = await announce();
  const [inHand, others] = [wakeUps.slice(0, 10), wakeUps.slice(10)];
  const underWay = Promise.withResolvers<void>();
  world.setAnswer(async () => {
    const { length } = world.received;
    if (length === 1) {
      readClock();
      await deliver({ ...world.deps, leases: world.otherLeases() }, others);
    }
    if (length === answered + maxInFlight) underWay.resolve();
    return length <= answered ? { status: 204 } : new Promise(() => {});
  });
  const environment = {
    ...world.sdkEnvironment,
    WEBHOOKS_TABLE: webhooksTable,
    WAKE_UP_QUEUE_URL: world.queue.url,
    DATA_KEY: dataKey,
    ALLOW_PRIVATE_WEBHOOKS: 'yes',
  };
  const bodiesInHand = inHand.map((wakeUp) => JSON.stringify(wakeUp));
  const child = startFunctions(environment, [['deliver', messagesOf(...bodiesInHand)]]);
  await Promise.race([underWay.promise, once(child, 'exit')]);
  child.kill('SIGKILL');
  await once(child, 'exit');
  world.setAnswer(() => ({ status: 204 }));
  readClock();
  return inHand;
}

describe('a process that is killed in the middle of a drain of 300', () => {
  test.each([
    { answered: 20, what: 'restarted with its database to itself', isAlone: true, within: 0 },
    {
      answered: 90,
      what: 'followed by another process, long before the queue brings its messages again,',
      isAlone: false,
      within: patience,
    },
  ])(
    'after $answered answers and $what has all of them delivered within $within s, and none again that was done',
    async ({ answered, isAlone, within }) => {
      const inHand = await killDrain(answered);
      const arrived = world.received.splice(0);
      const before = await deliveries();
      const done = new Set([...before.keys()].filter((id) => before.get(id)?.status === 'DELIVERED'));
      const cutOff = arrived.map(idOf).filter((id) => !done.has(id));
      expect([arrived.length, before.size]).toEqual([answered + maxInFlight, events.length]);
      expect(cutOff.length).toBeLessThanOrEqual(maxInFlight);

      if (isAlone) {
        await endLeases({ dynamo: world.dynamo, table: webhooksTable, now: world.clock.now });
        await world.deliver(inHand);
      }
      for (let passed = 0; passed <= within; passed += sweepInterval) {
        if (passed > 0) world.clock.advance(sweepInterval * second);
        await world.sweep();
        await world.answerWakeUps();
      }

      const after = await deliveries();
      expect(new Set([...after.values()].map(({ status }) => status))).toEqual(new Set(['DELIVERED']));
      expect([...after.keys()].filter((id) => after.get(id)?.attempt !== 1).toSorted()).toEqual(cutOff.toSorted());
      expect(world.received.map(idOf).toSorted()).toEqual([...bodies.keys()].filter((id) => !done.has(id)).toSorted());
      for (const request of [...arrived, ...world.received]) expect(request.body).toBe(bodies.get(idOf(request)));
    },
  );
});
