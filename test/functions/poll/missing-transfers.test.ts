import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { TransferEvent } from '#functions/events/transfer-event.ts';
import { hasLasted, nextAbsence } from '#functions/poll/missing-transfers.ts';
import type { PollResult } from '#functions/poll/poll-result.ts';
import type { Direction, Watch } from '#functions/transfers/transfer.ts';
import { faultAnswers } from '#infra/simulator/faults.ts';
import { startWorld, type World } from '#test/support/poll-world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

const hour = 3_600_000;

/** Both clocks, where they agree. */
const both = (at: number) => ({ here: at, server: at });
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
  for (let index = 0; index < times; index += 1) {
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

beforeEach(() => {
  world.cryptshare.faults.clear();
  Object.assign(world.cryptshare.switches, { finalStatesChange: true, idleTermMs: 10 * 365 * 24 * hour });
});

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

  test('that is listed again later is told as such by the second listing with it, and its new state, too', async () => {
    await mailboxOf(11, direction);
    const { transfers } = world.cryptshare;
    transfers.purge(trackingIds[0]!);
    transfers.purge(trackingIds[1]!);
    await polls(3);
    expect(await events()).toHaveLength(2);

    transfers.restore(trackingIds[0]!);
    transfers.restore(trackingIds[1]!);
    transfers.setState(trackingIds[1]!, 'FAILED');
    await polls(1);
    expect(await events()).toEqual([]);
    await polls(1);

    const told = (await events()).map(({ type, data }) => [data.trackingId, type, data.state, data.sequence]);
    expect(told.toSorted()).toEqual(
      [
        [trackingIds[0], 'transfer.listed_again', 'ACTIVE', 2],
        [trackingIds[1], 'transfer.listed_again', 'ACTIVE', 2],
        [trackingIds[1], 'transfer.failed', 'FAILED', 3],
      ].toSorted(),
    );
    expect(await polls(1)).toMatchObject({ outcome: 'unchanged', units: { write: 0 } });
  });

  test('does not come back to life by one listing, and leaves nothing to do behind', async () => {
    await mailboxOf(3, direction);
    const { transfers } = world.cryptshare;
    transfers.setState(trackingIds[0]!, 'DELETED_BY_EXPIRATION');
    await polls(1);
    expect(await events()).toHaveLength(1);
    for (let round = 0; round < 3; round += 1) {
      transfers.setState(trackingIds[0]!, 'ACTIVE');
      await polls(1);
      transfers.setState(trackingIds[0]!, 'DELETED_BY_EXPIRATION');
      await polls(2);
    }
    expect(await events()).toEqual([]);
    expect(await polls(1)).toMatchObject({ outcome: 'unchanged', units: { write: 0 } });
  });
});

test('a listing with a page missing says nothing about absence', async () => {
  await mailboxOf(150);
  world.cryptshare.transfers.purge(trackingIds[0]!);
  await polls(2);
  world.cryptshare.faults.inject({ path: 'sent-transfers', page: 2, times: 3, answer: faultAnswers.serverError });
  expect(await polls(1)).toMatchObject({ isComplete: false, transfers: 100, problem: { cause: 'server_fault' } });
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
  expect(await polls(4)).toMatchObject({ isComplete: true, problem: { cause: 'malformed_rows' } });
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
  expect((await polls(2)).problem).toBeDefined();
  expect(await events()).toEqual([]);
  world.cryptshare.faults.clear();

  await polls(1);

  expect(await events()).toMatchObject([{ type: 'transfer.unlisted' }]);
});

