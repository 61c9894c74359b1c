import { afterAll, beforeAll, expect, test } from 'vitest';
import { Snapshot } from '#functions/snapshot/snapshot.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import { startWorld, type World } from '#test/support/poll-world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

test('the first complete listing is stored without a word', async () => {
  const watch = world.watch('baseline@example.com');
  world.cryptshare.transfers.seed({ sender: watch.mailbox, to: ['bob@example.com'], count: 250, state: 'ACTIVE' });

  const result = await world.poll(watch);

  expect(result).toMatchObject({
    outcome: 'baseline',
    isComplete: true,
    transfers: 250,
    changed: 0,
    problem: undefined,
  });
  expect(await world.takeEvents()).toEqual([]);
  expect(await world.takeNotices()).toEqual([]);
});

test('a quiet server causes no event and no write (P18)', async () => {
  const watch = world.watch('quiet@example.com');
  world.cryptshare.transfers.seed({ sender: watch.mailbox, to: ['bob@example.com'], count: 250, state: 'ACTIVE' });
  await world.poll(watch);

  const result = await world.poll(watch);

  expect(result).toMatchObject({ outcome: 'unchanged', pages: 3, requests: 3, units: { read: 1, write: 0 } });
  expect(await world.takeEvents()).toEqual([]);
});

test('every change is announced once, by an event and in the notice of its poll', async () => {
  const watch = world.watch('alice@example.com');
  const { transfers } = world.cryptshare;
  const [first, second] = transfers.seed({ sender: watch.mailbox, to: ['bob@example.com'], count: 3, state: 'ACTIVE' });
  await world.poll(watch);
  world.clock.advance(60_000);
  transfers.setState(first!.trackingId, 'DELETED_BY_EXPIRATION');
  transfers.setState(second!.trackingId, 'DELETED_BY_SECURITY');
  const created = transfers.create({ sender: watch.mailbox, to: ['bob@example.com'] });

  const result = await world.poll(watch);

  expect(result).toMatchObject({ outcome: 'changed', changed: 3, published: 3 });
  const events = await world.takeEvents();
  expect(events.map(({ event }) => [event.type, event.timestamp, event.data]).sort()).toEqual([
    [
      'transfer.deleted_by_expiration',
      '2026-11-24T00:01:00.000Z',
      {
        trackingId: first!.trackingId,
        mailbox: 'alice@example.com',
        direction: 'sent',
        state: 'DELETED_BY_EXPIRATION',
        previousState: 'ACTIVE',
        sequence: 1,
      },
    ],
    ['transfer.deleted_by_security', '2026-11-24T00:01:00.000Z', expect.objectContaining({ sequence: 1 })],
    [
      'transfer.processing',
      '2026-11-24T00:01:00.000Z',
      expect.objectContaining({ trackingId: created.trackingId, previousState: null, sequence: 1 }),
    ],
  ]);
  expect(events[0]!.attributes).toEqual({
    type: events[0]!.event.type,
    mailbox: 'alice@example.com',
    direction: 'sent',
  });
  expect(await world.takeNotices()).toEqual([
    {
      subject: '1 deleted after wrong passwords, 1 expired, 1 processing (alice@example.com, sent)',
      text: [
        '3 transfers sent by alice@example.com changed since 2026-11-24 00:01 UTC: 1 deleted after wrong passwords, 1 expired, 1 processing.',
        '',
        `  deleted after wrong passwords  ${second!.trackingId}  (was active)`,
        `  expired                        ${first!.trackingId}  (was active)`,
        `  processing                     ${created.trackingId}  (new)`,
        '',
      ].join('\n'),
      chat: {
        version: '1.0',
        source: 'custom',
        id: expect.stringMatching(/^ntc_/),
        content: {
          textType: 'client-markdown',
          title: expect.stringContaining('3 transfers sent by alice@example.com'),
          description: expect.stringContaining(`*expired* \`${first!.trackingId}\` (was active)`),
        },
      },
      attributes: {
        types: '["transfer.deleted_by_security","transfer.deleted_by_expiration","transfer.processing"]',
        mailbox: 'alice@example.com',
        direction: 'sent',
        severity: 'alert',
      },
    },
  ]);
  expect(await world.poll(watch)).toMatchObject({ outcome: 'unchanged', units: { write: 0 } });
  expect(await world.takeEvents()).toEqual([]);
});

