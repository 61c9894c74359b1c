import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PollResult } from '#functions/poll/poll-result.ts';
import type { Direction } from '#functions/transfers/transfer.ts';
import { faultAnswers } from '#test/support/fault-answers.ts';
import {
  type Mailbox,
  polledMailbox,
  pollLater,
  resetServer,
  startMailboxWorld,
  takeTransferEvents,
  world,
} from '#test/support/mailbox-world.ts';

beforeAll(startMailboxWorld);
beforeEach(() => {
  resetServer();
  world.cryptshare.switches.finalStatesChange = true;
});

const hour = 3_600_000;
const day = 24 * hour;
const quiet = { outcome: 'unchanged', units: { write: 0 } };

async function polls({ watch }: Mailbox, times: number): Promise<PollResult> {
  let result: PollResult;
  for (let poll = 0; poll < times; poll += 1) result = await pollLater(watch);
  return result!;
}
/** Polls, and takes what was published. */
async function toldBy(mailbox: Mailbox, times: number): Promise<string[]> {
  await polls(mailbox, times);
  return takeTold();
}
const takeTold = async () => (await takeTransferEvents()).map(({ type, data }) => `${type} ${data.trackingId}`);
const purge = (ids: readonly string[]) => {
  for (const id of ids) world.cryptshare.transfers.purge(id);
};
const restore = (ids: readonly string[]) => {
  for (const id of ids) world.cryptshare.transfers.restore(id);
};
const listWith = (rows: readonly object[], where: { times: number; page?: number }) =>
  world.cryptshare.faults.inject({
    ...{ path: 'sent-transfers', ...where },
    answer: { kind: 'response', status: 200, body: JSON.stringify({ data: rows }) },
  });
const loseAPage = (page: number) =>
  world.cryptshare.faults.inject({ path: 'sent-transfers', page, times: 3, answer: faultAnswers.serverError });

describe.each<Direction>(['sent', 'received'])('pollWatch of %s transfers', (direction) => {
  it('announces a transfer as unlisted after three complete listings without it, once, in its last state (P7)', async () => {
    const mailbox = await polledMailbox(3, direction);
    purge(mailbox.ids.slice(0, 1));
    expect(await toldBy(mailbox, 2)).toEqual([]);
    await polls(mailbox, 1);
    expect(await takeTransferEvents()).toMatchObject([
      {
        type: 'transfer.unlisted',
        data: { trackingId: mailbox.ids[0], state: 'ACTIVE', previousState: 'ACTIVE', sequence: 1 },
      },
    ]);
    // Only the sender of a transfer may request its state.
    const { recent } = world.cryptshare.requests.report();
    const requests = recent.filter(({ url }) => url.includes(mailbox.ids[0]!));
    expect(requests).toHaveLength(direction === 'sent' ? 1 : 0);
    expect(await polls(mailbox, 2)).toMatchObject(quiet);
    expect(await takeTold()).toEqual([]);
  });

  it('announces nothing of a transfer that returns before the third listing, however often', async () => {
    const mailbox = await polledMailbox(3, direction);
    for (let round = 0; round < 3; round += 1) {
      purge(mailbox.ids.slice(0, 1));
      await polls(mailbox, 2);
      restore(mailbox.ids);
      await polls(mailbox, 1);
    }
    expect(await toldBy(mailbox, 1)).toEqual([]);
    expect(await polls(mailbox, 1)).toMatchObject(quiet);
  });

  it('announces the return of an unlisted transfer by the second listing with it, and its new state', async () => {
    const mailbox = await polledMailbox(11, direction);
    const [first, second] = mailbox.ids;
    purge([first!, second!]);
    expect(await toldBy(mailbox, 3)).toHaveLength(2);
    restore([first!, second!]);
    world.cryptshare.transfers.setState(second!, 'FAILED');
    expect(await toldBy(mailbox, 1)).toEqual([]);
    await polls(mailbox, 1);
    const told = (await takeTransferEvents()).map(({ type, data }) => [
      data.trackingId,
      type,
      data.state,
      data.sequence,
    ]);
    expect(told.toSorted()).toEqual(
      [
        [first, 'transfer.listed_again', 'ACTIVE', 2],
        [second, 'transfer.listed_again', 'ACTIVE', 2],
        [second, 'transfer.failed', 'FAILED', 3],
      ].toSorted(),
    );
    expect(await polls(mailbox, 1)).toMatchObject(quiet);
  });

  it('announces no end as undone by one listing, and leaves nothing unsettled (P9)', async () => {
    const mailbox = await polledMailbox(3, direction);
    const is = (state: string) => world.cryptshare.transfers.setState(mailbox.ids[0]!, state);
    is('DELETED_BY_EXPIRATION');
    expect(await toldBy(mailbox, 1)).toHaveLength(1);
    for (let round = 0; round < 3; round += 1) {
      is('ACTIVE');
      await polls(mailbox, 1);
      is('DELETED_BY_EXPIRATION');
      await polls(mailbox, 2);
    }
    expect(await takeTold()).toEqual([]);
    expect(await polls(mailbox, 1)).toMatchObject(quiet);
  });

  it.each([
    { missing: 2, count: 2 },
    { missing: 21, count: 100 },
  ])('holds a sudden absence of $missing of $count, says so, and forgets it when they are back', async (sizes) => {
    const { missing, count } = sizes;
    const mailbox = await polledMailbox(count, direction);
    for (let round = 0; round < 2; round += 1) {
      purge(mailbox.ids.slice(0, missing));
      expect(await polls(mailbox, 14)).toMatchObject({
        problem: { cause: 'absences_held', message: expect.stringContaining(`${missing} of ${count}`) },
      });
      restore(mailbox.ids);
      expect(await polls(mailbox, 1)).toMatchObject({ problem: undefined });
      expect(await polls(mailbox, 1)).toMatchObject(quiet);
      // Days later a new absence has to last for itself.
      world.clock.advance(3 * day);
    }
    expect(await takeTold()).toEqual([]);
  });

  it('announces each transfer of a sudden absence once after a day (P8)', async () => {
    const mailbox = await polledMailbox(5, direction);
    purge(mailbox.ids);
    for (let passed = 0; passed < 25; passed += 1) {
      expect(await toldBy(mailbox, 1)).toEqual([]);
      world.clock.advance(hour - 60_000);
    }
    expect((await toldBy(mailbox, 3)).toSorted()).toEqual(
      mailbox.ids.map((id) => `transfer.unlisted ${id}`).toSorted(),
    );
    await polls(mailbox, 1);
    expect(await polls(mailbox, 1)).toMatchObject({ ...quiet, problem: undefined });
  });

  it.each([0, -2 * day, 2 * day])(
    'holds a sudden absence for a day though the clock was wrong by %i ms when it began, and then by a year',
    async (wrong) => {
      const mailbox = await polledMailbox(5, direction);
      purge(mailbox.ids);
      world.clock.set(wrong);
      await polls(mailbox, 1);
      world.clock.set(365 * day);
      await polls(mailbox, 5);
      world.clock.set(-365 * day - wrong);
      expect(await toldBy(mailbox, 20)).toEqual([]);
      world.clock.advance(25 * hour);
      expect(await toldBy(mailbox, 4)).toHaveLength(5);
    },
  );

  it('announces changes of other transfers during a sudden absence', async () => {
    const mailbox = await polledMailbox(10, direction);
    purge(mailbox.ids.slice(0, 5));
    world.cryptshare.transfers.setState(mailbox.ids[9]!, 'FAILED');
    expect(await toldBy(mailbox, 1)).toEqual([`transfer.failed ${mailbox.ids[9]}`]);
  });

  it('holds the absence of transfers that have ended without a problem, as servers delete them together', async () => {
    const mailbox = await polledMailbox(5, direction);
    const ended = mailbox.ids.slice(0, 3);
    for (const id of ended) world.cryptshare.transfers.setState(id, 'FAILED');
    expect(await toldBy(mailbox, 1)).toHaveLength(3);
    purge(ended);
    expect(await polls(mailbox, 5)).toMatchObject({ problem: undefined });
    expect(await takeTold()).toEqual([]);
  });
});

