import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { beforeEach, expect, test } from 'vitest';
import { cancelDelivery } from '../../../functions/webhooks/cancel.ts';
import { deliver } from '../../../functions/webhooks/deliver.ts';
import { Leases } from '../../../functions/webhooks/leases.ts';
import { sdkSettings } from '../../support/sdk-settings.ts';
import { add, events, prepare, startDrainWorld, timesOf, wakeUpFor, world } from './drain-world.ts';
import { webhooksTable } from './webhook-world.ts';

type Ev = (typeof events)[number];

beforeEach(startDrainWorld);
const day = 86_400_000;

function held() {
  const seen = { underWay: 0, most: 0 };
  const waiting: (() => void)[] = [];
  world.setAnswer(async () => {
    seen.underWay += 1;
    seen.most = Math.max(seen.most, seen.underWay);
    await new Promise<void>((resolve) => waiting.push(resolve));
    seen.underWay -= 1;
    return { status: 204 };
  });
  return { seen, waiting };
}
const until = async (is: () => boolean) => {
  for (let at = 0; at < 200 && !is(); at += 1) await sleep(10);
};

test.each([60_000, -day])(
  'a holder never has more than maxInFlight with lone attempts of its process, clock set by %i',
  async (by) => {
    await add({ maxInFlight: 2 });
    const [A, B1, B2, B3] = events as [Ev, Ev, Ev, Ev];
    await prepare(A, B1, B2, B3);
    const { seen, waiting } = held();
    const lone = world.deliver([wakeUpFor(A)]);
    await until(() => seen.underWay === 1);
    const drain = world.deliver([wakeUpFor(B1, B2, B3)]);
    await until(() => seen.underWay === 2);
    world.clock.set(by);
    // B1 is answered.
    waiting.splice(1, 1)[0]!();
    await sleep(1500);
    const { most } = seen;
    for (let at = 0; at < 100; at += 1) {
      for (const go of waiting.splice(0)) go();
      await sleep(10);
    }
    await Promise.all([lone, drain]);
    expect(most).toBe(2);
  },
);

test('an attempt of this process is not begun twice though the clock is set back, and calls take time', async () => {
  await add({ maxInFlight: 100 });
  const some = events.slice(0, 12);
  const A = some[10]!;
  const X = some[11]!;
  await prepare(...some);
  const dynamo = new DynamoDBClient({
    ...sdkSettings(world.sdkEnvironment),
    endpoint: world.sdkEnvironment.AWS_ENDPOINT_URL_DYNAMODB!,
  });
  dynamo.middlewareStack.add(
    (next) => async (args) => {
      world.clock.advance(20);
      return next(args);
    },
    { step: 'initialize' },
  );
  const P = { ...world.deps, dynamo, leases: new Leases({ dynamo, table: webhooksTable }, () => 0.5) };
  const { seen, waiting } = held();
  const lone = deliver(P, [wakeUpFor(A)]);
  await until(() => seen.underWay === 1);
  world.clock.set(-day);
  // Another process changes the lease.
  await cancelDelivery(world.deps, { event: X.id, endpoint: 'crm' });
  const drain = deliver(P, [wakeUpFor(...some.slice(0, 11))]);
  await sleep(1000);
  const times = timesOf(A);
  for (let at = 0; at < 200; at += 1) {
    for (const go of waiting.splice(0)) go();
    await sleep(10);
  }
  await Promise.all([lone, drain]);
  expect(times).toBe(1);
}, 20_000);
