import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Partition } from '#functions/dynamodb/partition.ts';
import type { TransferEvent } from '#functions/events/transfer-event.ts';
import { rowsPerAnnouncement } from '#functions/poll/reconcile.ts';
import { type Watch, watchKey } from '#functions/transfers/transfer.ts';
import { Watches } from '#functions/watches/watches.ts';
import { freeBaselines } from '#infra/local/interruption.ts';
import { type FaultKind, FaultPlan } from '#test/support/aws-faults.ts';
import { startWorld, table, type World } from '#test/support/poll-world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

let mailboxes = 0;

/** A mailbox with a baseline of four transfers, three of which then change and to which one is added. */
async function changedMailbox(): Promise<{ watch: Watch; trackingIds: string[] }> {
  mailboxes += 1;
  const watch = world.watch(`interrupted-${mailboxes}@example.com`);
  const { transfers } = world.cryptshare;
  const people = { sender: watch.mailbox, to: ['bob@example.com'] };
  const [first, second, third] = transfers.seed({ ...people, count: 4, state: 'ACTIVE' });
  await world.poll(watch);
  world.clock.advance(60_000);
  transfers.setState(first!.trackingId, 'FAILED');
  transfers.setState(second!.trackingId, 'DELETED_BY_REVOCATION');
  transfers.setState(third!.trackingId, 'DELETED_BY_ADMIN');
  const created = transfers.create(people);
  return { watch, trackingIds: [first!, second!, third!, created].map(({ trackingId }) => trackingId) };
}

/** The calls to AWS of a poll that announces changes and meets no fault. */
async function callsOfAPoll(): Promise<readonly string[]> {
  const { watch } = await changedMailbox();
  const plan = new FaultPlan();
  await world.faults.run(plan, () => world.poll(watch));
  await world.takeEvents();
  await world.takeNotices();
  return plan.calls;
}

test('a poll that announces changes reads, claims, reads the bucket, commits, publishes, clears and settles', async () => {
  expect(await callsOfAPoll()).toEqual([
    'QueryCommand',
    'UpdateItemCommand',
    'QueryCommand',
    ...Array(4).fill('PutItemCommand'),
    'PublishBatchCommand',
    'PublishCommand',
    ...Array(4).fill('UpdateItemCommand'),
    'PutItemCommand',
    'PutItemCommand',
  ]);
});

describe.each<FaultKind>(['refused', 'lost', 'crash before', 'crash after'])('a call that is hit by: %s', (kind) => {
  // One more than there are calls, so that the last one is hit, too.
  test.each(Array.from({ length: 15 }, (_, call) => call))(
    'loses no event and repeats none under another id: call %i (P1, P2, P12)',
    async (call) => {
      const { watch, trackingIds } = await changedMailbox();
      await world.faults.run(new FaultPlan([[call, kind]]), () => world.poll(watch)).catch(() => undefined);
      world.clock.advance(60_000);
      await world.poll(watch);
      world.clock.advance(60_000);
      const last = await world.poll(watch);

      const published = await world.takeEvents();
      const told = new Set(published.map(({ event }) => (event as TransferEvent).data.trackingId));
      expect(told).toEqual(new Set(trackingIds));
      expect(new Set(published.map(({ body }) => body)).size).toBe(trackingIds.length);
      const notices = (await world.takeNotices()).map(({ text }) => text).join();
      for (const trackingId of trackingIds) expect(notices).toContain(trackingId);
      expect(last.published).toBe(0);
    },
  );
});

test('an event whose commit was answered by silence is published although the server is back where it was', async () => {
  const watch = world.watch('back-again@example.com');
  const { transfers } = world.cryptshare;
  const [transfer] = transfers.seed({ sender: watch.mailbox, to: ['bob@example.com'], count: 1, state: 'ACTIVE' });
  await world.poll(watch);
  transfers.setState(transfer!.trackingId, 'Quarantined');
  await world.faults.run(new FaultPlan([[3, 'lost']]), () => world.poll(watch));
  transfers.setState(transfer!.trackingId, 'ACTIVE');

  world.clock.advance(60_000);
  await world.poll(watch);

  const states = (await world.takeEvents()).map(({ event }) => (event as TransferEvent).data.state);
  expect(states).toEqual(['Quarantined', 'ACTIVE']);
});

