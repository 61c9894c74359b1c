import { afterAll, beforeAll, expect, test } from 'vitest';
import { startWorld, type World } from './world.ts';

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
    trouble: undefined,
  });
  expect(await world.takeEvents()).toEqual([]);
  expect(await world.takeNotices()).toEqual([]);
});

test('a quiet server causes no event and no write', async () => {
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
  const notices = await world.takeNotices();
  console.log(notices[0], events[0]);
  expect(notices).toHaveLength(1);
  expect(await world.poll(watch)).toMatchObject({ outcome: 'unchanged', units: { write: 0 } });
  expect(await world.takeEvents()).toEqual([]);
});
