import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { TransferEvent } from '../../../functions/transfers/event.ts';
import type { PollDependencies } from '../../../functions/transfers/poll.ts';
import { pollShard } from '../../../functions/transfers/shard.ts';
import type { Watch } from '../../../functions/transfers/transfer.ts';
import { Watches } from '../../../functions/transfers/watches.ts';
import { createTransfersTable } from '../../../infra/local/embedded-services.ts';
import { FaultPlan } from './aws-faults.ts';
import { pollBudget, startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
  world.cryptshare.switches.idleTermMs = 1000 * day;
});
afterAll(() => world.close());

const day = 86_400_000;
let tables = 0;
let deps: PollDependencies;
let registry: Watches;
let watch: Watch;
beforeEach(async () => {
  tables += 1;
  deps = { ...world.deps, table: `removed-${tables}`, timetable: { shards: 1, every: day, fullListingEvery: 1 } };
  await createTransfersTable(deps.dynamo, deps.table);
  registry = new Watches(deps.dynamo, deps.table);
  watch = world.watch(`removed-${tables}@example.com`);
  seed(3);
});

function seed(count: number): string[] {
  const people = { sender: watch.mailbox, to: ['bob@example.com'] };
  return world.cryptshare.transfers.seed({ ...people, count, state: 'ACTIVE' }).map(({ trackingId }) => trackingId);
}
const now = () => world.clock.now().toISOString();
function tick(plan = new FaultPlan()) {
  world.clock.advance(90_000);
  return world.faults.run(plan, () =>
    pollShard(deps, { shard: 0, at: now() }, world.clock.steady() + pollBudget, () => {}),
  );
}
/** What the table holds of watches. */
const told = async () =>
  (await world.takeEvents())
    .map(({ event }) => event as TransferEvent)
    .map(({ type, data }) => `${type} ${data.trackingId}`);

/** Polls the watch once, and takes it out of the registry. */
async function removed(): Promise<void> {
  await registry.addAll([watch], false, now());
  await tick();
  await registry.remove(watch, now());
  await told();
}
/** Ends the time for which what was removed is kept. */
const wait = () => world.clock.advance(30 * day);

test.each([false, true])(
  'a watch that is added again is polled within minutes (while its snapshot is being deleted: %s)',
  async (isDeleting) => {
    seed(520);
    await removed();
    if (isDeleting) wait();
    // As on AWS, where a tick may take 110 s.
    const minutely = () => pollShard(deps, { shard: 0, at: now() }, world.clock.steady() + 110_000, () => {});
    world.clock.advance(60_000);
    await minutely();
    await registry.addAll([watch], false, now());
    const outcomes: string[] = [];
    for (let at = 0; at < 60; at += 1) {
      world.clock.advance(60_000);
      outcomes.push(...(await minutely()).polls.map(({ outcome }) => `${at + 1} min: ${outcome}`));
    }
    expect(outcomes.filter((one) => !one.endsWith('overtaken'))).toEqual([
      expect.stringMatching(/^\d min: (baseline|unchanged)$/),
    ]);
  },
);
