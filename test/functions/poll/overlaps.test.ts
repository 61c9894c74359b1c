import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TransferEvent } from '#functions/events/transfer-event.ts';
import { pollWatch } from '#functions/poll/poll-watch.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import { startWorld, type World } from '#test/support/poll-world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

/** What was told of each transfer, in order, without repetitions. */
async function told(): Promise<Record<string, string[]>> {
  const events = (await world.takeEvents()).map(({ event }) => event as TransferEvent);
  const known = new Map(events.map((event) => [event.id, event]));
  const byTransfer = Object.groupBy(known.values(), ({ data }) => data.trackingId);
  return Object.fromEntries(
    Object.entries(byTransfer).map(([trackingId, list = []]) => [
      trackingId,
      list.toSorted((a, b) => a.data.sequence - b.data.sequence).map(({ data }) => data.state),
    ]),
  );
}

let mailboxes = 0;
function mailbox() {
  mailboxes += 1;
  const watch = world.watch(`overlap-${mailboxes}@example.com`);
  const people = { sender: watch.mailbox, to: ['bob@example.com'] };
  return { watch, people, transfers: world.cryptshare.transfers };
}

test.each(Array.from({ length: 12 }, (_, call) => call))(
  'an older listing never takes a step back, wherever its poll is held: call %i (P3)',
  async (heldAt) => {
    const { watch, people, transfers } = mailbox();
    const [moving] = transfers.seed({ ...people, count: 2, state: 'ACTIVE' });
    await world.poll(watch);
    transfers.setState(moving!.trackingId, 'Quarantined');
    const created = transfers.create(people);
    const plan = new FaultPlan([[heldAt, 'pause']]);
    const older = world.faults.run(plan, () => world.poll(watch));
    await Promise.race([plan.reachedPause, older]);
    transfers.setState(moving!.trackingId, 'DELETED_BY_ADMIN');
    transfers.setState(created.trackingId, 'ACTIVE');
    await world.poll(watch);
    plan.resume();
    await older;
    world.clock.advance(10 * 60_000);
    await world.poll(watch);

    const { [moving!.trackingId]: ofMoving = [], [created.trackingId]: ofCreated = [], ...others } = await told();
    expect([['Quarantined', 'DELETED_BY_ADMIN'], ['DELETED_BY_ADMIN']]).toContainEqual(ofMoving);
    expect([['PROCESSING', 'ACTIVE'], ['ACTIVE']]).toContainEqual(ofCreated);
    expect(others).toEqual({});
  },
);

test('who loses the claim throws its listing away, without a write or an event', async () => {
  const { watch, people, transfers } = mailbox();
  const [transfer] = transfers.seed({ ...people, count: 1, state: 'ACTIVE' });
  await world.poll(watch);
  transfers.setState(transfer!.trackingId, 'Quarantined');
  const plan = new FaultPlan([[1, 'pause']]);
  const older = world.faults.run(plan, () => world.poll(watch));
  await plan.reachedPause;
  transfers.setState(transfer!.trackingId, 'DELETED_BY_ADMIN');
  await world.poll(watch);
  await told();
  plan.resume();

  expect(await older).toMatchObject({ outcome: 'superseded', changed: 0, published: 0 });
  expect(plan.calls).toEqual(['QueryCommand', 'UpdateItemCommand']);
  expect(await world.poll(watch)).toMatchObject({ outcome: 'unchanged', units: { write: 0 } });
  expect(await told()).toEqual({});
});

test('what a poll commits after another has settled over it is published even if it dies right then (P4)', async () => {
  const { watch, people, transfers } = mailbox();
  const [transfer] = transfers.seed({ ...people, count: 1, state: 'ACTIVE' });
  await world.poll(watch);
  transfers.setState(transfer!.trackingId, 'Quarantined');
  const plan = new FaultPlan([
    [3, 'pause'],
    [4, 'crash before'],
  ]);
  const dying = world.faults.run(plan, () => world.poll(watch)).catch(() => undefined);
  await plan.reachedPause;
  // The newer poll sees the state that is published already and has nothing to say.
  transfers.setState(transfer!.trackingId, 'ACTIVE');
  await world.poll(watch);
  plan.resume();
  await dying;
  expect(await told()).toEqual({});

  world.clock.advance(1_000);
  await world.poll(watch);

  expect(await told()).toEqual({ [transfer!.trackingId]: ['Quarantined', 'ACTIVE'] });
  world.clock.advance(2 * 60_000);
  await world.poll(watch);
  expect(await world.poll(watch)).toMatchObject({ outcome: 'unchanged', units: { write: 0 } });
});