describe.each<Direction>(['sent', 'received'])('when many %s transfers vanish at once', (direction) => {
  const vanish = (count: number) => {
    for (const trackingId of trackingIds.slice(0, count)) world.cryptshare.transfers.purge(trackingId);
  };
  const comeBack = () => {
    for (const trackingId of trackingIds) world.cryptshare.transfers.restore(trackingId);
  };

  test.each([
    [1, 1],
    [2, 2],
    [15, 15],
    [2, 9],
    [21, 100],
    [100, 100],
  ])('%i of %i are held, told, and forgotten when they are back', async (missing, count) => {
    await mailboxOf(count, direction);
    for (let round = 0; round < 2; round += 1) {
      vanish(missing);
      expect(await polls(14)).toMatchObject({
        problem: { cause: 'absences_held', message: expect.stringContaining(`${missing} of ${count}`) },
      });
      comeBack();
      expect(await polls(1)).toMatchObject({ problem: undefined });
      expect(await polls(1)).toMatchObject({ outcome: 'unchanged', units: { write: 0 } });
      // Days later a new absence has to last for itself.
      world.clock.advance(72 * hour);
    }
    expect(await events()).toEqual([]);
  });

  test('and stay away for a day, they are gone, each told once', async () => {
    await mailboxOf(5, direction);
    vanish(5);
    for (let index = 0; index < 25; index += 1) {
      await polls(1);
      expect(await events()).toEqual([]);
      world.clock.advance(hour - 60_000);
    }
    await polls(3);
    expect((await events()).map(({ type }) => type)).toEqual(Array(5).fill('transfer.unlisted'));
    await polls(1);
    expect(await polls(1)).toMatchObject({ outcome: 'unchanged', problem: undefined, units: { write: 0 } });
  });

  test('and the clock goes wrong, one that is ahead concludes nothing by itself, one that was set back waits no longer', async () => {
    await mailboxOf(5, direction);
    vanish(5);
    await polls(1);
    world.clock.advance(365 * 24 * hour);
    await polls(5);
    world.clock.advance(-365 * 24 * hour);
    await polls(10);
    expect(await events()).toEqual([]);
    world.clock.advance(25 * hour);
    await polls(4);
    expect(await events()).toHaveLength(5);
  });

  test.each([-2, 2])(
    'and the clock here is %i days ahead when they do, they have to stay away for a day',
    async (ahead) => {
      await mailboxOf(5, direction);
      vanish(5);
      world.clock.set(ahead * 24 * hour);
      await polls(1);
      world.clock.set(-ahead * 24 * hour);
      await polls(20);
      expect(await events()).toEqual([]);
      world.clock.advance(25 * hour);
      await polls(4);
      expect(await events()).toHaveLength(5);
    },
  );

  test('changes of the others are announced all the same', async () => {
    await mailboxOf(100, direction);
    vanish(50);
    world.cryptshare.transfers.setState(trackingIds[99]!, 'FAILED');
    await polls(1);
    expect(await events()).toMatchObject([{ type: 'transfer.failed', data: { trackingId: trackingIds[99] } }]);
  });

  test('a part that had ended is waited for in silence, as servers delete such transfers together', async () => {
    await mailboxOf(5, direction);
    for (const trackingId of trackingIds.slice(0, 3)) world.cryptshare.transfers.setState(trackingId, 'FAILED');
    await polls(1);
    expect(await events()).toHaveLength(3);
    vanish(3);
    expect(await polls(5)).toMatchObject({ problem: undefined });
    expect(await events()).toEqual([]);
  });

  test('as many as a fifth are believed', async () => {
    await mailboxOf(125, direction);
    vanish(25);
    await polls(3);
    expect(await events()).toHaveLength(25);
  });
});

test('a listing with a page missing neither ends nor counts for a sudden absence', async () => {
  await mailboxOf(30);
  for (const trackingId of trackingIds) world.cryptshare.transfers.purge(trackingId);
  await polls(9);
  for (const trackingId of trackingIds) world.cryptshare.transfers.restore(trackingId);
  world.cryptshare.faults.inject({ path: 'sent-transfers', page: 1, times: 3, answer: faultAnswers.serverError });
  await polls(1);
  world.cryptshare.faults.clear();
  for (const trackingId of trackingIds) world.cryptshare.transfers.purge(trackingId);
  world.clock.advance(25 * hour);
  await polls(2);
  expect(await events()).toEqual([]);
  await polls(1);
  expect(await events()).toHaveLength(30);
});

describe('a sudden absence', () => {
  const start = Date.parse('2026-11-24T00:00:00Z');

  test.each([
    [0, 0, false],
    [0, 5, false],
    [1, 1, true],
    [1, 2, false],
    [1, 3, false],
    [2, 3, true],
    [2, 10, false],
    [3, 10, true],
    [20, 100, false],
    [21, 100, true],
    // A count that lags behind.
    [5, 3, true],
  ])('is %i of %i: %s', (missing, count, isSudden) => {
    expect(nextAbsence(undefined, missing, count, both(start)) !== undefined).toBe(isSudden);
  });

  test('has lasted after a day and ten listings, whichever takes longer', () => {
    const hold = { since: both(start), listings: 10, missing: 5 };
    expect(hasLasted(hold, both(start + 24 * hour))).toBe(true);
    expect(hasLasted(hold, both(start + 24 * hour - 1))).toBe(false);
    expect(hasLasted({ ...hold, listings: 9 }, both(start + 900 * hour))).toBe(false);
  });

  test('begins anew when many more vanish, and not when single ones do', () => {
    const hold = nextAbsence(undefined, 30, 100, both(start))!;
    expect(nextAbsence(hold, 31, 100, both(start + hour))).toEqual({ since: both(start), listings: 2, missing: 30 });
    expect(nextAbsence(hold, 60, 100, both(start + hour))).toEqual({
      since: both(start + hour),
      listings: 1,
      missing: 60,
    });
    expect(nextAbsence(hold, 100, 100, both(start + hour))).toMatchObject({ listings: 1 });
  });

  test('begins anew when some had come back before they vanished again', () => {
    const fewer = nextAbsence({ since: both(start), listings: 5, missing: 50 }, 25, 100, both(start + hour));
    expect(fewer).toEqual({ since: both(start), listings: 6, missing: 25 });
    expect(nextAbsence(fewer, 50, 100, both(start + 2 * hour))).toMatchObject({
      since: both(start + 2 * hour),
      listings: 1,
    });
  });

  test('that has not begun yet, by this clock, begins now', () => {
    const hold = { since: both(start + 1), listings: 9, missing: 5 };
    expect(nextAbsence(hold, 5, 5, both(start))).toEqual({ since: both(start), listings: 1, missing: 5 });
  });
});