describe('pollWatch', () => {
  it('concludes no absence from a listing with a page missing', async () => {
    const mailbox = await polledMailbox(150);
    purge(mailbox.ids.slice(0, 1));
    await polls(mailbox, 2);
    loseAPage(2);
    expect(await polls(mailbox, 1)).toMatchObject({ isComplete: false, problem: { cause: 'server_fault' } });
    expect(await takeTold()).toEqual([]);
    expect(await toldBy(mailbox, 1)).toEqual([`transfer.unlisted ${mailbox.ids[0]}`]);
  });

  it('concludes no absence from a listing with malformed rows', async () => {
    const mailbox = await polledMailbox(3);
    const status = { state: 'ACTIVE' };
    listWith([{ trackingId: mailbox.ids[1], status }, { status }], { times: 4, page: 1 });
    expect(await polls(mailbox, 4)).toMatchObject({ isComplete: true, problem: { cause: 'malformed_rows' } });
    expect(await takeTold()).toEqual([]);
  });

  it('neither ends nor counts a sudden absence by a listing with a page missing', async () => {
    const mailbox = await polledMailbox(30);
    purge(mailbox.ids);
    await polls(mailbox, 9);
    restore(mailbox.ids);
    loseAPage(1);
    await polls(mailbox, 1);
    world.cryptshare.faults.clear();
    purge(mailbox.ids);
    world.clock.advance(25 * hour);
    expect(await toldBy(mailbox, 2)).toEqual([]);
    expect(await toldBy(mailbox, 1)).toHaveLength(30);
  });

  it('believes the state of a transfer that the server still knows by its tracking id, and not that it is gone', async () => {
    const mailbox = await polledMailbox(3);
    const others = mailbox.ids.slice(1).map((trackingId) => ({ trackingId, status: { state: 'ACTIVE' } }));
    listWith(others, { times: 7 });
    expect(await toldBy(mailbox, 4)).toEqual([]);
    world.cryptshare.transfers.setState(mailbox.ids[0]!, 'DELETED_BY_ADMIN');
    expect(await toldBy(mailbox, 3)).toEqual([`transfer.deleted_by_admin ${mailbox.ids[0]}`]);
  });

  it.each([
    ['cannot answer', faultAnswers.serverError],
    ['has no such endpoint', { kind: 'response', status: 404, body: '{"errorCode":1006}' }],
  ] as const)(
    'does not believe that a transfer is gone while the status request fails: the server %s',
    async (_, answer) => {
      const mailbox = await polledMailbox(3);
      purge(mailbox.ids.slice(0, 1));
      await polls(mailbox, 2);
      world.cryptshare.faults.inject({ path: mailbox.ids[0]!, times: 6, answer });
      expect((await polls(mailbox, 2)).problem).toBeDefined();
      expect(await takeTold()).toEqual([]);
      world.cryptshare.faults.clear();
      expect(await toldBy(mailbox, 1)).toEqual([`transfer.unlisted ${mailbox.ids[0]}`]);
    },
  );
});