test('a poll out of time commits no more, and the next one goes on', async () => {
  const { watch, trackingIds } = await changedMailbox();
  const plan = new FaultPlan([[3, 'pause']]);
  const late = world.faults.run(plan, () => world.poll(watch));
  await plan.reachedPause;
  world.clock.advance(55_000);
  plan.resume();
  expect(await late).toMatchObject({ problem: { cause: 'out_of_time' } });

  await world.poll(watch);

  const published = await world.takeEvents();
  expect(new Set(published.map(({ event }) => (event as TransferEvent).data.trackingId))).toEqual(new Set(trackingIds));
  expect(published).toHaveLength(trackingIds.length);
});

/** A mailbox without a baseline. */
function newMailbox(count: number) {
  mailboxes += 1;
  const watch = world.watch(`new-${mailboxes}@example.com`);
  const seeded = world.cryptshare.transfers.seed({
    sender: watch.mailbox,
    to: ['bob@example.com'],
    count,
    state: 'ACTIVE',
  });
  return { watch, trackingIds: seeded.map(({ trackingId }) => trackingId) };
}

test('a baseline that runs out of time goes on where it stopped, tells how far it is, and stays silent', async () => {
  const { watch } = newMailbox(450);
  const plan = new FaultPlan([['BatchWriteItemCommand', 'pause']]);
  const late = world.faults.run(plan, () => world.poll(watch));
  await plan.reachedPause;
  world.clock.advance(55_000);
  plan.resume();
  const { units: first, ...rest } = await late;
  expect(rest).toMatchObject({ outcome: 'changed', changed: 0, problem: { cause: 'out_of_time' } });
  const [root] = await new Partition(world.deps.dynamo, table, watchKey(watch)).range('ROOT', 'ROOT');
  expect(root!.baselineProgress).toEqual({ stored: 400, transfers: 450 });

  const { units: second, outcome } = await world.poll(watch);

  expect(outcome).toBe('baseline');
  expect(second.write).toBeLessThan(60);
  expect(first.write + second.write).toBeLessThan(450 + 10);
  expect(await world.takeEvents()).toEqual([]);
  world.clock.advance(60_000);
  await world.poll(watch);
  expect(await world.poll(watch)).toMatchObject({ outcome: 'unchanged', units: { write: 0 } });
});

test('a baseline is stored in one call for 25 transfers', async () => {
  const { watch } = newMailbox(60);
  const plan = new FaultPlan();
  expect(await world.faults.run(plan, () => world.poll(watch))).toMatchObject({ outcome: 'baseline' });
  expect(plan.calls).toEqual([
    'QueryCommand',
    'UpdateItemCommand',
    'QueryCommand',
    ...Array(3).fill('BatchWriteItemCommand'),
    'PutItemCommand',
    'PutItemCommand',
  ]);
});

describe.each<FaultKind>(['refused', 'lost', 'crash before', 'crash after'])(
  'a call of a baseline that is hit by: %s',
  (kind) => {
    test.each(Array.from({ length: 8 }, (_, call) => call))(
      'loses and invents nothing, and the next poll completes the baseline: call %i',
      async (call) => {
        const { watch, trackingIds } = newMailbox(30);
        await world.faults.run(new FaultPlan([[call, kind]]), () => world.poll(watch)).catch(() => undefined);
        world.clock.advance(70_000);
        await world.poll(watch);
        world.cryptshare.transfers.setState(trackingIds[20]!, 'DELETED_BY_ADMIN');
        world.clock.advance(60_000);
        await world.poll(watch);
        world.clock.advance(60_000);

        expect(await world.poll(watch)).toMatchObject({ outcome: 'unchanged', units: { write: 0 } });
        const told = (await world.takeEvents()).map(({ event }) => (event as TransferEvent).data);
        expect(told).toMatchObject([{ trackingId: trackingIds[20], previousState: 'ACTIVE', sequence: 1 }]);
      },
    );
  },
);

