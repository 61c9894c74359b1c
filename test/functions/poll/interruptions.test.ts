import { beforeAll, describe, expect, it } from 'vitest';
import { Partition } from '#functions/dynamodb/partition.ts';
import { rowsPerAnnouncement } from '#functions/poll/poll-watch.ts';
import { type Watch, watchKey } from '#functions/transfers/transfer.ts';
import type { RegisteredWatch } from '#functions/watches/polled-watches.ts';
import { Watches } from '#functions/watches/watches.ts';
import { freeBaselines } from '#infra/local/interruption.ts';
import { FaultPlan, faultKinds, faultsAt, NthFault } from '#test/support/aws-faults.ts';
import {
  newMailbox,
  polledMailbox,
  pollLater,
  startMailboxWorld,
  takeTransferEvents,
  world,
} from '#test/support/mailbox-world.ts';
import { table } from '#test/support/poll-world.ts';

beforeAll(startMailboxWorld);

/** A mailbox with a baseline of four transfers, three of which then change, and with a new one. */
async function changedMailbox(): Promise<{ watch: Watch; trackingIds: string[] }> {
  const { watch, people, ids } = await polledMailbox(4);
  world.clock.advance(60_000);
  const { transfers } = world.cryptshare;
  for (const id of ids.slice(1)) transfers.setState(id, 'DELETED_BY_ADMIN');
  return { watch, trackingIds: [...ids.slice(1), transfers.create(people).trackingId] };
}

/** Returns the calls to AWS of a poll that announces changes. */
async function callsOfAPoll(): Promise<readonly string[]> {
  const { watch } = await changedMailbox();
  const plan = new FaultPlan();
  await world.faults.run(plan, () => world.poll(watch));
  await world.takeEvents();
  return plan.calls;
}

/** Polls, and lets the time of the poll pass during a call to AWS. */
async function pollOutOfTime(watch: RegisteredWatch, plan: FaultPlan) {
  const late = world.faults.run(plan, () => world.poll(watch));
  await plan.reachedPause;
  world.clock.advance(55_000);
  plan.resume();
  return late;
}

const readAndClaim = ['QueryCommand', 'UpdateItemCommand', 'QueryCommand'];
const settle = ['PutItemCommand', 'PutItemCommand'];

