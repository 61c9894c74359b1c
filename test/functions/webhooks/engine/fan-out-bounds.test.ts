import { beforeEach, describe, expect, it, test } from 'vitest';
import { putRows } from '#functions/dynamodb/batch.ts';
import { eventBody } from '#functions/events/transfer-event.ts';
import { addEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { type Announcement, endpointsPerMessage, fanOut } from '#functions/webhooks/engine/fan-out.ts';
import { takeMessages } from '#infra/local/services/subscribed-queue.ts';
import { type FaultKind, FaultPlan, faultsAt } from '#test/support/aws-faults.ts';
import { startEndpointWorld, world } from '#test/support/endpoint-world.ts';
import { exampleEvent, webhooksTable } from '#test/support/webhook-world.ts';
import { environmentOf, invoke, messagesOf } from './function-process.ts';

beforeEach(startEndpointWorld);

const event = exampleEvent('20260101-000000-Example1');
const body = eventBody(event);
const nameOf = (at: number) => `endpoint-${String(at).padStart(5, '0')}`;
const namesTo = (count: number) => Array.from({ length: count }, (_, index) => nameOf(index));

/** Adds endpoints, all like the first one. */
async function addMany(count: number): Promise<void> {
  const first =
    (await world.deps.endpoints.find(nameOf(0))) ??
    (await addEndpoint(world.deps, nameOf(0), { url: world.urlOf('crm') })).endpoint;
  const rows = namesTo(count).map((name) => ({ ...first, name, pk: 'ENDPOINTS', sk: name }));
  await putRows(world.dynamo, webhooksTable, rows);
}

/** Takes what was handed on out of the queue. */
const takeHandedOn = async (): Promise<Announcement[]> =>
  (await takeMessages(world.sqs, world.announcementQueue.url)).map(({ Body = '', MessageAttributes }) => ({
    body: Body,
    after: MessageAttributes?.endpointsAfter?.StringValue,
  }));

/** Fans out what was handed on until nothing is; returns how many messages there were. */
async function fanOutRest(): Promise<number> {
  let messages = 0;
  for (let taken = await takeHandedOn(); taken.length > 0; taken = await takeHandedOn()) {
    messages += taken.length;
    await fanOut(world.deps, taken);
  }
  return messages;
}

const receivers = async (id = event.id) => (await world.trace(id)).deliveries.map(({ endpoint }) => endpoint);

/** The calls of a task, and the most writes in flight at the same time. */
async function workOf<T>(task: () => Promise<T>) {
  let writing = 0;
  let mostWriting = 0;
  world.dynamo.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        if (commandName !== 'PutItemCommand') return next(args);
        writing += 1;
        mostWriting = Math.max(mostWriting, writing);
        return next(args).finally(() => {
          writing -= 1;
        });
      },
    { step: 'initialize', name: 'inFlight' },
  );
  const plan = new FaultPlan();
  const result = await world.faults.run(plan, task);
  world.dynamo.middlewareStack.remove('inFlight');
  const calls = Object.fromEntries(
    Object.entries(Object.groupBy(plan.calls, String)).map(([name, all]) => [name, all!.length]),
  );
  return { result, calls, mostWriting };
}

test('fanOut does as much work in one invocation with 500 endpoints as with 60', async () => {
  const batchOf = (name: string) =>
    Array.from({ length: 3 }, (_, index) => ({ body: eventBody(exampleEvent(`20260101-000000-${name}${index}`)) }));
  await addMany(60);
  const few = await workOf(() => fanOut(world.deps, batchOf('few')));
  await addMany(500);
  const many = await workOf(() => fanOut(world.deps, batchOf('many')));
  expect(few).toMatchObject({ result: { deliveries: 3 * endpointsPerMessage, handedOn: 3, unhandled: [] } });
  expect(many).toEqual(few);
  expect(many.calls).toEqual({
    QueryCommand: 1,
    PutItemCommand: 3 * endpointsPerMessage,
    SendMessageBatchCommand: endpointsPerMessage / 10,
    SendMessageCommand: 3,
  });
  expect(many.mostWriting).toBeLessThanOrEqual(32);
});

test('fanOut needs as much memory for ten events with 2,000 endpoints as with 60', async () => {
  const memoryOf = async (name: string) => {
    const bodies = Array.from({ length: 10 }, (_, index) => eventBody(exampleEvent(`20260101-000000-${name}${index}`)));
    const output = await invoke(environmentOf(world, ''), [['fan-out', messagesOf(...bodies)]]);
    expect(output).toContain('"handedOn":10');
    return Number(/^memory: (\d+)$/m.exec(output)![1]) / 1024;
  };
  await addMany(60);
  const few = await memoryOf('few');
  await addMany(2000);
  const many = await memoryOf('many');
  expect(many - few).toBeLessThan(40);
  expect(many).toBeLessThan(256);
});

