import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { TransferEvent } from '../../../functions/transfers/event.ts';
import type { PollResult } from '../../../functions/transfers/poll.ts';
import type { Direction, Watch } from '../../../functions/transfers/transfer.ts';
import { faultAnswers } from '../../../infra/local/cryptshare-faults.ts';
import { startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

let mailboxes = 0;
let watch: Watch;
let trackingIds: string[];

/** A mailbox with a baseline of so many active transfers. */
async function mailboxOf(count: number, direction: Direction = 'sent'): Promise<void> {
  mailboxes += 1;
  watch = world.watch(`absent-${mailboxes}@example.com`, direction);
  const people =
    direction === 'sent'
      ? { sender: watch.mailbox, to: ['bob@example.com'] }
      : { sender: 'bob@example.com', to: [watch.mailbox] };
  trackingIds = world.cryptshare.transfers
    .seed({ ...people, count, state: 'ACTIVE' })
    .map(({ trackingId }) => trackingId);
  await world.poll(watch);
}

async function polls(times: number): Promise<PollResult> {
  let result: PollResult;
  for (let at = 0; at < times; at += 1) {
    world.clock.advance(60_000);
    result = await world.poll(watch);
  }
  return result!;
}

const events = async () => (await world.takeEvents()).map(({ event }) => event as TransferEvent);

/** Has the next listings lack a transfer that the server still has. */
function overlook(trackingId: string, times: number): void {
  const data = trackingIds
    .filter((id) => id !== trackingId)
    .map((id) => ({ trackingId: id, status: { state: 'ACTIVE' } }));
  world.cryptshare.faults.inject({
    path: 'sent-transfers',
    times,
    answer: { kind: 'response', status: 200, body: JSON.stringify({ data, meta: {} }) },
  });
}

beforeEach(() => world.cryptshare.faults.clear());

describe.each<Direction>(['sent', 'received'])('a %s transfer that is gone from the server', (direction) => {
  test('is unlisted by the third complete listing without it, once, with its last state', async () => {
    await mailboxOf(3, direction);
    world.cryptshare.transfers.purge(trackingIds[0]!);
    await polls(2);
    expect(await events()).toEqual([]);

    await polls(1);

    expect(await events()).toMatchObject([
      {
        type: 'transfer.unlisted',
        data: { trackingId: trackingIds[0], state: 'ACTIVE', previousState: 'ACTIVE', sequence: 1 },
      },
    ]);
    expect(await polls(2)).toMatchObject({ outcome: 'unchanged', units: { write: 0 } });
    expect(await events()).toEqual([]);
  });

  test('is not unlisted when it comes back in between, however often', async () => {
    await mailboxOf(3, direction);
    for (let round = 0; round < 3; round += 1) {
      world.cryptshare.transfers.purge(trackingIds[0]!);
      await polls(2);
      world.cryptshare.transfers.restore(trackingIds[0]!);
      await polls(1);
    }
    expect(await events()).toEqual([]);
    await polls(1);
    expect(await polls(1)).toMatchObject({ outcome: 'unchanged', units: { write: 0 } });
  });

  test('that is listed again later is no news, unless its state is', async () => {
    await mailboxOf(3, direction);
    const { transfers } = world.cryptshare;
    transfers.purge(trackingIds[0]!);
    transfers.purge(trackingIds[1]!);
    await polls(3);
    expect(await events()).toHaveLength(2);

    transfers.restore(trackingIds[0]!);
    transfers.restore(trackingIds[1]!);
    transfers.setState(trackingIds[1]!, 'FAILED');
    await polls(1);

    expect(await events()).toMatchObject([
      {
        type: 'transfer.failed',
        data: { trackingId: trackingIds[1], previousState: 'ACTIVE', state: 'FAILED', sequence: 2 },
      },
    ]);
    expect(await polls(1)).toMatchObject({ outcome: 'unchanged', units: { write: 0 } });
  });
});

test('a listing with a page missing says nothing about absence', async () => {
  await mailboxOf(150);
  world.cryptshare.transfers.purge(trackingIds[0]!);
  await polls(2);
  world.cryptshare.faults.inject({ path: 'sent-transfers', page: 2, times: 3, answer: faultAnswers.serverError });
  expect(await polls(1)).toMatchObject({ isComplete: false, transfers: 100, trouble: { cause: 'server_fault' } });
  expect(await events()).toEqual([]);

  await polls(1);

  expect(await events()).toMatchObject([{ type: 'transfer.unlisted' }]);
});

test('a listing with rows that name no transfer says nothing about absence', async () => {
  await mailboxOf(3);
  const data = [{ trackingId: trackingIds[1], status: { state: 'ACTIVE' } }, { status: { state: 'ACTIVE' } }];
  world.cryptshare.faults.inject({
    path: 'sent-transfers',
    page: 1,
    times: 4,
    answer: { kind: 'response', status: 200, body: JSON.stringify({ data }) },
  });
  expect(await polls(4)).toMatchObject({ isComplete: true, trouble: { cause: 'malformed_rows' } });
  expect(await events()).toEqual([]);
});

test('a sent transfer that the server still knows by its tracking id is not gone, and its state is believed', async () => {
  await mailboxOf(3);
  overlook(trackingIds[0]!, 7);
  await polls(4);
  expect(await events()).toEqual([]);

  world.cryptshare.transfers.setState(trackingIds[0]!, 'DELETED_BY_ADMIN');
  await polls(3);

  expect(await events()).toMatchObject([
    { type: 'transfer.deleted_by_admin', data: { trackingId: trackingIds[0], sequence: 1 } },
  ]);
});

test.each([
  ['cannot answer', faultAnswers.serverError],
  ['has no such endpoint', { kind: 'response', status: 404, body: '{"errorCode":1006}' }],
  ['has another version', { kind: 'response', status: 404, body: '{"errorCode":2004}' }],
] as const)('a transfer is not gone as long as the server, asked for it, %s', async (_, answer) => {
  await mailboxOf(3);
  world.cryptshare.transfers.purge(trackingIds[0]!);
  await polls(2);
  world.cryptshare.faults.inject({ path: trackingIds[0]!, times: 6, answer });
  expect((await polls(2)).trouble).toBeDefined();
  expect(await events()).toEqual([]);
  world.cryptshare.faults.clear();

  await polls(1);

  expect(await events()).toMatchObject([{ type: 'transfer.unlisted' }]);
});

describe('when many transfers vanish at once', () => {
  test('more than 20 and more than a fifth are held, reported, and forgotten when they are back', async () => {
    await mailboxOf(100);
    for (const trackingId of trackingIds.slice(0, 21)) world.cryptshare.transfers.purge(trackingId);
    expect(await polls(5)).toMatchObject({
      trouble: { cause: 'absences_held', message: expect.stringContaining('21 of 100') },
    });
    expect(await events()).toEqual([]);

    for (const trackingId of trackingIds.slice(0, 21)) world.cryptshare.transfers.restore(trackingId);
    await polls(1);

    expect(await polls(1)).toMatchObject({ outcome: 'unchanged', trouble: undefined, units: { write: 0 } });
    expect(await events()).toEqual([]);
  });

  test('changes of the others are announced all the same', async () => {
    await mailboxOf(100);
    for (const trackingId of trackingIds.slice(0, 50)) world.cryptshare.transfers.purge(trackingId);
    world.cryptshare.transfers.setState(trackingIds[99]!, 'FAILED');
    await polls(1);
    expect(await events()).toMatchObject([{ type: 'transfer.failed', data: { trackingId: trackingIds[99] } }]);
  });

  test('up to 20 are believed, even if that is all', async () => {
    await mailboxOf(20);
    for (const trackingId of trackingIds) world.cryptshare.transfers.purge(trackingId);
    await polls(3);
    expect(await events()).toHaveLength(20);
  });

  test('as many as a fifth are believed', async () => {
    await mailboxOf(125);
    for (const trackingId of trackingIds.slice(0, 25)) world.cryptshare.transfers.purge(trackingId);
    await polls(3);
    expect(await events()).toHaveLength(25);
  });
});
