import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { SubscribeCommand } from '@aws-sdk/client-sns';
import { beforeEach, describe, expect, test } from 'vitest';
import type { WatchPoll } from '#functions/poll/poll-shard.ts';
import { Chats } from '#functions/watches/chats.ts';
import { ShardRows } from '#functions/watches/shard-rows.ts';
import { Watches } from '#functions/watches/watches.ts';
import { declareEndpoints } from '#functions/webhooks/endpoints/declared.ts';
import { addEndpoint, disableEndpoint, removeEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { announcementOf } from '#functions/webhooks/engine/announcements.ts';
import { endpointsPerMessage, fanOut } from '#functions/webhooks/engine/fan-out.ts';
import { createQueue, type LocalQueue } from '#infra/local/services/event-source.ts';
import { subscribeFanOut } from '#infra/local/webhooks.ts';
import { takeMessages } from '#test/support/aws.ts';
import { type OperatorWorld, startOperatorWorld, transfersTable } from '#test/support/operator-world.ts';
import { clientId } from '#test/support/poll-world.ts';

const watch = { mailbox: 'alice@example.com', direction: 'sent' } as const;

let world: OperatorWorld;
/** Transfers of the watch, all of them active at first. */
let trackingIds: string[];
/** A queue that gets every notice, as an inbox does. */
let inbox: LocalQueue;
beforeEach(async () => {
  world = await startOperatorWorld();
  const { topics } = world.deps;
  await subscribeFanOut(topics.sns, topics, world.announcementQueue.arn);
  inbox = await createQueue(world.sqs, 'inbox', 30);
  await topics.sns.send(
    new SubscribeCommand({ TopicArn: topics.noticesTopicArn, Protocol: 'sqs', Endpoint: inbox.arn }),
  );
  const { transfers, verifications } = world.cryptshare;
  verifications.registerClientId(clientId);
  const seeded = transfers.seed({ sender: watch.mailbox, to: ['bob@example.com'], count: 20, state: 'ACTIVE' });
  trackingIds = seeded.map(({ trackingId }) => trackingId);
  await new Watches(world.dynamo, transfersTable).declare([watch], false, world.clock.now().toISOString());
  await tick();
  return () => world.close();
});

async function tick(): Promise<WatchPoll | undefined> {
  world.clock.advance(60_000);
  const { polls } = (await world.functions.get('poll')!({ shard: 0, at: world.clock.now().toISOString() })) as {
    polls: WatchPoll[];
  };
  return polls[0];
}

/** Ends transfers, and lets a tick announce it. */
async function announce(count: number): Promise<void> {
  for (const trackingId of trackingIds.splice(0, count)) world.cryptshare.transfers.setState(trackingId, 'FAILED');
  expect(await tick()).toMatchObject({ changed: count, published: count, problem: undefined });
}

async function taken(url: string) {
  return (await takeMessages(world.sqs, url)).map(({ Body = '', MessageAttributes = {} }) => {
    const attributes = Object.entries(MessageAttributes).map(([name, { StringValue, DataType }]) => [
      name,
      { stringValue: StringValue, dataType: DataType! },
    ]);
    return announcementOf({ body: Body, messageAttributes: Object.fromEntries(attributes) });
  });
}

/** Fans out all that has come to the queue, and counts it. */
async function fanOutAll(): Promise<{ events: number; notices: number }> {
  let [events, notices] = [0, 0];
  for (;;) {
    const batch = await taken(world.announcementQueue.url);
    if (batch.length === 0) return { events, notices };
    for (const { body } of batch) {
      if ('data' in JSON.parse(body)) events += 1;
      else notices += 1;
    }
    expect((await fanOut(world.deps, batch)).unhandled).toEqual([]);
  }
}

/** Counts the messages that endpoints have got, by their names. */
async function posted(): Promise<Record<string, number>> {
  await world.settleAll();
  const names = world.received.splice(0).map(({ path }) => path.slice(1));
  return Object.fromEntries(
    Object.entries(Object.groupBy(names, (name) => name)).map(([name, all]) => [name, all!.length]),
  );
}

const chat = (name: string) => ({ url: world.urlOf(name), format: 'slack' as const });
const addChat = (name: string) => addEndpoint(world.deps, name, chat(name));
const declared = (...names: string[]) =>
  declareEndpoints(
    world.deps,
    names.map((name) => ({ name, settings: chat(name), secret: undefined })),
  );

describe('notices where no endpoint is a chat', () => {
  beforeEach(() => declared());

  test('reach inboxes, and not the queue of the webhooks, which gets each event', async () => {
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    await announce(3);
    expect(await fanOutAll()).toEqual({ events: 3, notices: 0 });
    expect(await posted()).toEqual({ crm: 3 });
    expect(await taken(inbox.url)).toHaveLength(1);
    world.cryptshare.transfers.setState(trackingIds[0]!, 'FAILED');
    // The poll that an operator requests.
    await world.functions.get('poll')!(watch);
    expect(await fanOutAll()).toEqual({ events: 1, notices: 0 });
  });

  test('reach a chat that is added later, one for each poll', async () => {
    await announce(1);
    await fanOutAll();
    await addChat('ops');
    await announce(3);
    expect(await fanOutAll()).toEqual({ events: 3, notices: 1 });
    expect(await posted()).toEqual({ ops: 1 });
    expect(await taken(inbox.url)).toHaveLength(2);
  });

  test('reach a chat that is declared later', async () => {
    await declared('ops');
    await announce(2);
    expect(await fanOutAll()).toEqual({ events: 2, notices: 1 });
    expect(await posted()).toEqual({ ops: 1 });
  });

  test('reach a chat that is added during a poll or before its events are fanned out, one for each event', async () => {
    let isAdded = false;
    world.cryptshare.pageListeners.add(async () => {
      if (isAdded) return;
      isAdded = true;
      await addChat('ops');
    });
    await announce(2);
    expect(isAdded).toBe(true);
    expect(await fanOutAll()).toEqual({ events: 2, notices: 2 });
    await announce(2);
    expect(await fanOutAll()).toEqual({ events: 2, notices: 1 });
    expect(await posted()).toEqual({ ops: 3 });
  });

  test('reach a chat that is added before the fan-out, however many endpoints come before it', async () => {
    await announce(1);
    const names = Array.from({ length: endpointsPerMessage }, (_, index) => `endpoint-${index}`);
    await Promise.all(
      names.map((name) => addEndpoint(world.deps, name, { url: world.urlOf(name), types: ['watch.*'] })),
    );
    await addChat('ops');
    await fanOutAll();
    expect(await posted()).toEqual({ ops: 1 });
  });

  test('do not reach a chat that is added before the fan-out and wants none of the events', async () => {
    await announce(2);
    await addEndpoint(world.deps, 'ops', { ...chat('ops'), types: ['transfer.active'] });
    expect(await fanOutAll()).toEqual({ events: 2, notices: 0 });
  });
});

test('removeEndpoint keeps notices from the queue once the last chat is removed, until one is added again', async () => {
  for (const name of ['ops', 'security']) await addChat(name);
  await removeEndpoint(world.deps, 'ops');
  await announce(1);
  expect(await fanOutAll()).toEqual({ events: 1, notices: 1 });
  expect(await posted()).toEqual({ security: 1 });
  await removeEndpoint(world.deps, 'security');
  await announce(1);
  expect(await fanOutAll()).toEqual({ events: 1, notices: 0 });
  await addChat('ops');
  await announce(1);
  expect(await fanOutAll()).toEqual({ events: 1, notices: 1 });
  expect(await posted()).toEqual({ ops: 1 });
});

test('disableEndpoint still lets notices reach the queue, which are held for the chat', async () => {
  await declared('ops');
  await declared();
  await announce(1);
  expect(await fanOutAll()).toEqual({ events: 1, notices: 1 });
  await addChat('security');
  await disableEndpoint(world.deps, 'security', 'a test');
  await announce(1);
  expect(await fanOutAll()).toEqual({ events: 1, notices: 1 });
});

test('subscribeFanOut replaces a subscription to every notice, as a data folder may hold one', async () => {
  const { topics } = world.deps;
  const queue = await createQueue(world.sqs, 'older', 30);
  const Attributes = { RawMessageDelivery: 'true' };
  const subscription = { TopicArn: topics.noticesTopicArn, Protocol: 'sqs', Endpoint: queue.arn, Attributes };
  await topics.sns.send(new SubscribeCommand(subscription));
  for (let start = 0; start < 2; start += 1) await subscribeFanOut(topics.sns, topics, queue.arn);
  await declared();
  await announce(1);
  expect(await taken(queue.url)).toHaveLength(1);
  await addChat('ops');
  await announce(1);
  expect(await taken(queue.url)).toHaveLength(2);
});

test('notices reach the queue until a process has looked for chats', async () => {
  await announce(1);
  expect(await fanOutAll()).toEqual({ events: 1, notices: 1 });
});

describe('Chats.note', () => {
  const chats = () => new Chats(world.dynamo, transfersTable);
  const isNoted = async () =>
    (await new ShardRows(world.dynamo, transfersTable, 4).read(0, 1, world.cryptshare.url)).hasNoChats;

  test.each([
    ['was written before', async () => chats().note(async () => false)],
    ['was never written', async () => {}],
  ])('is not written where another process adds a chat after the look: it %s', async (_, before) => {
    await before();
    await chats().note(async () => {
      await chats().expect();
      return false;
    });
    expect(await isNoted()).toBe(false);
  });

  test('is removed once a chat is there, though it was written during the addition', async () => {
    const create = world.deps.chats.expect.bind(world.deps.chats);
    let calls = 0;
    const racing = Object.assign(chats(), {
      async expect() {
        await create();
        calls += 1;
        // Another process looks for chats just before this one is there.
        if (calls === 1) await chats().note(async () => false);
      },
    });
    await addEndpoint({ ...world.deps, chats: racing }, 'ops', chat('ops'));
    expect(await isNoted()).toBe(false);
  });

  test('is removed before a chat is there, so that a crash in between loses nothing', async () => {
    await declared();
    expect(await isNoted()).toBe(true);
    const noted: boolean[] = [];
    const dynamo = Object.assign(Object.create(world.dynamo), {
      async send(command: PutItemCommand) {
        if (command instanceof PutItemCommand) noted.push(await isNoted());
        return world.dynamo.send(command);
      },
    });
    await addEndpoint(world.depsThrough(dynamo), 'ops', chat('ops'));
    expect(noted).toEqual([false]);
  });
});