describe('fanOut of an event that more endpoints want than one message has room for', () => {
  const count = 2 * endpointsPerMessage + 7;

  it('reaches each endpoint once, part by part', async () => {
    await addMany(count);
    expect(await fanOut(world.deps, [{ body }])).toMatchObject({ deliveries: endpointsPerMessage, handedOn: 1 });
    expect(await receivers()).toEqual(namesTo(endpointsPerMessage));
    expect(await fanOutRest()).toBe(2);
    expect(await receivers()).toEqual(namesTo(count));
    expect(await world.takeWakeUps()).toHaveLength(count);
  });

  it('hands nothing on for no endpoint', async () => {
    await addMany(endpointsPerMessage);
    expect(await fanOut(world.deps, [{ body }])).toMatchObject({ deliveries: endpointsPerMessage, handedOn: 0 });
  });

  it('reaches an endpoint that is added between the parts if its name has not been passed yet', async () => {
    await addMany(count);
    await fanOut(world.deps, [{ body }]);
    for (const name of ['early', 'late']) await addEndpoint(world.deps, name, { url: world.urlOf(name) });
    await fanOutRest();
    const names = await receivers();
    expect(names).toContain('late');
    // `early` comes before `endpoint-…`.
    expect(names).not.toContain('early');
  });

  const kinds: readonly FaultKind[] = ['lost', 'crash after'];
  const calls = ['QueryCommand', 'PutItemCommand', 'SendMessageBatchCommand', 'SendMessageCommand'];
  test.each(faultsAt(calls.length, kinds).map(({ call, kind }) => ({ call: calls[call]!, kind })))(
    'repeats its message from where it began, and reaches each endpoint once, when a $call goes wrong ($kind)',
    async ({ kind, call }) => {
      await addMany(count);
      await fanOut(world.deps, [{ body }]);
      const [rest] = await takeHandedOn();
      const whole = new FaultPlan();
      await world.faults.run(whole, async () =>
        fanOut(world.deps, [{ ...rest!, body: eventBody(exampleEvent('other')) }]),
      );
      await takeHandedOn();
      const at = whole.calls.lastIndexOf(call);
      await world.faults.run(new FaultPlan([[at, kind]]), () => fanOut(world.deps, [rest!])).catch(() => undefined);
      const again = await workOf(() => fanOut(world.deps, [rest!]));
      expect(again.calls.PutItemCommand).toBe(endpointsPerMessage);
      await fanOutRest();
      expect(await receivers()).toEqual(namesTo(count));
    },
  );

  it('hands nothing on of which nothing can be written, and leaves it to the queue and its dead letters', async () => {
    await addMany(count);
    const plan = new FaultPlan([['PutItemCommand', 'refused']]);
    const fannedOut = await world.faults.run(plan, () => fanOut(world.deps, [{ body, after: nameOf(9) }]));
    expect(fannedOut).toMatchObject({ deliveries: 0, handedOn: 0, unhandled: [{ message: 0 }] });
    expect(await takeHandedOn()).toEqual([]);
  });
});

describe('fanOut in a short invocation', () => {
  /** A clock that each look at it moves on by a millisecond. */
  const hurried = () => {
    const started = world.clock.steady();
    let time = started;
    const steady = () => {
      time += 1;
      return time;
    };
    return { deps: { ...world.deps, steady }, started };
  };

  it('ends what it has begun, and hands the rest on from there', async () => {
    await addMany(40);
    const { deps, started } = hurried();
    const { deliveries, handedOn } = await fanOut(deps, [{ body }], started + 12);
    expect(handedOn).toBe(1);
    expect(deliveries).toBeGreaterThan(5);
    expect(deliveries).toBeLessThan(15);
    expect(await receivers()).toEqual(namesTo(deliveries));
    expect(await takeHandedOn()).toEqual([{ body, after: nameOf(deliveries - 1) }]);
    await fanOut(world.deps, [{ body, after: nameOf(deliveries - 1) }]);
    expect(await receivers()).toEqual(namesTo(40));
  });

  it('leaves a message without any delivery to the queue instead of handing it on', async () => {
    await addMany(3);
    const { deps, started } = hurried();
    expect(await fanOut(deps, [{ body }], started)).toMatchObject({
      deliveries: 0,
      handedOn: 0,
      unhandled: [{ message: 0 }],
    });
    expect(await takeHandedOn()).toEqual([]);
  });

  it('hands nothing on that the queue brings again, because SQS took no wake-up', async () => {
    await addMany(2);
    let steady = 0;
    const deps = { ...world.deps, steady: () => steady++ };
    const plan = new FaultPlan([['SendMessageBatchCommand', 'refused']]);
    // Time is over after the first of the two endpoints.
    const fannedOut = await world.faults.run(plan, () => fanOut(deps, [{ body }], 1));
    expect(fannedOut).toMatchObject({ deliveries: 1, handedOn: 0, unhandled: [{ message: 0 }] });
  });
});