test('a process that has ended in the middle of a baseline is not waited for once it is known to have ended', async () => {
  const { watch } = newMailbox(30);
  await new Watches(world.deps.dynamo, table).addAll([watch], false, world.clock.now().toISOString());
  await world.faults.run(new FaultPlan([[4, 'crash before']]), () => world.poll(watch)).catch(() => undefined);
  expect(await world.poll(watch)).toMatchObject({ outcome: 'superseded' });
  await freeBaselines(world.deps.dynamo, table);
  expect(await world.poll(watch)).toMatchObject({ outcome: 'baseline' });
  await freeBaselines(world.deps.dynamo, table);
  world.clock.advance(60_000);
  expect(await world.poll(watch)).toMatchObject({ outcome: 'unchanged' });
});

test('a baseline that was begun by a clock a year ahead is complete ten minutes after the clock was set back', async () => {
  const { watch } = newMailbox(30);
  const year = 365 * 86_400_000;
  world.clock.set(year);
  await world.faults.run(new FaultPlan([[4, 'crash before']]), () => world.poll(watch)).catch(() => undefined);
  world.clock.set(-year);
  expect(await world.poll(watch)).toMatchObject({ outcome: 'changed', problem: undefined });
  expect(await world.poll(watch)).toMatchObject({ outcome: 'superseded' });
  world.clock.advance(11 * 60_000);
  expect(await world.poll(watch)).toMatchObject({ outcome: 'baseline' });
  expect(await world.takeEvents()).toEqual([]);
});

test('nobody writes to a snapshot whose baseline another poll may still be storing (P5)', async () => {
  const { watch, trackingIds } = newMailbox(30);
  const plan = new FaultPlan([[3, 'late']]);
  await world.faults.run(plan, () => world.poll(watch));
  world.clock.advance(10_000);
  const meanwhile = await world.poll(watch);
  expect(meanwhile).toMatchObject({ outcome: 'superseded', requests: 0, problem: undefined, units: { write: 0 } });
  const announcing = await world.poll(watch, { notifyExisting: true });
  expect(announcing).toMatchObject({ outcome: 'superseded', units: { write: 0 } });
  await plan.deliverLate();
  world.clock.advance(10_000);
  expect(await world.poll(watch)).toMatchObject({ outcome: 'baseline' });
  for (const state of ['Quarantined', 'DELETED_BY_ADMIN']) {
    world.cryptshare.transfers.setState(trackingIds[0]!, state);
    world.clock.advance(60_000);
    await world.poll(watch);
  }
  const told = (await world.takeEvents()).map(({ event }) => (event as TransferEvent).data);
  expect(told.map(({ state, sequence }) => [state, sequence])).toEqual([
    ['Quarantined', 1],
    ['DELETED_BY_ADMIN', 2],
  ]);
});

test('a poll out of time announces no more, and the next one announces the rest alone', async () => {
  const watch = world.watch('many-existing@example.com');
  const count = rowsPerAnnouncement + 15;
  world.cryptshare.transfers.seed({ sender: watch.mailbox, to: ['bob@example.com'], count, state: 'ACTIVE' });
  const plan = new FaultPlan([['PublishCommand', 'pause']]);
  const late = world.faults.run(plan, () => world.poll(watch, { notifyExisting: true }));
  await plan.reachedPause;
  world.clock.advance(55_000);
  plan.resume();
  expect(await late).toMatchObject({ published: rowsPerAnnouncement, problem: { cause: 'out_of_time' } });

  expect(await world.poll(watch, { notifyExisting: true })).toMatchObject({ published: 15, problem: undefined });
  const ids = (await world.takeEvents()).map(({ event }) => event.id);
  expect(ids).toHaveLength(count);
  expect(new Set(ids).size).toBe(count);
});
