import type { PublishBatchCommandInput } from '@aws-sdk/client-sns';
import { afterAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { endpointEvent } from '#functions/events/endpoint-event.ts';
import { publishEvents } from '#functions/events/publish.ts';
import { eventBody, transferEvent } from '#functions/events/transfer-event.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { type FaultKind, FaultPlan } from '#test/support/aws-faults.ts';
import { startWorld } from '#test/support/poll-world.ts';

const world = await startWorld();
afterAll(() => world.close());
beforeEach(async () => {
  await world.takeEvents();
});

const watch: Watch = { mailbox: 'alice@example.com', direction: 'received' };
const eventAt = (number: number, state = 'ACTIVE') =>
  transferEvent(
    'https://cryptshare.example.com',
    watch,
    { trackingId: `t-${number}`, state, previousState: null, sequence: 1 },
    '2026-11-24T00:15:03.120Z',
  );
const failing = endpointEvent(
  'endpoint.failing',
  {
    endpoint: 'crm',
    cause: 'timeout',
    message: 'it does not answer within 15 s',
    failingSince: '2026-11-24T00:00:00.000Z',
  },
  '2026-11-24T00:15:03.120Z',
);
const bodies = (count: number) => Array.from({ length: count }, (_, index) => eventBody(eventAt(index)));

/** Publishes events with faults by the number of the SNS call. Returns also what arrived, and the number of calls. */
async function publish(list: readonly string[], ...faults: (readonly [number, FaultKind])[]) {
  const plan = new FaultPlan(faults);
  const publication = await world.faults.run(plan, () => publishEvents(world.deps.topic, list));
  const arrived = (await world.takeEvents()).map(({ body }) => body);
  return { ...publication, arrived, calls: plan.calls.length };
}

/** Records the inputs of the commands that are sent to SNS until the test has finished. */
function recordInputs<Input>(): Input[] {
  const { middlewareStack } = world.deps.topic.sns;
  const inputs: Input[] = [];
  const record = { step: 'initialize', name: 'record' } as const;
  middlewareStack.add(
    (next) => (args) => {
      inputs.push(args.input as Input);
      return next(args);
    },
    record,
  );
  onTestFinished(() => void middlewareStack.remove(record.name));
  return inputs;
}

describe('publishEvents', () => {
  it('sends ten events in a batch, as the bytes that are stored', async () => {
    const batches = recordInputs<PublishBatchCommandInput>();
    const list = bodies(23);
    const { published, arrived, error } = await publish(list);
    expect(error).toBeUndefined();
    const lengths = batches.map(({ PublishBatchRequestEntries = [] }) => PublishBatchRequestEntries.length);
    expect(lengths).toEqual([10, 10, 3]);
    expect(arrived.toSorted()).toEqual(list.toSorted());
    expect([...published].sort()).toEqual(list.toSorted());
  });

  it.each([
    [eventAt(1, 'FAILED'), { type: 'transfer.failed', mailbox: 'alice@example.com', direction: 'received' }],
    [failing, { type: 'endpoint.failing' }],
  ])('has subscriptions filter on the attributes %#', async (event, attributes) => {
    await publishEvents(world.deps.topic, [eventBody(event)]);
    expect(await world.takeEvents()).toMatchObject([{ attributes }]);
  });

  it('makes no call without events', async () => {
    expect(await publish([])).toEqual({ published: new Set(), error: undefined, arrived: [], calls: 0 });
  });

  it('repeats only the events that SNS refuses in an answer with 200', async () => {
    const list = bodies(10);
    const { published, arrived, error, calls } = await publish(list, [0, 'partial'], [1, 'partial']);
    expect(error).toBeUndefined();
    expect(published).toEqual(new Set(list));
    expect(arrived.toSorted()).toEqual(list.toSorted());
    expect(calls).toBe(3);
  });

  it('gives up events that SNS refuses three times, and publishes the other batches', async () => {
    const faults = [0, 2, 3].map((call) => [call, 'partial'] as const);
    const { published, arrived, error, calls } = await publish(bodies(20), ...faults);
    expect(calls).toBe(4);
    expect(error?.message).toContain('InternalError');
    expect([...published].sort()).toEqual(arrived.toSorted());
    expect(arrived.length).toBeGreaterThanOrEqual(15);
    expect(arrived.length).toBeLessThan(20);
  });

  it('publishes the batches in flight when SNS cannot take one', async () => {
    const { published, arrived, error } = await publish(bodies(40), [1, 'refused']);
    expect(error?.message).toContain('not available');
    expect(published.size).toBe(30);
    expect([...published].sort()).toEqual(arrived.toSorted());
  });

  it('stops after the calls in flight once SNS is unreachable', async () => {
    const everyCall = Array.from({ length: 50 }, (_, call) => [call, 'refused'] as const);
    const { published, error, calls } = await publish(bodies(500), ...everyCall);
    expect(published.size).toBe(0);
    expect(error).toBeDefined();
    expect(calls).toBeLessThanOrEqual(4);
  });

  it('does not count events as published whose answer is lost', async () => {
    const { published, arrived, error } = await publish(bodies(3), [0, 'lost']);
    expect(published.size).toBe(0);
    expect(arrived).toHaveLength(3);
    expect(error).toBeDefined();
  });
});
