import { beforeAll, describe, expect, it } from 'vitest';
import { type FollowingWatch, followable } from '#functions/transfers/follow.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import { newMailbox, pollLater, startMailboxWorld, takeTransferEvents, world } from '#test/support/mailbox-world.ts';

beforeAll(startMailboxWorld);

const bob = 'bob@example.com';

/** A mailbox with a baseline that follows everything, with news of every kind, and the events that tell them. */
async function mailboxWithNews(): Promise<{ watch: FollowingWatch; expected: readonly string[] }> {
  const { watch: plain, ids } = newMailbox(4);
  const watch: FollowingWatch = { ...plain, follow: followable };
  await world.poll(watch);
  const { transfers } = world.cryptshare;
  const [fetched, overdue, troubled, ended] = ids as [string, string, string, string];
  transfers.download(fetched, bob);
  transfers.moveExpiry(overdue, new Date(world.clock.steady() + 3_600_000));
  transfers.setProblems(troubled, { senderNotNotified: true });
  transfers.download(ended, bob);
  transfers.setState(ended, 'DELETED_BY_EXPIRATION');
  const expected = [
    `${fetched} 1 transfer.downloaded`,
    `${fetched} 2 transfer.downloaded_by_all`,
    `${overdue} 1 transfer.overdue`,
    `${troubled} 1 transfer.problem`,
    `${ended} 1 transfer.downloaded`,
    `${ended} 2 transfer.downloaded_by_all`,
    `${ended} 3 transfer.deleted_by_expiration`,
  ];
  return { watch, expected: expected.toSorted() };
}

/** Polls with a plan, and then until nothing changes; returns each event once. Repetitions must have the same bytes. */
async function settle(watch: FollowingWatch, plan: FaultPlan): Promise<string[]> {
  world.clock.advance(60_000);
  await world.faults.run(plan, () => world.poll(watch)).catch(() => undefined);
  // Long enough for the interrupted poll to be over for good.
  world.clock.advance(10 * 60_000);
  for (let poll = 0; poll < 5; poll += 1) if ((await pollLater(watch)).outcome === 'unchanged') break;
  const bodies = new Map<string, string>();
  const told = new Set<string>();
  for (const { id, type, data, body } of await takeTransferEvents()) {
    expect(body).toBe(bodies.get(id) ?? body);
    bodies.set(id, body);
    told.add(`${data.trackingId} ${data.sequence} ${type}`);
  }
  expect(told.size).toBe(bodies.size);
  return [...told].toSorted();
}

describe('pollWatch of a watch that follows', () => {
  it.each(['refused', 'lost', 'crash before', 'crash after'] as const)(
    'loses and repeats no fact when any of its calls is interrupted: %s (P1, P2, P26)',
    async (kind) => {
      const { watch: calm, expected: all } = await mailboxWithNews();
      const plan = new FaultPlan();
      expect(await settle(calm, plan)).toEqual(all);
      expect(plan.calls.length).toBeGreaterThan(10);
      for (const call of plan.calls.keys()) {
        const { watch, expected } = await mailboxWithNews();
        expect(await settle(watch, new FaultPlan([[call, kind]])), `call ${call}`).toEqual(expected);
      }
    },
  );
});
