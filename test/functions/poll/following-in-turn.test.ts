import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TransferEvent } from '#functions/events/transfer-event.ts';
import { pollOnDemand } from '#functions/poll/on-demand-poll.ts';
import { followable } from '#functions/transfers/follow.ts';
import { forgottenAt } from '#functions/watches/polled-watches.ts';
import {
  day,
  deps,
  hour,
  mailboxOf,
  minute,
  now,
  pollAfter,
  pollWith,
  registry,
  startShards,
  startShardWorld,
  world,
} from '#test/support/shard-world.ts';

beforeAll(startShardWorld);
beforeEach(async () => {
  const end = await startShards();
  pollWith({ schedule: { ...deps.schedule, pollIntervalMs: hour, fullListingEvery: 10 } });
  return end;
});

const to = ['bob@example.com', 'carol@example.com'] as const;
const events = async () => (await world.takeEvents()).map(({ event }) => event as TransferEvent);
const types = async () => (await events()).map(({ type }) => type);

/** A watch that is polled daily, of 400 transfers that have ended and some active ones. */
async function registered(name: string, follow?: typeof followable) {
  const watch = world.watch(mailboxOf(name));
  const { transfers } = world.cryptshare;
  transfers.seed({ sender: watch.mailbox, to: [...to], count: 400, state: 'DELETED_BY_ADMIN' });
  const active = transfers.seed({ sender: watch.mailbox, to: [...to], count: 3, state: 'ACTIVE' });
  const add = () => registry().addAll([{ ...watch, pollIntervalMs: day, ...(follow && { follow }) }], false, now());
  await add();
  await pollAfter(minute);
  await pollAfter(2 * day);
  await events();
  return { watch, trackingId: active[0]!.trackingId, transfers, add };
}

describe('a followed watch whose full listings alternate with active ones', () => {
  it('tells what is fetched after the first poll since following began', async () => {
    const { watch, trackingId, transfers } = await registered('begun');
    await registry().configure((await registry().find(watch))!, { follow: followable }, now());
    expect((await pollAfter(minute)).polls).toHaveLength(1);
    transfers.download(trackingId, to[0]);
    for (let n = 0; n < 3; n += 1) await pollAfter(day);
    expect(await types()).toEqual(['transfer.downloaded']);
  });

  it('tells an on-demand poll what was fetched while the watch was paused', async () => {
    const { watch, trackingId, transfers } = await registered('paused', followable);
    await registry().pause(watch);
    transfers.download(trackingId, to[0]);
    await pollOnDemand(deps, watch, world.clock.steady() + 50_000);
    expect(await types()).toEqual(['transfer.downloaded']);
  });

  it('gives another fetch another id after the watch was forgotten and added again (P12)', async () => {
    const { watch, trackingId, transfers, add } = await registered('again', followable);
    transfers.download(trackingId, to[0]);
    for (let n = 0; n < 2; n += 1) await pollAfter(day);
    const [first] = await events();
    await registry().remove(watch, forgottenAt);
    await pollAfter(minute);
    await add();
    await pollAfter(minute);
    expect(await types()).toEqual([]);
    transfers.download(trackingId, to[1]);
    for (let n = 0; n < 2; n += 1) await pollAfter(day);
    const [second] = await events();
    expect([first!.data.recipient, second!.data.recipient]).toEqual([1, 2]);
    expect(second!.id).not.toBe(first!.id);
  });
});