test('with notifyExisting, what is there already is announced', async () => {
  const watch = world.watch('existing@example.com');
  world.cryptshare.transfers.seed({ sender: watch.mailbox, to: ['bob@example.com'], count: 12, state: 'ACTIVE' });
  expect(await world.poll(watch, { notifyExisting: true })).toMatchObject({
    outcome: 'baseline',
    changed: 12,
    published: 12,
  });
  expect(await world.takeEvents()).toHaveLength(12);
  expect((await world.takeNotices()).map(({ subject }) => subject)).toEqual(['12 active (existing@example.com, sent)']);
  expect(await world.poll(watch, { notifyExisting: true })).toMatchObject({ outcome: 'unchanged' });
});

test('an empty mailbox has a baseline, too: its first transfer is news', async () => {
  const watch = world.watch('empty@example.com');
  expect(await world.poll(watch)).toMatchObject({ outcome: 'baseline', transfers: 0 });
  expect(await world.poll(watch)).toMatchObject({ outcome: 'unchanged', units: { read: 1, write: 0 } });
  world.cryptshare.transfers.create({ sender: watch.mailbox, to: ['bob@example.com'] });
  await world.poll(watch);
  expect(await world.takeEvents()).toMatchObject([{ event: { type: 'transfer.processing', data: { sequence: 1 } } }]);
});

test('the same transfer, sent and received, is two stories that never mix', async () => {
  const sent = world.watch('both@example.com', 'sent');
  const received = world.watch('both@example.com', 'received');
  await world.poll(sent);
  await world.poll(received);
  const { trackingId } = world.cryptshare.transfers.create({ sender: sent.mailbox, to: [received.mailbox] });
  await world.poll(sent);
  world.cryptshare.transfers.setState(trackingId, 'ACTIVE');
  await world.poll(received);

  const told = (await world.takeEvents()).map(({ event, attributes }) => [attributes.direction, event.type]);

  expect(told).toEqual([
    ['sent', 'transfer.processing'],
    ['received', 'transfer.active'],
  ]);
});

test('a listing that fails altogether still lets pending events out', async () => {
  const watch = world.watch('recovery@example.com');
  const { transfers, faults } = world.cryptshare;
  await world.poll(watch);
  transfers.create({ sender: watch.mailbox, to: ['bob@example.com'] });
  await world.faults.run(new FaultPlan([['PublishBatchCommand', 'refused']]), () => world.poll(watch));
  expect(await world.takeEvents()).toEqual([]);
  faults.inject({ path: 'recovery', times: 9, answer: { kind: 'dropped' } });

  expect(await world.poll(watch)).toMatchObject({ isComplete: false, published: 1, problem: { cause: 'unreachable' } });
  expect(await world.takeEvents()).toHaveLength(1);
});

test('an event that SNS keeps refusing stops no other and is tried again', async () => {
  const watch = world.watch('refused@example.com');
  const { transfers } = world.cryptshare;
  await world.poll(watch);
  const people = { sender: watch.mailbox, to: ['bob@example.com'] };
  const created = Array.from({ length: 12 }, () => transfers.create(people).trackingId);
  await world.faults.run(new FaultPlan([['PublishBatchCommand', 'partial']]), () => world.poll(watch));
  const first = await world.takeEvents();
  expect(first.length).toBeGreaterThan(0);
  expect(first.length).toBeLessThan(12);

  await world.poll(watch);

  const all = [...first, ...(await world.takeEvents())];
  expect(new Set(all.map(({ event }) => 'trackingId' in event.data && event.data.trackingId))).toEqual(
    new Set(created),
  );
});

test('a mailbox that outgrows its buckets is divided anew without a word, even if that is interrupted anywhere', async () => {
  const watch = world.watch('growing@example.com');
  const { transfers } = world.cryptshare;
  const people = { sender: watch.mailbox, to: ['bob@example.com'] };
  const bits = async () => (await new Snapshot(world.deps.dynamo, world.deps.table, watch).readRoot()).bits;
  transfers.seed({ ...people, count: 40, state: 'ACTIVE' });
  await world.poll(watch);
  await world.takeEvents();
  expect(await bits()).toBe(0);
  transfers.seed({ ...people, count: 30, state: 'ACTIVE' });
  for (const call of [1, 2, 3, 20, 40, 50, 70, 71, 72, 73]) {
    await world.faults.run(new FaultPlan([[call, 'crash after']]), () => world.poll(watch)).catch(() => undefined);
  }
  world.clock.advance(10 * 60_000);
  await world.poll(watch);

  expect(await bits()).toBe(1);
  const ids = new Set((await world.takeEvents()).map(({ event }) => event.id));
  expect(ids.size).toBe(30);
  expect(await world.poll(watch)).toMatchObject({ outcome: 'unchanged', units: { read: 1, write: 0 } });
  const root = await new Snapshot(world.deps.dynamo, world.deps.table, watch).readRoot();
  expect(root).toMatchObject({ count: 70, outdatedBlocks: [], unsettled: new Set() });
});
