import { beforeAll, describe, expect, it } from 'vitest';
import { Snapshot } from '#functions/snapshot/snapshot.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import {
  newMailbox,
  polledMailbox,
  pollLater,
  startMailboxWorld,
  takeTransferEvents,
  world,
} from '#test/support/mailbox-world.ts';

beforeAll(startMailboxWorld);

const refusing = (kind: 'refused' | 'partial') => new FaultPlan([['PublishBatchCommand', kind]]);

describe('pollWatch', () => {
  it('stores the first complete listing without an event, and writes nothing while nothing changes (P18)', async () => {
    const { watch } = newMailbox(250);
    expect(await world.poll(watch)).toMatchObject({
      ...{ outcome: 'baseline', isComplete: true, transfers: 250, changed: 0, problem: undefined },
    });
    expect(await world.poll(watch)).toMatchObject({
      ...{ outcome: 'unchanged', pages: 3, requests: 3, units: { read: 1, write: 0 } },
    });
    expect(await world.takeEvents()).toEqual([]);
  });

  it('announces each change once, by an event', async () => {
    const { watch, people, ids } = await polledMailbox(3);
    const { transfers } = world.cryptshare;
    transfers.setState(ids[0]!, 'DELETED_BY_EXPIRATION');
    transfers.setState(ids[1]!, 'DELETED_BY_SECURITY');
    const { trackingId: created } = transfers.create(people);

    expect(await pollLater(watch)).toMatchObject({ outcome: 'changed', changed: 3, published: 3 });

    const observedAt = world.clock.now().toISOString();
    const events = await world.takeEvents();
    const expired = { state: 'DELETED_BY_EXPIRATION', previousState: 'ACTIVE', sequence: 1 };
    expect(events.map(({ event }) => [event.type, event.timestamp, event.data]).sort()).toEqual([
      ['transfer.deleted_by_expiration', observedAt, { ...watch, trackingId: ids[0], ...expired }],
      ['transfer.deleted_by_security', observedAt, expect.objectContaining({ sequence: 1 })],
      [
        'transfer.processing',
        observedAt,
        expect.objectContaining({ trackingId: created, previousState: null, sequence: 1 }),
      ],
    ]);
    expect(events[0]!.attributes).toEqual({ type: events[0]!.event.type, ...watch });
    expect(await world.poll(watch)).toMatchObject({ outcome: 'unchanged', units: { write: 0 } });
    expect(await world.takeEvents()).toEqual([]);
  });

  it('announces the transfers of the first listing with notifyExisting', async () => {
    const { watch } = newMailbox(12);
    const poll = () => world.poll({ ...watch, notifyExisting: true });
    expect(await poll()).toMatchObject({ outcome: 'baseline', changed: 12, published: 12 });
    expect(await world.takeEvents()).toHaveLength(12);
    expect(await poll()).toMatchObject({ outcome: 'unchanged' });
  });

  it('stores the baseline of an empty mailbox, and announces its first transfer', async () => {
    const { watch, people } = newMailbox();
    expect(await world.poll(watch)).toMatchObject({ outcome: 'baseline', transfers: 0 });
    expect(await world.poll(watch)).toMatchObject({ outcome: 'unchanged', units: { read: 1, write: 0 } });
    world.cryptshare.transfers.create(people);
    await world.poll(watch);
    expect(await takeTransferEvents()).toMatchObject([{ type: 'transfer.processing', data: { sequence: 1 } }]);
  });

  it('keeps a transfer apart as sent and as received', async () => {
    const { watch: sent } = await polledMailbox();
    const received = { ...sent, direction: 'received' } as const;
    await world.poll(received);
    const { trackingId } = world.cryptshare.transfers.create({ sender: sent.mailbox, to: [received.mailbox] });
    await world.poll(sent);
    world.cryptshare.transfers.setState(trackingId, 'ACTIVE');
    await world.poll(received);
    expect((await takeTransferEvents()).map(({ type, data }) => [data.direction, type])).toEqual([
      ['sent', 'transfer.processing'],
      ['received', 'transfer.active'],
    ]);
  });

  it('publishes pending events though the listing fails', async () => {
    const { watch, people } = await polledMailbox();
    world.cryptshare.transfers.create(people);
    await world.faults.run(refusing('refused'), () => world.poll(watch));
    expect(await world.takeEvents()).toEqual([]);
    const path = encodeURIComponent(watch.mailbox);
    world.cryptshare.faults.inject({ path, times: 9, answer: { kind: 'dropped' } });
    const result = await world.poll(watch);
    expect(result).toMatchObject({ isComplete: false, published: 1, problem: { cause: 'unreachable' } });
    expect(await world.takeEvents()).toHaveLength(1);
  });

  it('publishes the other events when SNS refuses some, and those at the next poll', async () => {
    const { watch, people } = await polledMailbox();
    const created = Array.from({ length: 12 }, () => world.cryptshare.transfers.create(people).trackingId);
    await world.faults.run(refusing('partial'), () => world.poll(watch));
    const first = await takeTransferEvents();
    expect(first.length).toBeGreaterThan(0);
    expect(first.length).toBeLessThan(12);
    await world.poll(watch);
    const told = [...first, ...(await takeTransferEvents())].map(({ data }) => data.trackingId);
    expect(new Set(told)).toEqual(new Set(created));
  });

  it('divides a grown snapshot anew without an event, though interrupted at any call', async () => {
    const { watch, people } = await polledMailbox(40);
    const readRoot = () => new Snapshot(world.deps.dynamo, world.deps.table, watch).readRoot();
    expect((await readRoot()).bits).toBe(0);
    world.cryptshare.transfers.seed({ ...people, count: 30, state: 'ACTIVE' });
    for (const call of [1, 2, 3, 20, 40, 50, 70, 71, 72, 73]) {
      await world.faults.run(new FaultPlan([[call, 'crash after']]), () => world.poll(watch)).catch(() => undefined);
    }
    world.clock.advance(10 * 60_000);
    await world.poll(watch);
    expect((await readRoot()).bits).toBe(1);
    expect(new Set((await takeTransferEvents()).map(({ id }) => id)).size).toBe(30);
    expect(await world.poll(watch)).toMatchObject({ outcome: 'unchanged', units: { read: 1, write: 0 } });
    expect(await readRoot()).toMatchObject({ count: 70, outdatedBlocks: [], unsettled: new Set() });
  });
});
