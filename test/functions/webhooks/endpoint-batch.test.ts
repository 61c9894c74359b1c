import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, test } from 'vitest';
import { transferNotice } from '../../../functions/notices/notice.ts';
import { Partition } from '../../../functions/table.ts';
import { deliver } from '../../../functions/webhooks/deliver.ts';
import { addEndpoint } from '../../../functions/webhooks/endpoint-life.ts';
import { fanOut } from '../../../functions/webhooks/fan-out.ts';
import { Gates, gateKey } from '../../../functions/webhooks/gates.ts';
import { sdkSettings } from '../../support/sdk-settings.ts';
import { FaultPlan } from '../transfers/aws-faults.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld, webhooksTable } from './webhook-world.ts';

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  return () => world.close();
});

const events = Array.from({ length: 6 }, (_, at) => exampleEvent(`transfer-${at}`));
const [event, other] = events as [(typeof events)[0], (typeof events)[0]];
const nameOf = ({ id }: { id: string }, endpoint = 'crm') => ({ event: id, endpoint });
const deliveryOf = async ({ id }: { id: string }) => (await world.trace(id)).deliveries[0]!;
const now = () => world.clock.now().getTime();

const notices = events.map((one) => transferNotice({ mailbox: 'alice@example.com', direction: 'sent' }, [one]).record);
const addSlack = async () => {
  await addEndpoint(world.deps, 'ops', { url: world.urlOf('ops'), format: 'slack' });
  await fanOut(
    world.deps,
    notices.map((record) => ({ body: JSON.stringify(record) })),
  );
};

describe('a receiver that takes its time', () => {
  /** Has the receiver work for so long, and something else happen when it is done. */
  const workFor = (milliseconds: number, meanwhile: () => Promise<unknown> = async () => undefined) => {
    let isFirst = true;
    world.setAnswer(async () => {
      if (!isFirst) return { status: 204 };
      isFirst = false;
      world.clock.advance(milliseconds);
      await meanwhile();
      return { status: 500 };
    });
  };

  test('gets an event once, however often the doorbell rings as long as an attempt can take', async () => {
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    await world.fanOut(event);
    workFor(20_000, () => world.deliver([nameOf(event)]));
    await world.deliver([nameOf(event)]);
    expect(world.received).toHaveLength(1);
  });

  test('gets no more at once than it may, by whatever doorbells', async () => {
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm'), maxInFlight: 1 });
    await world.fanOut(event, other);
    workFor(20_000, () => world.deliver([nameOf(other)]));
    await world.deliver([nameOf(event)]);
    expect(world.received).toHaveLength(1);
    expect(await deliveryOf(other)).toMatchObject({ status: 'PENDING', attempt: 0, hasPlace: true });
  });

  test('has its delay counted from the end of the attempt', async () => {
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    await world.fanOut(event);
    workFor(10_000);
    await world.deliver([nameOf(event)]);
    expect((await deliveryOf(event)).nextAttemptAt).toBe(now() + 5000);
  });

  test('for longer than a claim holds is attempted anew; what came of either attempt can be looked up', async () => {
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    await world.fanOut(event);
    workFor(60_000, () => world.deliver([nameOf(event)]));
    const { settled } = await world.deliver([nameOf(event)]);
    expect(settled).toMatchObject([{ delivery: { status: 'CLAIMED' }, attempt: { outcome: { kind: 'failed' } } }]);
    const { deliveries, attempts } = await world.trace(event.id);
    expect(deliveries).toMatchObject([{ status: 'DELIVERED', attempt: 2 }]);
    expect(attempts.map(({ outcome, cause }) => [outcome, cause])).toEqual([
      ['failed', 'http_error'],
      ['delivered', undefined],
    ]);
  });
});

