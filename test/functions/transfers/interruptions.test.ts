import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TransferEvent } from '../../../functions/transfers/event.ts';
import { rowsPerAnnouncement } from '../../../functions/transfers/reconcile.ts';
import type { Watch } from '../../../functions/transfers/transfer.ts';
import { type FaultKind, FaultPlan } from './aws-faults.ts';
import { startWorld, type World } from './world.ts';

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
    'UpdateItemCommand',
  ]);
});

describe.each<FaultKind>(['refused', 'lost', 'crash before', 'crash after'])('a call that is hit by: %s', (kind) => {
  // One more than there are calls, so that the last one is hit, too.
  test.each(Array.from({ length: 15 }, (_, call) => call))(
    'loses no event and repeats none under another id: call %i',
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
  expect(await late).toMatchObject({ trouble: { cause: 'out_of_time' } });

  await world.poll(watch);

  const published = await world.takeEvents();
  expect(new Set(published.map(({ event }) => (event as TransferEvent).data.trackingId))).toEqual(new Set(trackingIds));
  expect(published).toHaveLength(trackingIds.length);
});

test('a baseline that runs out of time goes on where it stopped, and stays silent', async () => {
  const watch = world.watch('large-baseline@example.com');
  world.cryptshare.transfers.seed({ sender: watch.mailbox, to: ['bob@example.com'], count: 60, state: 'ACTIVE' });
  const plan = new FaultPlan([[20, 'pause']]);
  const late = world.faults.run(plan, () => world.poll(watch));
  await plan.reachedPause;
  world.clock.advance(55_000);
  plan.resume();
  const { units: first, ...rest } = await late;
  expect(rest).toMatchObject({ outcome: 'changed', changed: 0, trouble: { cause: 'out_of_time' } });

  const { units: second, outcome } = await world.poll(watch);

  expect(outcome).toBe('baseline');
  expect(second.write).toBeLessThan(60);
  expect(first.write + second.write).toBeLessThan(60 + 10);
  expect(await world.takeEvents()).toEqual([]);
  world.clock.advance(60_000);
  await world.poll(watch);
  expect(await world.poll(watch)).toMatchObject({ outcome: 'unchanged', units: { write: 0 } });
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
  expect(await late).toMatchObject({ published: rowsPerAnnouncement, trouble: { cause: 'out_of_time' } });

  expect(await world.poll(watch, { notifyExisting: true })).toMatchObject({ published: 15, trouble: undefined });
  const ids = (await world.takeEvents()).map(({ event }) => event.id);
  expect(ids).toHaveLength(count);
  expect(new Set(ids).size).toBe(count);
});
