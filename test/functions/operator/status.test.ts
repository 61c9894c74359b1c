import { beforeEach, expect, test } from 'vitest';
import { exampleEvent } from '../webhooks/webhook-world.ts';
import { type OperatorWorld, startOperatorWorld } from './operator-world.ts';

let world: OperatorWorld;
beforeEach(async () => {
  world = await startOperatorWorld();
  return () => world.close();
});

const status = async () => (await world.ask('GET', '/status')).body;

test('a notifier with nothing to do is all zeros', async () => {
  expect(await status()).toEqual({
    version: world.operatorDeps.version,
    server: world.cryptshare.url,
    watches: { all: 0, failing: 0, disabled: 0 },
    endpoints: { active: 0, paused: 0, disabled: 0, failing: 0 },
    deliveries: {
      waiting: { count: 0, more: false },
      held: { count: 0, more: false },
      oldestOverdueMs: 0,
    },
  });
});

test('the status counts watches, endpoints and deliveries, and tells how late the latest is', async () => {
  for (const mailbox of ['alice@example.com', 'bob@example.com'])
    await world.ask('POST', '/watches', { body: { mailbox } });
  await world.ask('POST', '/watches/sent/alice%40example.com/pause');
  await world.cryptshare.close();
  for (let polls = 0; polls < 3; polls += 1) await world.ask('POST', '/watches/sent/bob%40example.com/poll');
  for (const name of ['crm', 'archive'])
    await world.ask('POST', '/endpoints', { body: { name, url: world.urlOf(name) } });
  await world.ask('POST', '/endpoints/archive/pause');
  await world.fanOut(exampleEvent('one'), exampleEvent('two'));
  const held = (await world.takeDoorbells()).filter(({ endpoint }) => endpoint === 'archive');
  await world.deliver(held);
  const since = world.clock.now().getTime();
  world.clock.advance(90_000);
  expect(await status()).toMatchObject({
    watches: { all: 2, failing: 1, disabled: 1 },
    endpoints: { active: 1, paused: 1, disabled: 0, failing: 0 },
    deliveries: {
      waiting: { count: 2, more: false },
      held: { count: 2, more: false },
      oldestOverdueMs: world.clock.now().getTime() - since,
    },
  });
});