describe('the gate of an endpoint', () => {
  test('has room again after each batch', async () => {
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm'), maxInFlight: 1 });
    await world.fanOut(...events);
    for (const one of events) await world.deliver([nameOf(one)]);
    expect(world.received).toHaveLength(events.length);
  });

  test('has room again after a batch of which one delivery could not be claimed, and the others are seen through', async () => {
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    await world.fanOut(...events);
    const whole = new FaultPlan();
    await world.faults.run(whole, () => world.deliver([nameOf(event)]));
    const claim = whole.calls.indexOf('UpdateItemCommand');
    const others = events.slice(1);
    const plan = new FaultPlan([[claim, 'refused']]);
    const { unhandled } = await world.faults.run(plan, () => world.deliver(others.map((one) => nameOf(one))));
    expect(unhandled).not.toEqual([]);
    const statuses = (await Promise.all(others.map(deliveryOf))).map(({ status }) => status);
    expect(statuses.toSorted()).toEqual([...Array(others.length - 1).fill('DELIVERED'), 'PENDING']);
    expect((await world.deps.gates.read('crm')).holds).toEqual({});
  });

  test('is closed to other events when the endpoint asks to slow down, for as long as it asks', async () => {
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    await world.fanOut(event, other);
    world.setAnswer(() => ({ status: 429, headers: { 'retry-after': '90' } }));
    await world.deliver([nameOf(event)]);
    await world.deliver([nameOf(other)]);
    expect(world.received).toHaveLength(1);
    expect(await deliveryOf(other)).toMatchObject({ status: 'PENDING', attempt: 0, nextAttemptAt: now() + 90_000 });
  });

  test('lets nobody in while others always are quicker to change it', async () => {
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    await world.fanOut(event);
    const crowded = new DynamoDBClient({
      ...sdkSettings(world.sdkEnvironment),
      endpoint: world.sdkEnvironment.AWS_ENDPOINT_URL_DYNAMODB!,
    });
    const { pk, sk } = gateKey('crm');
    crowded.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          if (commandName === PutItemCommand.name) {
            const change = 'SET rev = if_not_exists(rev, :none) + :one, holds = :holds, freeAt = :none, pace = :none';
            const values = { none: 0, one: 1, holds: {} };
            await new Partition(world.dynamo, webhooksTable, pk).update(sk, change, { values });
          }
          return next(args);
        },
      { step: 'initialize' },
    );
    const gates = new Gates(crowded, webhooksTable, () => 0);
    expect((await deliver({ ...world.deps, gates }, [nameOf(event)])).unhandled).toEqual([]);
    crowded.destroy();
    expect(world.received).toEqual([]);
    expect(await deliveryOf(event)).toMatchObject({ status: 'PENDING', attempt: 0, nextAttemptAt: now() + 2000 });
  });
});

describe('Slack', () => {
  test('gets one message a second from a backlog', async () => {
    await addSlack();
    const arrivals: number[] = [];
    const started = now();
    for (let turn = 0; turn < notices.length; turn += 1) {
      const waiting = (await Promise.all(notices.map(deliveryOf))).filter(({ status }) => status === 'PENDING');
      world.clock.advance(Math.min(...waiting.map(({ nextAttemptAt }) => nextAttemptAt)) - now());
      await world.deliver(waiting.filter(({ nextAttemptAt }) => nextAttemptAt <= now()));
      arrivals.push(...world.received.splice(0).map(({ at }) => at - started));
    }
    expect(arrivals).toEqual([0, 1000, 2000, 3000, 4000, 5000]);
  });

  test('that will never take a message is not asked again, and is not taken to be failing', async () => {
    await addSlack();
    world.setAnswer(() => ({ status: 400, body: 'invalid_payload' }));
    await world.deliver([nameOf(notices[0]!, 'ops')]);
    expect(await deliveryOf(notices[0]!)).toMatchObject({ status: 'FAILED', reason: 'rejected', attempt: 1 });
    expect(await world.deps.gates.read('ops')).toMatchObject({ failures: 0, failedAttempts: 0 });
  });
});

test('a delivery whose event has expired is cancelled', async () => {
  await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
  await world.fanOut(event);
  await new Partition(world.dynamo, webhooksTable, `EVENT#${event.id}`).delete('EVENT');
  await world.answerDoorbells();
  expect(world.received).toEqual([]);
  expect(await deliveryOf(event)).toMatchObject({ status: 'CANCELLED', reason: 'event_expired' });
});

test('the doorbell is rung for what is to be tried again soon, not for what waits longer or is over', async () => {
  await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm'), retryDelays: [5000, 900_000, 900_001] });
  world.setAnswer(() => ({ status: world.received.length < 4 ? 500 : 204 }));
  await world.fanOut(event);
  const rung: number[] = [];
  for (let attempts = 1; attempts <= 4; attempts += 1) {
    const before = await world.countDoorbells();
    await world.deliver([nameOf(event)]);
    rung.push((await world.countDoorbells()) - before);
    world.clock.advance(Math.max(0, (await deliveryOf(event)).nextAttemptAt - now()));
  }
  expect(rung).toEqual([1, 1, 0, 0]);
  expect(await deliveryOf(event)).toMatchObject({ status: 'DELIVERED' });
});
