import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CryptshareClient } from '#functions/cryptshare/client.ts';
import { CryptshareFailure, type FailureCause } from '#functions/cryptshare/failure.ts';
import type { TokenSource } from '#functions/cryptshare/tokens.ts';
import type { IncidentEvent } from '#functions/events/transfer-event.ts';
import { pollOnDemand } from '#functions/poll/on-demand-poll.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { placeOf } from '#functions/watches/places.ts';
import { type FaultKind, FaultPlan, faultsAt } from '#test/support/aws-faults.ts';
import { given, pollBudget, token } from '#test/support/poll-world.ts';
import {
  day,
  declare,
  deps,
  minute,
  now,
  pollAfter,
  pollWith,
  registry,
  startShards,
  startShardWorld,
  world,
} from '#test/support/shard-world.ts';

/** Causes for which mailboxes cannot be listed; the others can. */
const problems = new Map<string, FailureCause>();

beforeAll(startShardWorld);
beforeEach(async () => {
  const end = await startShards();
  problems.clear();
  const tokens: TokenSource = {
    ...given(token),
    async tokenFor(mailbox) {
      const cause = problems.get(mailbox);
      if (cause) throw new CryptshareFailure(cause);
      return token;
    },
  };
  const server = new CryptshareClient(world.client().calls, tokens);
  pollWith({ server, schedule: { ...deps.schedule, pollIntervalMs: minute, shards: 3 } });
  return end;
});

async function declareWatches(count: number): Promise<Watch[]> {
  const watches = Array.from({ length: count }, (_, number) =>
    world.watch(`m${String(number).padStart(3, '0')}@example.com`),
  );
  await registry().declare(watches, false, now());
  return watches;
}
function fail(watches: readonly Watch[], cause: FailureCause = 'not_verified'): void {
  for (const { mailbox } of watches) problems.set(mailbox, cause);
}
const mend = () => problems.clear();

/** Has the shards tick in turns, each once a minute. */
async function pass(minutes: number): Promise<void> {
  const { shards } = deps.schedule;
  for (let turn = 0; turn < minutes * shards; turn += 1) await pollAfter(minute / shards, { shard: turn % shards });
}

/** Takes the types of events, with the number of watches if they tell it. */
async function takeTypes(): Promise<string[]> {
  return (await world.takeEvents()).map(({ event }) => {
    const { watches } = event.data as IncidentEvent['data'];
    return watches === undefined ? event.type : `${event.type} ${watches}`;
  });
}

describe('Incidents', () => {
  it('tells operators once of watches that fail in several shards, with number, examples and remedy (P19)', async () => {
    fail(await declareWatches(60));
    await pass(3);
    const [failing, ...others] = await world.takeEvents();
    expect(others).toEqual([]);
    expect(failing?.attributes).toEqual({ type: 'watch.many_failing' });
    expect(failing?.event.data).toMatchObject({
      cause: 'not_verified',
      message: expect.stringContaining('have an administrator register the client id'),
      ...{ watches: 60, mailboxes: 60, examples: ['m000@example.com', 'm001@example.com', 'm002@example.com'] },
    });
  });

  it('counts an unreachable, a silent and a faulty server as one cause, and a refusal as another', async () => {
    const watches = await declareWatches(12);
    fail(watches.slice(0, 3), 'unreachable');
    fail(watches.slice(3, 5), 'timeout');
    fail(watches.slice(5, 9), 'server_fault');
    fail(watches.slice(9), 'forbidden');
    await pass(6);
    expect((await takeTypes()).toSorted()).toEqual(['watch.many_failing 3', 'watch.many_failing 9']);
  });

  it('tells the end when the last failing watch is paused or removed', async () => {
    const watches = await declareWatches(2);
    fail(watches);
    await pass(5);
    await registry().pause(watches[0]!);
    await registry().remove(watches[1]!, now());
    await pass(10);
    expect(await takeTypes()).toEqual(['watch.many_failing 2', 'watch.many_recovered 2']);
  });

  it('tells the end though a shard that no longer exists has ticked', async () => {
    // The first of two shards has these watches.
    const isWanted = (watch: Watch) => placeOf(watch) >> 24 >= 0x10 && placeOf(watch) >> 24 <= 0x17;
    pollWith({ schedule: { ...deps.schedule, shards: 2 } });
    fail(await declare(3, { isWanted }));
    await pass(10);
    // The schedule of a third shard is deleted at the end of a deployment: its ticks come until then.
    await pollAfter(0, { shard: 2 });
    mend();
    await pass(30);
    expect(await takeTypes()).toEqual(['watch.many_failing 3', 'watch.many_recovered 3']);
  });

  it('makes two reads at a tick without news', async () => {
    fail(await declareWatches(6));
    await pass(5);
    await pollAfter(0);
    const plan = new FaultPlan();
    await world.faults.run(plan, () => pollAfter(0));
    expect(plan.calls).toEqual(['QueryCommand', 'QueryCommand']);
  });

  it('tells operators once though shards find the incident at the same time', async () => {
    fail(await declareWatches(12));
    for (let round = 0; round < 4; round += 1) {
      world.clock.advance(minute);
      await Promise.all([0, 1, 2].map((shard) => pollAfter(0, { shard })));
    }
    expect(await takeTypes()).toEqual(['watch.many_failing 12']);
  });

  it('has all watches polled at the next tick whose cause a poll finds mended', async () => {
    const watches = await declareWatches(12);
    pollWith({ schedule: { ...deps.schedule, shards: 1, pollIntervalMs: day } });
    fail(watches);
    await pass(60);
    expect(await takeTypes()).toEqual(['watch.many_failing 12']);
    mend();
    const [first] = await pollOnDemand(deps, watches[0]!, world.clock.now().getTime() + pollBudget);
    expect(first?.problem).toBeUndefined();
    expect((await pollAfter(1000)).polls.map(({ problem }) => problem)).toEqual(Array(11).fill(undefined));
    expect((await pollAfter(minute)).polls).toEqual([]);
  });

  describe('a call that goes wrong', () => {
    // The call with number 13 removes the published events from the incident.
    const commands = ['PutItemCommand', 'PublishBatchCommand', 'UpdateItemCommand', 13];
    const kinds: readonly FaultKind[][] = [
      ['refused', 'crash before'],
      ['lost', 'crash after'],
    ];
    const hits = faultsAt(commands.length, kinds).flatMap(({ call, kind: each }) =>
      each.map((kind) => ({ command: commands[call]!, kind })),
    );
    it.each(hits)(
      'loses neither beginning nor end, and repeats them under the same id only: call $command, $kind',
      async ({ command, kind }) => {
        const watches = await declareWatches(4);
        pollWith({ schedule: { ...deps.schedule, shards: 1 } });
        const hit = () =>
          world.faults.run(new FaultPlan([[command, kind]]), () => pollAfter(minute)).catch(() => undefined);
        fail(watches);
        await pass(2);
        // This tick tells the incident, after the third poll of each watch.
        await hit();
        await pass(3);
        mend();
        await pass(6);
        await hit();
        await pass(4);

        const events = await world.takeEvents();
        expect(new Set(events.map(({ event }) => event.type))).toEqual(
          new Set(['watch.many_failing', 'watch.many_recovered']),
        );
        expect(new Set(events.map(({ body }) => body)).size).toBe(2);
      },
    );
  });
});
