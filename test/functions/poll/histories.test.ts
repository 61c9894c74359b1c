import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { TransferEvent } from '#functions/events/transfer-event.ts';
import { isFinal, sameState } from '#functions/transfers/transfer.ts';
import { complaintsAbout } from '#test/support/follow-judgement.ts';
import { startMailboxWorld } from '#test/support/mailbox-world.ts';
import { addSubscribers, expectTrueExplanations } from './explained-account.ts';
import { history } from './history.ts';
import { type Account, live } from './history-life.ts';

/** Histories per run; the long run tries more. */
const runs = Number(process.env.HISTORIES ?? 8);
/** Milliseconds that a history may take on the slowest of machines: the number of histories is what bounds the search. */
const patience = 60_000;
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

const followedTypes = /^transfer\.(?:downloaded|downloaded_by_all|overdue|problem|problem_resolved)$/;

beforeAll(async () => {
  const stop = await startMailboxWorld();
  await addSubscribers();
  return stop;
});

describe('pollWatch', () => {
  it(`loses nothing, invents nothing and can be explained in random histories (${runs} histories, SEED=${seed}) (P1, P2, P3, P4)`, {
    timeout: runs * patience,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(history, async (past) => {
        const account = await live(past);
        expectRepetitionsToShareIdAndBytes(account);
        expectSequencesWithoutGap(account);
        expectNoInventedEvent(account);
        expectNothingLost(account);
        expectFollowedFacts(account);
        expectSilenceAtTheEnd(account);
        await expectTrueExplanations(account);
      }),
      { numRuns: runs, seed, endOnFailure: true },
    );
  });
});

function expectRepetitionsToShareIdAndBytes({ published }: Account): void {
  const bodies = new Map<string, string>();
  const ids = new Map<string, string>();
  for (const { body, event } of published) {
    expect(body).toBe(bodies.get(event.id) ?? body);
    bodies.set(event.id, body);
    const fact = `${event.data.trackingId} ${event.data.sequence}`;
    expect(event.id).toBe(ids.get(fact) ?? event.id);
    ids.set(fact, event.id);
  }
}

function expectSequencesWithoutGap(account: Account): void {
  for (const [trackingId, events] of chronicles(account)) {
    expect(events.map((event) => event.data.sequence)).toEqual(events.map((_, index) => index + 1));
    for (const [index, { data }] of events.entries()) {
      const before = index === 0 ? (account.baseline.get(trackingId) ?? null) : events[index - 1]!.data.state;
      expect(data.previousState).toBe(before);
    }
  }
}

function expectNoInventedEvent(account: Account): void {
  for (const [trackingId, events] of chronicles(account)) {
    const known = account.truth.get(trackingId);
    expect(known).toBeDefined();
    const ofStates = events.filter(({ type }) => !followedTypes.test(type));
    const changes = ofStates.filter(({ type }) => type !== 'transfer.unlisted' && type !== 'transfer.listed_again');
    for (const { data } of changes) expect(data.state).not.toBe(data.previousState);
    const told = changes.map(({ data }) => data.state);
    expect(isSubsequence(told, known!.states), `${told} of ${known!.states}`).toBe(true);
    if (changes.length < ofStates.length) {
      expect(known!.wasPurged).toBe(true);
      expect(longestAbsence(account, trackingId)).toBeGreaterThanOrEqual(3);
    }
    for (const [index, { type, data }] of events.entries()) {
      // The event after an unlisting takes it back.
      expect(type === 'transfer.listed_again').toBe(events[index - 1]?.type === 'transfer.unlisted');
      const { previousState, state } = data;
      if (previousState === null || sameState(previousState, state) || !isFinal(previousState)) continue;
      const witnesses = account.passes.filter((pass) => sameState(pass.get(trackingId) ?? '', state));
      expect(witnesses.length, `${trackingId} returned`).toBeGreaterThanOrEqual(2);
    }
  }
}

/** The most complete listings in a row that lacked a transfer. */
function longestAbsence({ listings }: Account, trackingId: string): number {
  let longest = 0;
  let current = 0;
  for (const listing of listings) {
    current = listing.has(trackingId) ? 0 : current + 1;
    longest = Math.max(longest, current);
  }
  return longest;
}

function expectNothingLost(account: Account): void {
  const events = chronicles(account);
  for (const [trackingId, { states, isPurged }] of account.truth) {
    const now = states.at(-1)!;
    const last = events.get(trackingId)?.at(-1);
    const told = last?.data.state ?? account.baseline.get(trackingId);
    if (isPurged) {
      expect(account.snapshot.has(trackingId)).toBe(false);
      const wasNeverTold = last === undefined && account.goneBeforeBaseline.has(trackingId);
      if (told !== undefined && !wasNeverTold) expect(last?.type).toBe('transfer.unlisted');
    } else {
      const isNow = (state: string | undefined) => state !== undefined && sameState(state, now);
      expect(told, `${trackingId} is ${now}`).toSatisfy(isNow);
      expect(account.snapshot.get(trackingId)).toSatisfy(isNow);
    }
  }
}

function expectFollowedFacts(account: Account): void {
  const events = chronicles(account);
  for (const [trackingId, judged] of account.lives) {
    expect(complaintsAbout(judged, events.get(trackingId) ?? [], account.watch), trackingId).toEqual([]);
  }
}

function expectSilenceAtTheEnd({ calmPolls, lastPoll, pending }: Account): void {
  expect(pending).toBe(0);
  const last = calmPolls.at(-1)!;
  expect(last).toMatchObject({ outcome: 'unchanged', problem: undefined, units: { write: 0 } });
  expect(lastPoll).toEqual({ calls: ['QueryCommand'], published: 0 });
}

/** The events of each transfer, without repetitions, in the order of their sequence. */
function chronicles({ published }: Account): Map<string, TransferEvent[]> {
  const byId = new Map(published.map(({ event }) => [event.id, event]));
  const events = Map.groupBy(byId.values(), (event) => event.data.trackingId);
  for (const chronicle of events.values()) chronicle.sort((a, b) => a.data.sequence - b.data.sequence);
  return events;
}

/** True when `part` is `whole` without some elements. */
function isSubsequence(part: readonly string[], whole: readonly string[]): boolean {
  let at = 0;
  for (const element of whole) if (at < part.length && sameState(part[at]!, element)) at += 1;
  return at === part.length;
}