describe('pollWatch', () => {
  it('reads, claims, reads the bucket, commits, publishes, clears and settles', async () => {
    expect(await callsOfAPoll()).toEqual([
      ...readAndClaim,
      ...Array(4).fill('PutItemCommand'),
      'PublishBatchCommand',
      ...Array(4).fill('UpdateItemCommand'),
      ...settle,
    ]);
  });

  it('publishes an event whose commit got no answer, though the transfer is back in its state', async () => {
    const { watch, ids } = await polledMailbox(1);
    const { transfers } = world.cryptshare;
    transfers.setState(ids[0]!, 'Quarantined');
    await world.faults.run(new FaultPlan([[3, 'lost']]), () => world.poll(watch));
    transfers.setState(ids[0]!, 'ACTIVE');
    await pollLater(watch);
    expect((await takeTransferEvents()).map(({ data }) => data.state)).toEqual(['Quarantined', 'ACTIVE']);
  });

  it('commits nothing after its deadline, and the next poll continues', async () => {
    const { watch, trackingIds } = await changedMailbox();
    expect(await pollOutOfTime(watch, new FaultPlan([[3, 'pause']]))).toMatchObject({
      problem: { cause: 'out_of_time' },
    });
    await world.poll(watch);
    const published = (await takeTransferEvents()).map(({ data }) => data.trackingId);
    expect(published.toSorted()).toEqual(trackingIds.toSorted());
  });

  it('stores the progress of a baseline at its deadline, and the next poll continues there in silence', async () => {
    const { watch } = newMailbox(450);
    const { units: first, ...rest } = await pollOutOfTime(watch, new FaultPlan([['BatchWriteItemCommand', 'pause']]));
    expect(rest).toMatchObject({ outcome: 'changed', changed: 0, problem: { cause: 'out_of_time' } });
    const [root] = await new Partition({ dynamo: world.deps.dynamo, table }, watchKey(watch)).range('ROOT', 'ROOT');
    expect(root!.baselineProgress).toEqual({ stored: 400, transfers: 450 });

    const { units: second, outcome } = await world.poll(watch);

    expect(outcome).toBe('baseline');
    expect(second.write).toBeLessThan(60);
    expect(first.write + second.write).toBeLessThan(450 + 10);
    expect(await world.takeEvents()).toEqual([]);
    await pollLater(watch);
    expect(await world.poll(watch)).toMatchObject({ outcome: 'unchanged', units: { write: 0 } });
  });

  it('stores 25 transfers of a baseline in one call', async () => {
    const { watch } = newMailbox(60);
    const plan = new FaultPlan();
    expect(await world.faults.run(plan, () => world.poll(watch))).toMatchObject({ outcome: 'baseline' });
    expect(plan.calls).toEqual([...readAndClaim, ...Array(3).fill('BatchWriteItemCommand'), ...settle]);
  });

  it('waits for no dead process that was storing a baseline, once its death is known', async () => {
    const { watch } = newMailbox(30);
    await new Watches({ dynamo: world.deps.dynamo, table }).addAll([watch], false, world.clock.now().toISOString());
    await world.faults.run(new FaultPlan([[4, 'crash before']]), () => world.poll(watch)).catch(() => undefined);
    expect(await world.poll(watch)).toMatchObject({ outcome: 'superseded' });
    await freeBaselines(world.deps.dynamo, table);
    expect(await world.poll(watch)).toMatchObject({ outcome: 'baseline' });
    await freeBaselines(world.deps.dynamo, table);
    expect(await pollLater(watch)).toMatchObject({ outcome: 'unchanged' });
  });

  it('completes a baseline ten minutes after a clock was set back that was a year ahead', async () => {
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

  it('writes nothing to a snapshot whose baseline another poll may still be storing (P5)', async () => {
    const { watch, ids } = newMailbox(30);
    const plan = new FaultPlan([[3, 'late']]);
    await world.faults.run(plan, () => world.poll(watch));
    world.clock.advance(10_000);
    expect(await world.poll(watch)).toMatchObject({
      outcome: 'superseded',
      requests: 0,
      problem: undefined,
      units: { write: 0 },
    });
    const announcing = await world.poll({ ...watch, notifyExisting: true });
    expect(announcing).toMatchObject({ outcome: 'superseded', units: { write: 0 } });
    await plan.deliverLate();
    world.clock.advance(10_000);
    expect(await world.poll(watch)).toMatchObject({ outcome: 'baseline' });
    for (const state of ['Quarantined', 'DELETED_BY_ADMIN']) {
      world.cryptshare.transfers.setState(ids[0]!, state);
      await pollLater(watch);
    }
    expect((await takeTransferEvents()).map(({ data }) => [data.state, data.sequence])).toEqual([
      ['Quarantined', 1],
      ['DELETED_BY_ADMIN', 2],
    ]);
  });

  it('announces nothing after its deadline, and the next poll announces the rest alone', async () => {
    const count = rowsPerAnnouncement + 15;
    const { watch } = newMailbox(count);
    // The last events of the first part, ten in each call.
    const plan = new NthFault('PublishBatchCommand', rowsPerAnnouncement / 10, 'pause');
    const late = await pollOutOfTime({ ...watch, notifyExisting: true }, plan);
    expect(late).toMatchObject({ published: rowsPerAnnouncement, problem: { cause: 'out_of_time' } });
    expect(await world.poll({ ...watch, notifyExisting: true })).toMatchObject({ published: 15, problem: undefined });
    const ids = (await world.takeEvents()).map(({ event }) => event.id);
    expect(ids).toHaveLength(count);
    expect(new Set(ids).size).toBe(count);
  });
});

describe('pollWatch hit at a call', () => {
  // The one that publishes, of which each kind of fault endangers another thing.
  const publishing = 7;
  // One more than there are calls, so that the last one is hit, too.
  const hits = [
    ...faultsAt(14, faultKinds).filter(({ call }) => call !== publishing),
    ...faultKinds.map((kind) => ({ call: publishing, kind })),
  ];
  it.each(hits)(
    'loses no event and repeats none under another id: call $call, $kind (P1, P2, P12)',
    async ({ call, kind }) => {
      const { watch, trackingIds } = await changedMailbox();
      await world.faults.run(new FaultPlan([[call, kind]]), () => world.poll(watch)).catch(() => undefined);
      await pollLater(watch);
      const last = await pollLater(watch);

      const published = await takeTransferEvents();
      expect(new Set(published.map(({ data }) => data.trackingId))).toEqual(new Set(trackingIds));
      expect(new Set(published.map(({ body }) => body)).size).toBe(trackingIds.length);
      expect(last.published).toBe(0);
    },
  );
});

describe('pollWatch of a baseline hit at a call', () => {
  it.each(faultsAt(8, faultKinds, 1))(
    'completes the baseline at the next poll, and loses and invents nothing: call $call, $kind',
    async ({ call, kind }) => {
      const { watch, ids } = newMailbox(30);
      await world.faults.run(new FaultPlan([[call, kind]]), () => world.poll(watch)).catch(() => undefined);
      world.clock.advance(70_000);
      await world.poll(watch);
      world.cryptshare.transfers.setState(ids[20]!, 'DELETED_BY_ADMIN');
      await pollLater(watch);
      expect(await pollLater(watch)).toMatchObject({ outcome: 'unchanged', units: { write: 0 } });
      const told = (await takeTransferEvents()).map(({ data }) => data);
      expect(told).toMatchObject([{ trackingId: ids[20], previousState: 'ACTIVE', sequence: 1 }]);
    },
  );
});