test('a poll that was superseded does not settle what the newer one has still to settle', async () => {
  const { watch, people, transfers } = mailbox();
  const [first, second] = transfers.seed({ ...people, count: 2, state: 'ACTIVE' });
  await world.poll(watch);
  transfers.setState(first!.trackingId, 'FAILED');
  const olderPlan = new FaultPlan([[7, 'pause']]);
  const older = world.faults.run(olderPlan, () => world.poll(watch));
  await olderPlan.reachedPause;
  transfers.setState(second!.trackingId, 'FAILED');
  const newerPlan = new FaultPlan([[4, 'crash before']]);
  await world.faults.run(newerPlan, () => world.poll(watch)).catch(() => undefined);
  olderPlan.resume();
  expect(await older).toMatchObject({ outcome: 'superseded' });
  // The dead poll has committed its change and told nobody; meanwhile the server's log is cleaned up.
  transfers.purge(second!.trackingId);
  await told();

  await world.poll(watch);

  expect(await told()).toMatchObject({ [second!.trackingId]: ['FAILED'] });
});

test('a late digest of an superseded poll hides no later change', async () => {
  const { watch, people, transfers } = mailbox();
  const [transfer] = transfers.seed({ ...people, count: 1, state: 'ACTIVE' });
  await world.poll(watch);
  transfers.setState(transfer!.trackingId, 'Quarantined');
  const olderPlan = new FaultPlan([
    [7, 'pause'],
    [8, 'crash before'],
  ]);
  const older = world.faults.run(olderPlan, () => world.poll(watch)).catch(() => undefined);
  await olderPlan.reachedPause;
  world.clock.advance(30_000);
  transfers.setState(transfer!.trackingId, 'ACTIVE');
  await world.poll(watch);
  world.clock.advance(32_000);
  const readerPlan = new FaultPlan([[1, 'pause']]);
  const reader = world.faults.run(readerPlan, () => world.poll(watch));
  await readerPlan.reachedPause;
  // The digest lands after the reader has read, and the reader claims when the older poll is over for good.
  olderPlan.resume();
  await older;
  world.clock.advance(4_000);
  readerPlan.resume();
  await reader;
  await told();

  transfers.setState(transfer!.trackingId, 'Quarantined');
  world.clock.advance(60_000);
  await world.poll(watch);

  expect(await told()).toEqual({ [transfer!.trackingId]: ['Quarantined'] });
});

test('a commit that fails here and takes effect later is found', async () => {
  const { watch, people, transfers } = mailbox();
  const [transfer] = transfers.seed({ ...people, count: 1, state: 'ACTIVE' });
  await world.poll(watch);
  transfers.setState(transfer!.trackingId, 'Quarantined');
  const plan = new FaultPlan([[3, 'late']]);
  await world.faults.run(plan, () => world.poll(watch));
  transfers.setState(transfer!.trackingId, 'ACTIVE');
  world.clock.advance(1_000);
  await world.poll(watch);
  await plan.deliverLate();
  world.clock.advance(1_000);
  await world.poll(watch);

  expect(await told()).toEqual({ [transfer!.trackingId]: ['Quarantined', 'ACTIVE'] });
});

test('the snapshot of one server is not compared with the listing of another (P6)', async () => {
  const { watch, people, transfers } = mailbox();
  transfers.seed({ ...people, count: 3, state: 'ACTIVE' });
  await world.poll(watch);
  const elsewhere = { ...world.deps, origin: 'https://other.example.com' };

  const result = await pollWatch(elsewhere, watch, world.terms());

  expect(result).toMatchObject({ outcome: 'failed', problem: { cause: 'server_changed' }, units: { write: 0 } });
  expect(await told()).toEqual({});
});
