import { PublishBatchCommand, type PublishBatchCommandInput, PublishCommand } from '@aws-sdk/client-sns';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { endpointEvent } from '#functions/events/endpoint-event.ts';
import { eventBody, transferEvent } from '#functions/events/transfer-event.ts';
import { endpointNotice, transferNotice } from '#functions/notices/notice.ts';
import { parseNotice } from '#functions/notices/notice-record.ts';
import { publishEvents, publishNotice } from '#functions/notices/publish.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { type FaultKind, FaultPlan } from '#test/support/aws-faults.ts';
import { startWorld, type World } from '#test/support/poll-world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.takeEvents();
  await world.takeNotices();
});

const watch: Watch = { mailbox: 'alice@example.com', direction: 'received' };
const eventAt = (at: number, state = 'ACTIVE') =>
  transferEvent(
    'https://cryptshare.example.com',
    watch,
    { trackingId: `t-${at}`, state, previousState: null, sequence: 1 },
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

/** Publishes with faults by the number of the call to SNS; returns the calls, too. */
async function publish(list: readonly string[], ...faults: (readonly [number, FaultKind])[]) {
  const plan = new FaultPlan(faults);
  const publication = await world.faults.run(plan, () => publishEvents(world.deps.topics, list));
  const arrived = (await world.takeEvents()).map(({ body }) => body);
  return { ...publication, arrived, calls: plan.calls.length };
}

describe('events', () => {
  it('go out ten to a batch, as the bytes that are stored', async () => {
    const batches = spiedOn<PublishBatchCommandInput>(PublishBatchCommand.name);
    const list = bodies(23);
    const { published, arrived, error } = await publish(list);
    expect(error).toBeUndefined();
    expect(batches.map(({ PublishBatchRequestEntries = [] }) => PublishBatchRequestEntries.length)).toEqual([
      10, 10, 3,
    ]);
    expect(arrived.toSorted()).toEqual(list.toSorted());
    expect([...published].sort()).toEqual(list.toSorted());
  });

  it('carry type, mailbox and direction to filter on', async () => {
    await publishEvents(world.deps.topics, [eventBody(eventAt(1, 'FAILED'))]);
    const [{ attributes } = { attributes: {} }] = await world.takeEvents();
    expect(attributes).toEqual({ type: 'transfer.failed', mailbox: 'alice@example.com', direction: 'received' });
  });

  it('carry nothing but the type when they are about an endpoint', async () => {
    await publishEvents(world.deps.topics, [eventBody(failing)]);
    const [{ attributes } = { attributes: {} }] = await world.takeEvents();
    expect(attributes).toEqual({ type: 'endpoint.failing' });
  });

  it('need no call when there are none', async () => {
    expect(await publish([])).toEqual({ published: new Set(), error: undefined, arrived: [], calls: 0 });
  });

  it('that SNS refuses though it answers 200 are repeated, and only they', async () => {
    const list = bodies(10);
    const { published, arrived, error, calls } = await publish(list, [0, 'partial'], [1, 'partial']);
    expect(error).toBeUndefined();
    expect(published).toEqual(new Set(list));
    expect(arrived.toSorted()).toEqual(list.toSorted());
    expect(calls).toBe(3);
  });

  it('that SNS refuses again and again are not taken for published', async () => {
    const list = bodies(10);
    const { published, arrived, error, calls } = await publish(list, [0, 'partial'], [1, 'partial'], [2, 'partial']);
    expect(calls).toBe(3);
    expect(arrived.length).toBeLessThan(10);
    expect([...published].sort()).toEqual(arrived.toSorted());
    expect(error?.message).toContain('InternalError');
  });

  it('of one batch refused in part leave the other batches alone', async () => {
    const list = bodies(20);
    const faults = [0, 2, 3].map((call) => [call, 'partial'] as const);
    const { published, arrived, error } = await publish(list, ...faults);
    expect(error).toBeDefined();
    expect([...published].sort()).toEqual(arrived.toSorted());
    expect(arrived.length).toBeGreaterThanOrEqual(15);
  });

  it('of a batch that SNS cannot take leave the batches under way alone', async () => {
    const list = bodies(40);
    const { published, arrived, error } = await publish(list, [1, 'refused']);
    expect(error?.message).toContain('not available');
    expect(published.size).toBe(30);
    expect([...published].sort()).toEqual(arrived.toSorted());
  });

  it('are not tried one after the other once SNS cannot be reached', async () => {
    const everyCall = Array.from({ length: 50 }, (_, call) => [call, 'refused'] as const);
    const { published, error, calls } = await publish(bodies(500), ...everyCall);
    expect(published.size).toBe(0);
    expect(error).toBeDefined();
    expect(calls).toBeLessThanOrEqual(4);
  });

  it('of which the answer is lost are not taken for published', async () => {
    const { published, arrived, error } = await publish(bodies(3), [0, 'lost']);
    expect(published.size).toBe(0);
    expect(arrived).toHaveLength(3);
    expect(error).toBeDefined();
  });
});

describe('a notice', () => {
  const events = [eventAt(1, 'FAILED'), eventAt(2)];
  const notice = transferNotice(watch, events);

  it('reaches e-mail as text with a subject, chat as a custom notification, and filters by its attributes', async () => {
    await publishNotice(world.deps.topics, notice);
    const [published] = await world.takeNotices();
    expect(published?.subject).toMatch(/^[\x20-\x7e]{1,99}$/);
    expect(published).toEqual({
      subject: notice.subject,
      text: notice.text,
      chat: notice.chat,
      attributes: {
        types: '["transfer.failed","transfer.active"]',
        mailbox: 'alice@example.com',
        direction: 'received',
        severity: 'alert',
      },
    });
  });

  it('has a message for each channel, and its types as a list to filter on', async () => {
    const [sent] = await spiedOnDuring(() => publishNotice(world.deps.topics, notice));
    expect(sent).toMatchObject({
      MessageStructure: 'json',
      MessageAttributes: {
        types: { DataType: 'String.Array' },
        mailbox: { DataType: 'String' },
        direction: { DataType: 'String' },
        severity: { DataType: 'String' },
      },
    });
    const { default: text, email, https, sqs, ...others } = JSON.parse(String(sent?.Message));
    expect([text, email]).toEqual([notice.text, notice.text]);
    expect(JSON.parse(https)).toEqual(notice.chat);
    expect(sqs).toBe(JSON.stringify(notice.record));
    expect(others).toEqual({});
  });

  it('is read by a queue, whether SNS chooses its message or hands on all of them', async () => {
    const [sent] = await spiedOnDuring(() => publishNotice(world.deps.topics, notice));
    const all = String(sent?.Message);
    expect(parseNotice(all)).toEqual(notice.record);
    expect(parseNotice(JSON.parse(all).sqs)).toEqual(notice.record);
  });

  it('about an endpoint has neither mailbox nor direction', async () => {
    await publishNotice(world.deps.topics, endpointNotice(failing));
    const [published] = await world.takeNotices();
    expect(published?.attributes).toEqual({ types: '["endpoint.failing"]', severity: 'warning' });
  });

  it('that SNS refuses is an error', async () => {
    const plan = new FaultPlan([[0, 'refused']]);
    await expect(world.faults.run(plan, () => publishNotice(world.deps.topics, notice))).rejects.toThrow();
  });
});

/** The inputs of the commands of one kind that are sent to SNS while the test lasts; they are sent all the same. */
function spiedOn<Input>(commandName: string): Input[] {
  const { middlewareStack } = world.deps.topics.sns;
  const inputs: Input[] = [];
  const name = `spy ${commandName}`;
  middlewareStack.add(
    (next, context) => (args) => {
      if (context.commandName === commandName) inputs.push(args.input as Input);
      return next(args);
    },
    { step: 'initialize', name },
  );
  onTestFinished(() => void middlewareStack.remove(name));
  return inputs;
}

async function spiedOnDuring(task: () => Promise<void>) {
  const inputs = spiedOn<Record<string, unknown>>(PublishCommand.name);
  await task();
  return inputs;
}
