import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { PollDependencies } from '../../../functions/transfers/poll.ts';
import { pollShard, type ShardPoll } from '../../../functions/transfers/shard.ts';
import { ShardRows } from '../../../functions/transfers/shard-rows.ts';
import { type WantedWatch, Watches } from '../../../functions/transfers/watches.ts';
import { createTransfersTable } from '../../../infra/local/embedded-services.ts';
import { FaultPlan } from './aws-faults.ts';
import { pollBudget, startWorld, type World } from './world.ts';

/** Milliseconds from one tick to the next, at each of which every watch is due. */
const interval = 1000;

/** Real milliseconds before which no request is overdue in these tests. */
const patience = 500;

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

let tables = 0;
let deps: PollDependencies;
const underWay: Promise<unknown>[] = [];
const processes: PollDependencies[] = [];
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

function newProcess(): PollDependencies {
  const timetable = { ...world.deps.timetable, every: interval };
  const process = { ...world.deps, timetable, table: `hanging-${tables}`, server: world.client({ patience }) };
  processes.push(process);
  return process;
}

/** Declares watches of a number of mailboxes, each with one transfer, and polls them once. */
async function declare(count: number): Promise<WantedWatch[]> {
  const list = Array.from({ length: count }, (_, at) => world.watch(`hanging-${tables}-${at}@example.com`));
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

async function leasesNow() {
  const { row } = await new ShardRows(deps.dynamo, deps.table, deps.server.atOnce).read(0, 1, deps.origin);
  return row.leases ?? {};
}
const polled = ({ polls }: ShardPoll) => polls.map(({ watch }) => watch.mailbox).toSorted();

test('a watch that hung when its process died is polled soon after its lease has ended, not an interval later', async () => {
  const day = 86_400_000;
  const [hanging] = await declare(12);
  deps = { ...deps, timetable: { ...deps.timetable, every: day } };
  processes.push(deps);
  world.clock.advance(day);
  hang(hanging!);
  const plan = new FaultPlan();
  const dying = world.faults.run(plan, () => tick()).catch((error) => error);
  underWay.push(dying);
  await expect
    .poll(async () => Object.values(await leasesNow()).some(({ watches }) => watches !== undefined), { interval: 20 })
    .toBe(true);
  plan.kill();
  world.cryptshare.faults.clear();
  const began = world.clock.steady();
  const next = newProcess();
  const as = { ...next, timetable: deps.timetable };
  let polledAfter: number | undefined;
  for (let at = 0; at < 24 * 60 * 2 && polledAfter === undefined; at += 10) {
    world.clock.advance(600_000);
    if ((await tick(as)).polls.some(({ watch }) => watch.mailbox === hanging!.mailbox)) {
      polledAfter = world.clock.steady() - began;
    }
  }
  expect(polledAfter).toBeLessThanOrEqual(1_800_000);
});

test('a restart of the local run while a watch hangs makes up for its poll', async () => {
  const day = 86_400_000;
  const [hanging] = await declare(12);
  deps = { ...deps, timetable: { ...deps.timetable, every: day } };
  world.clock.advance(day);
  hang(hanging!);
  const plan = new FaultPlan();
  underWay.push(world.faults.run(plan, () => tick()).catch((error) => error));
  await expect
    .poll(async () => Object.values(await leasesNow()).some(({ watches }) => watches !== undefined), { interval: 20 })
    .toBe(true);
  plan.kill();
  world.cryptshare.faults.clear();
  // As the next start does.
  await new ShardRows(deps.dynamo, deps.table, deps.server.atOnce).free(0);
  world.clock.advance(5000);
  const as = { ...newProcess(), timetable: deps.timetable };
  expect(polled(await tick(as))).toEqual([hanging!.mailbox]);
});
