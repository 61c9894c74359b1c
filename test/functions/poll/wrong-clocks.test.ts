import { QueryCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import type { TransferEvent } from '#functions/events/transfer-event.ts';
import { pollShard, type ShardPoll } from '#functions/poll/poll-shard.ts';
import { type Watch, watchKey } from '#functions/transfers/transfer.ts';
import { Watches } from '#functions/watches/watches.ts';
import { createTransfersTable } from '#infra/local/services/embedded-services.ts';
import { pollBudget, startWorld, type World, type WorldDependencies } from '#test/support/poll-world.ts';

const day = 86_400_000;
const patience = 500;

let world: World;
beforeAll(async () => {
  world = await startWorld();
  world.cryptshare.switches.idleTermMs = 10_000 * day;
});
afterAll(() => world.close());

let tables = 0;
let deps: WorldDependencies;
let registry: Watches;
let watch: Watch;
let trackingIds: string[];
beforeEach(async () => {
  tables += 1;
  const server = world.client({ patience });
  const schedule = { shards: 1, pollIntervalMs: day, fullListingEvery: 1 };
  deps = { ...world.depsOn(`attack-${tables}`), server, schedule };
  await createTransfersTable(deps.dynamo, deps.table);
  registry = new Watches(deps.dynamo, deps.table);
  watch = world.watch(`attack-${tables}@example.com`);
  trackingIds = seed(watch, 3);
  await world.takeEvents();
  return () => {
    world.cryptshare.faults.clear();
    server.close();
  };
});

const seed = ({ mailbox }: Watch, count: number) =>
  world.cryptshare.transfers
    .seed({ sender: mailbox, to: ['bob@example.com'], count, state: 'ACTIVE' })
    .map(({ trackingId }) => trackingId);
const now = () => world.clock.now().toISOString();
const tick = (): Promise<ShardPoll> =>
  pollShard(deps, { shard: 0, at: now() }, world.clock.steady() + pollBudget, () => {});
function later(): Promise<ShardPoll> {
  world.clock.advance(60_000);
  return tick();
}
const polled = ({ polls }: ShardPoll) => polls.map((poll) => poll.watch.mailbox);
function setClock(by: number): void {
  world.clock.set(by);
  onTestFinished(() => world.clock.set(-by));
}
async function left(): Promise<number> {
  const { Count = 0 } = await deps.dynamo.send(
    new QueryCommand({
      TableName: deps.table,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': { S: watchKey(watch) } },
    }),
  );
  return Count;
}

test.each([0, -10 * day, 10 * day])(
  'a mailbox that is empty for 3 days is told as such, by a clock that is constantly wrong by %i ms',
  async (by) => {
    setClock(by);
    await registry.addAll([watch], false, now());
    await later();
    for (const id of trackingIds) world.cryptshare.transfers.purge(id);
    for (let index = 0; index < 36; index += 1) {
      world.clock.advance(2 * 3_600_000);
      await registry.hasten(watch.mailbox, now());
      await tick();
    }
    const told = (await world.takeEvents()).map(({ event }) => event as TransferEvent);
    expect(told.filter(({ type }) => type === 'transfer.unlisted')).toHaveLength(3);
  },
);

test('a watch that is added again while a poll of another one hangs is polled once that is over, not a day later', async () => {
  const hanging = world.watch(`hanging-${tables}@example.com`);
  seed(hanging, 1);
  const often = world.watch(`often-${tables}@example.com`);
  seed(often, 1);
  await registry.addAll([watch, hanging, { ...often, pollIntervalMs: 1000 }], false, now());
  await later();
  await registry.remove(watch, now());
  world.clock.advance(31 * day);
  // Its answers tell that the server's clock agrees.
  await later();
  world.clock.advance(day);
  const path = encodeURIComponent(hanging.mailbox);
  world.cryptshare.faults.inject({ path, times: 1000, answer: { kind: 'delayed', ms: 6000 } });
  const first = tick();
  await expect.poll(() => left(), { interval: 20, timeout: 5000 }).toBe(0);
  const { ShardRows } = await import('#functions/watches/shard-rows.ts');
  const isAside = async () => {
    const { row } = await new ShardRows(deps.dynamo, deps.table, deps.server.atOnce).read(0, 1, deps.origin);
    return Object.values(row.leases ?? {}).some(({ watches }) => watches !== undefined);
  };
  await expect.poll(isAside, { interval: 20, timeout: 5000 }).toBe(true);
  world.clock.advance(15_000);
  await registry.addAll([watch], false, now());
  world.clock.advance(30_000);
  const during = polled(await tick());
  world.cryptshare.faults.clear();
  await first;
  const after: string[] = [];
  for (let index = 0; index < 60; index += 1) after.push(...polled(await later()));
  expect([...during, ...after]).toContain(watch.mailbox);
}, 30_000);

test('a mailbox has both directions watched in the spelling in which it is registered', async () => {
  await registry.declare([{ mailbox: 'Alice@example.com', direction: 'sent' }], false, now());
  await registry.declare(
    [
      { mailbox: 'alice@example.com', direction: 'sent' },
      { mailbox: 'alice@example.com', direction: 'received' },
    ],
    false,
    now(),
  );
  expect(new Set((await registry.list()).map(({ mailbox }) => mailbox))).toEqual(new Set(['Alice@example.com']));
});
