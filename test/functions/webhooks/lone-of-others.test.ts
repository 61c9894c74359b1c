import { beforeEach, expect, test } from 'vitest';
import { type DeliverDependencies, deliver } from '../../../functions/webhooks/deliver.ts';
import { addEndpoint } from '../../../functions/webhooks/endpoint-life.ts';
import { Leases } from '../../../functions/webhooks/leases.ts';
import type { WakeUp } from '../../../functions/webhooks/wake-ups.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld, webhooksTable } from './webhook-world.ts';

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  return () => world.close();
});

const events = Array.from({ length: 3 }, (_, at) => exampleEvent(`transfer-${at}`));
const [slow, asked, later] = events as [(typeof events)[0], (typeof events)[0], (typeof events)[0]];
const wakeUpFor = (...some: readonly { id: string }[]): WakeUp => ({
  endpoint: 'crm',
  events: some.map(({ id }) => id),
});
const another = (): DeliverDependencies => ({
  ...world.deps,
  leases: new Leases({ dynamo: world.dynamo, table: webhooksTable }, () => 0.5),
});
const ids = () => world.received.map(({ headers }) => headers['webhook-id']);

test('a lone attempt under way of one process is not forgotten by another that was woken for it, too', async () => {
  await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
  await world.fanOut(...events);
  await world.takeWakeUps();
  const released = Promise.withResolvers<void>();
  world.setAnswer(async ({ headers }) => {
    if (headers['webhook-id'] === slow.id) await released.promise;
    return { status: 204 };
  });
  const first = deliver(another(), [wakeUpFor(slow)]);
  while (world.received.length < 1) await new Promise((resolve) => setTimeout(resolve, 5));
  // A request that nobody has looked at yet, as a process leaves it that was turned away.
  const now = world.clock.now().getTime();
  await world.deps.leases.leaveRequest('crm', [asked.id], now, now / 1000 + 3600);
  // SQS brings the first message twice: another process defers that delivery, and makes the one that the request names.
  const other = another();
  await deliver(other, [wakeUpFor(slow)]);
  expect(ids()).toEqual([slow.id, asked.id]);
  // Its next one writes the lease, as it remembers it.
  await deliver(other, [wakeUpFor(later)]);
  const { flights } = await world.deps.leases.read('crm');
  const rest = [wakeUpFor(slow)];
  // A third copy of the message, or whatever has the requests looked at.
  const third = deliver(another(), rest);
  await Promise.race([third, new Promise((resolve) => setTimeout(resolve, 500))]);
  released.resolve();
  await Promise.all([first, third]);
  expect(ids().filter((id) => id === slow.id)).toHaveLength(1);
  expect(Object.keys(flights)).toContain(slow.id);
});
