import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { beforeEach, describe, expect, test } from 'vitest';
import { eventBody } from '#functions/events/transfer-event.ts';
import { DataKey } from '#functions/lambda/data-key.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { endLeases } from '#infra/local/interruption.ts';
import { environmentOf, messagesOf, startFunctions } from '#test/functions/webhooks/engine/function-process.ts';
import { crm, second, startEndpointWorld, world } from '#test/support/endpoint-world.ts';
import { exampleEvents, type Received, webhooksTable } from '#test/support/webhook-world.ts';

/** Requests in flight at the same time, and events in a batch of fan-out. */
const [maxInFlight, batchSize] = [10, 10];

/** Seconds from one sweep to the next, and within which all is delivered after a restart. */
const [sweepInterval, patience] = [10, 45];

const events = exampleEvents('transfer', 150);
const bodies = new Map(events.map((event) => [event.id, eventBody(event)]));
const dataKey = randomBytes(32).toString('base64');

beforeEach(startEndpointWorld);
beforeEach(async () => {
  Object.assign(world.deps, { dataKey: new DataKey(dataKey) });
  readClock();
  await crm.add({ maxInFlight });
});

/** Sets the clock of the test to the real time, by which other processes go. */
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
 * Lets a process drain the endpoint, with the requests of another one, and kills it.
 *
 * @param answered requests that are answered before; all after them are in flight when it dies
 * @returns the wake-ups that it had in hand
 */
async function killDrain(answered: number) {
  const wakeUps = await announce();
  const [inHand, others] = [wakeUps.slice(0, 10), wakeUps.slice(10)];
  const inFlight = Promise.withResolvers<void>();
  world.setAnswer(async () => {
    const { length } = world.received;
    if (length === 1) {
      readClock();
      await deliver(world.another(), others);
    }
    if (length === answered + maxInFlight) inFlight.resolve();
    return length <= answered ? { status: 204 } : new Promise(() => {});
  });
  const bodiesInHand = inHand.map((wakeUp) => JSON.stringify(wakeUp));
  const child = startFunctions(environmentOf(world, dataKey), [['deliver', messagesOf(...bodiesInHand)]]);
  await Promise.race([inFlight.promise, once(child, 'exit')]);
  child.kill('SIGKILL');
  await once(child, 'exit');
  world.setAnswer(() => ({ status: 204 }));
  readClock();
  return inHand;
}

describe('deliver after a process that was killed in the middle of a drain of 150', () => {
  test.each([
    { answered: 20, what: 'in a restart with the database to itself', isAlone: true, within: 0 },
    {
      answered: 90,
      what: 'in another process, before the queue brings the messages again',
      isAlone: false,
      within: patience,
    },
  ])(
    'makes all within $within s and none twice that was done after $answered answers, $what',
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
