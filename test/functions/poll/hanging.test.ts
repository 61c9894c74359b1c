import { QueryCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { pollOnDemand } from '#functions/poll/on-demand-poll.ts';
import { pollShard, type ShardPoll } from '#functions/poll/poll-shard.ts';
import { watchKey } from '#functions/transfers/transfer.ts';
import { ShardRows } from '#functions/watches/shard-rows.ts';
import { type WantedWatch, Watches } from '#functions/watches/watches.ts';
import { createTransfersTable } from '#infra/local/services/embedded-services.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import { pollBudget, startWorld, type World, type WorldDependencies } from '#test/support/poll-world.ts';

/** Milliseconds from one tick to the next, at each of which every watch is due. */
const interval = 1000;
const day = 86_400_000;

/** Real milliseconds before which no request is overdue in these tests. */
const patience = 500;

let world: World;
beforeAll(async () => {
  world = await startWorld();
  world.cryptshare.switches.idleTermMs = 1000 * day;
});
afterAll(() => world.close());

let tables = 0;
let deps: WorldDependencies;
const underWay: Promise<unknown>[] = [];
const processes: WorldDependencies[] = [];
/** Mailboxes whose polls have ended, in order. */
let ended: string[];
beforeEach(async () => {
  tables += 1;
  deps = newProcess();
  ended = [];
  await createTransfersTable(deps.dynamo, deps.table);
  return async () => {
    world.cryptshare.faults.clear();
    for (const { server } of processes.splice(0)) server.close();
    await Promise.all(underWay.splice(0));
  };
});

function newProcess(pollIntervalMs = interval): WorldDependencies {
  const schedule = { ...world.deps.schedule, pollIntervalMs };
  const process = { ...world.depsOn(`hanging-${tables}`), schedule, server: world.client({ patience }) };
  processes.push(process);
  return process;
}

/** Declares watches of a number of mailboxes, each with one transfer, and polls them once. */
async function declare(count: number): Promise<WantedWatch[]> {
  const list = Array.from({ length: count }, (_, index) => world.watch(`hanging-${tables}-${index}@example.com`));
  for (const { mailbox } of list) {
    world.cryptshare.transfers.seed({ sender: mailbox, to: ['bob@example.com'], count: 1, state: 'ACTIVE' });
  }
  await new Watches(deps.dynamo, deps.table).declare(list, false, world.clock.now().toISOString());
  await tick();
  world.clock.advance(interval);
  world.cryptshare.requests.reset();
  return list;
}
const tick = (as = deps): Promise<ShardPoll> =>
  pollShard(as, { shard: 0, at: world.clock.now().toISOString() }, world.clock.steady() + pollBudget, ({ watch }) =>
    ended.push(watch.mailbox),
  );

/** From now on, no request for these mailboxes is answered before the test is over. */
function hang(...watches: WantedWatch[]): void {
  for (const { mailbox } of watches) {
    const path = encodeURIComponent(mailbox);
    world.cryptshare.faults.inject({ path, times: 1000, answer: { kind: 'delayed', ms: 60_000 } });
  }
}

/** Begins something that will not be over before the test is, and waits until it has left the shard to others. */
async function begin(work: Promise<unknown>): Promise<void> {
  underWay.push(work);
  const isAside = async () => Object.values(await leasesNow()).some(({ watches }) => watches !== undefined);
  await expect.poll(isAside, { interval: 20 }).toBe(true);
  world.clock.advance(interval);
}
/** Has a process die while it polls a watch that hangs, all of which are polled once a day. */
async function dieHanging(watch: WantedWatch): Promise<void> {
  const dying = newProcess(day);
  world.clock.advance(day);
  hang(watch);
  const plan = new FaultPlan();
  await begin(world.faults.run(plan, () => tick(dying)).catch(() => undefined));
  plan.kill();
  world.cryptshare.faults.clear();
}
async function leasesNow() {
  const { row } = await new ShardRows(deps.dynamo, deps.table, deps.server.atOnce).read(0, 1, deps.origin);
  return row.leases ?? {};
}
const polled = ({ polls }: ShardPoll) => polls.map(({ watch }) => watch.mailbox).toSorted();
const mailboxes = (watches: readonly WantedWatch[]) => watches.map(({ mailbox }) => mailbox).toSorted();

test('a listing that hangs leaves all other watches to the next tick, which does not wait for it', async () => {
  const [hanging, ...others] = await declare(12);
  hang(hanging!);
  await begin(tick());
  const next = await tick();
  expect(polled(next)).toEqual(mailboxes(others));
  expect(next.skipped).toBe(0);
  world.clock.advance(interval);
  expect(polled(await tick())).toEqual(mailboxes(others));
});

test('processes in which polls hang have but a part of the requests that may be under way, so that all have together no more', async () => {
  const [one, two, ...others] = await declare(12);
  hang(one!);
  await begin(tick());
  const second = newProcess();
  hang(two!);
  underWay.push(tick(second));
  await expect.poll(() => second.server.calls.slots.isHeldUp(two!.mailbox)).toBe(true);
  const third = newProcess();
  const free = async () => {
    world.clock.advance(interval);
    return polled(await tick(third));
  };
  await expect.poll(free).toEqual(mailboxes(others));
  const leases = Object.values(await leasesNow());
  expect(leases.flatMap(({ watches = [] }) => watches)).toHaveLength(2);
  expect(leases.reduce((sum, { slots }) => sum + slots, 0)).toBeLessThan(4);
});

test('more listings that hang than polls and requests may be under way leave the others to the next tick', async () => {
  const [well, ...hanging] = await declare(10);
  hang(...hanging);
  await begin(tick());
  for (let index = 0; index < 3; index += 1) {
    ended = [];
    underWay.push(tick());
    await expect.poll(() => ended).toContain(well!.mailbox);
    // The next one needs the shard.
    await expect.poll(async () => Object.values(await leasesNow()).every(({ watches }) => watches)).toBe(true);
    world.clock.advance(interval);
  }
});

test('a poll that an operator asks for and that hangs delays no tick', async () => {
  const [hanging, ...others] = await declare(3);
  hang(hanging!);
  await begin(pollOnDemand(deps, hanging!, world.clock.steady() + pollBudget));
  expect(polled(await tick())).toEqual(mailboxes(others));
});

test('a watch whose listing hung is polled again by the first tick after its poll, and one whose process died after its time', async () => {
  const [hanging] = await declare(2);
  hang(hanging!);
  const work = tick();
  await begin(work);
  world.cryptshare.faults.clear();
  deps.server.close();
  await work;
  expect((await tick()).polls).toHaveLength(2);

  const rows = new ShardRows(deps.dynamo, deps.table, 4);
  const since = world.clock.now().getTime();
  const { row } = await rows.read(0, 1, deps.origin);
  const hold = await rows.acquire(0, row, { since, until: since + 10 * interval });
  await rows.narrow(hold!, [`sent#${hanging!.mailbox}`], { shards: 1, polled: [{ from: 0, to: since }], failing: {} });
  world.clock.advance(interval);
  expect((await tick()).polls).toHaveLength(1);
  world.clock.advance(10 * interval);
  expect((await tick()).polls).toHaveLength(2);
});

test('a poll that hangs and then finds a cause mended has all watches polled that fail for it, too', async () => {
  const [hanging, other] = await declare(3);
  const fail = ({ mailbox }: WantedWatch) => {
    const body = '{"errorCode":3003,"errorMessage":"A policy forbids it."}';
    const answer = { kind: 'response' as const, status: 403, body };
    world.cryptshare.faults.inject({ path: encodeURIComponent(mailbox), answer });
  };
  fail(hanging!);
  fail(other!);
  await tick();
  world.clock.advance(interval);
  hang(hanging!);
  fail(other!);
  const work = tick();
  await begin(work);
  world.cryptshare.faults.clear();
  deps.server.close();
  const troubled = (await work).polls.filter(({ problem }) => problem);
  expect(troubled.map(({ watch }) => watch.mailbox)).toEqual([other!.mailbox]);
  const { mended } = await new ShardRows(deps.dynamo, deps.table, 4).read(0, 1, deps.origin);
  expect(mended).toHaveProperty('forbidden');
});

test('a watch that hung when its process died is polled soon after its lease has ended, not an interval later', async () => {
  const [hanging] = await declare(12);
  await dieHanging(hanging!);
  const next = newProcess(day);
  let waited = 0;
  let isPolled = false;
  while (!isPolled && waited < 2 * day) {
    waited += 600_000;
    world.clock.advance(600_000);
    isPolled = polled(await tick(next)).includes(hanging!.mailbox);
  }
  expect(waited).toBeLessThanOrEqual(1_800_000);
});

test('a restart of the local run while a watch hangs makes up for its poll', async () => {
  const [hanging] = await declare(12);
  await dieHanging(hanging!);
  // As the next start does.
  await new ShardRows(deps.dynamo, deps.table, deps.server.atOnce).free(0);
  world.clock.advance(5000);
  expect(polled(await tick(newProcess(day)))).toEqual([hanging!.mailbox]);
});

test('the snapshot of a removed watch is deleted after 30 days though a mailbox hangs at that tick', async () => {
  const [removed, hanging] = await declare(6);
  await new Watches(deps.dynamo, deps.table).remove(removed!, world.clock.now().toISOString());
  world.clock.advance(31 * day);
  hang(hanging!);
  const work = tick();
  await begin(work);
  world.cryptshare.faults.clear();
  deps.server.close();
  await work;
  expect(await leasesNow()).toEqual({});
  const query = { KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': { S: watchKey(removed!) } } };
  expect((await deps.dynamo.send(new QueryCommand({ TableName: deps.table, ...query }))).Count).toBe(0);
});
