import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { PollDependencies } from '../../../functions/transfers/poll.ts';
import { pollShard, type ShardPoll } from '../../../functions/transfers/shard.ts';
import { ShardRows } from '../../../functions/transfers/shard-rows.ts';
import { type WantedWatch, Watches } from '../../../functions/transfers/watches.ts';
import { createTransfersTable } from '../../../infra/local/embedded-services.ts';
import { pollBudget, startWorld, type World } from './world.ts';

/** Milliseconds from one tick to the next, at each of which every watch is due. */
const interval = 1000;

/** Real milliseconds before which no request is overdue in these tests. */
const patience = 500;

const day = 86_400_000;

let world: World;
beforeAll(async () => {
  world = await startWorld();
  world.cryptshare.switches.idleTermMs = 1000 * day;
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

async function leasesNow() {
  const { row } = await new ShardRows(deps.dynamo, deps.table, deps.server.atOnce).read(0, 1, deps.origin);
  return row.leases ?? {};
}
test.each([false, true])(
  'the snapshot of a removed watch is deleted after 30 days (while one mailbox times out at each tick: %s)',
  async (isHanging) => {
    const [removed, hanging] = await declare(6);
    const registry = new Watches(deps.dynamo, deps.table);
    await registry.remove(removed!, world.clock.now().toISOString());
    world.clock.advance(31 * day);
    if (isHanging) {
      const path = encodeURIComponent(hanging!.mailbox);
      world.cryptshare.faults.inject({ path, times: 1000, answer: { kind: 'delayed', ms: 1500 } });
    }
    for (let at = 0; at < 3; at += 1) {
      // Each tick is over before the next one, as with a minute between them.
      await tick();
      world.clock.advance(interval);
    }
    expect(await leasesNow()).toEqual({});
    const { QueryCommand } = await import('@aws-sdk/client-dynamodb');
    const { Count } = await deps.dynamo.send(
      new QueryCommand({
        TableName: deps.table,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: `sent#${removed!.mailbox}` } },
      }),
    );
    expect(Count).toBe(0);
  },
  60_000,
);
