import { CryptshareClient, type Pass, type Scope } from '#functions/cryptshare/client.ts';
import type { TransferEvent } from '#functions/events/transfer-event.ts';
import type { PollResult } from '#functions/poll/poll-result.ts';
import { pollWatch } from '#functions/poll/poll-watch.ts';
import { isListed } from '#functions/snapshot/diff.ts';
import { Snapshot } from '#functions/snapshot/snapshot.ts';
import type { FollowingWatch } from '#functions/transfers/follow.ts';
import type { RegisteredWatch } from '#functions/watches/polled-watches.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import type { Judged } from '#test/support/follow-judgement.ts';
import { FollowedLives } from '#test/support/followed-life.ts';
import { newMailbox, resetServer, world } from '#test/support/mailbox-world.ts';
import type { FaultyPoll, Happening, History } from './history.ts';

/** Account of a history. */
export interface Account {
  /** Every state that a transfer ever had, in order, and whether it is purged at the end. */
  readonly truth: ReadonlyMap<string, { readonly states: readonly string[]; isPurged: boolean; wasPurged: boolean }>;
  /** The complete listings, in the order in which they ended. */
  readonly listings: readonly ReadonlyMap<string, string>[];
  /** The same, and those of the active transfers alone. */
  readonly passes: readonly ReadonlyMap<string, string>[];
  /** Every event as it was published, repetitions included. */
  readonly published: readonly { readonly body: string; readonly event: TransferEvent }[];
  /** The states that were stored without an event. */
  readonly baseline: ReadonlyMap<string, string>;
  /** Those of them that were unlisted again, without an event either, before the baseline was complete. */
  readonly goneBeforeBaseline: ReadonlySet<string>;
  /** The state of each listed transfer in the snapshot at the end. */
  readonly snapshot: ReadonlyMap<string, string>;
  /** Events that rows of the snapshot hold as not published, at the end. */
  readonly pending: number;
  /** The polls after the last fault. */
  readonly calmPolls: readonly PollResult[];
  readonly watch: FollowingWatch;
  /** The life of each transfer, as far as the watch follows it. */
  readonly lives: ReadonlyMap<string, Judged>;
  /** Calls to AWS of the last poll, and what was published by it. */
  readonly lastPoll: { readonly calls: readonly string[]; readonly published: number };
}

/** Keeps the states that each pass has seen. */
class WatchedClient extends CryptshareClient {
  readonly listings: ReadonlyMap<string, string>[] = [];
  readonly passes: ReadonlyMap<string, string>[] = [];

  override async list(...args: Parameters<CryptshareClient['list']>): Promise<Pass> {
    const pass = await super.list(...args);
    if (pass.failure) return pass;
    const seen = pass.listing.in(new Set([0]), 0);
    this.passes.push(seen);
    if (pass.scope === 'all') this.listings.push(seen);
    return pass;
  }
}

/** Lives through a history with a mailbox of its own. */
export async function live({ direction, order, seeded, archived, steps, ...settings }: History): Promise<Account> {
  resetServer();
  const { transfers, faults, switches } = world.cryptshare;
  // Pages small enough that a mailbox of a few transfers has several.
  Object.assign(switches, { order, finalStatesChange: true, maximumPageSize: 10 });
  const { watch: plain, people, ids: active } = newMailbox(seeded, direction);
  const watch: RegisteredWatch = { ...plain, ...settings };
  const lives = new FollowedLives(world.cryptshare, watch);
  const truth = new Map<string, { states: string[]; isPurged: boolean; wasPurged: boolean }>();
  const remember = (trackingId: string, first: string) => {
    truth.set(trackingId, { states: [first], isPurged: false, wasPurged: false });
    lives.record(trackingId);
  };
  for (const trackingId of active) remember(trackingId, 'ACTIVE');
  const archive = new Set<string>();
  for (const { trackingId } of transfers.seed({ ...people, count: archived, state: 'DELETED_BY_EXPIRATION' })) {
    archive.add(trackingId);
    remember(trackingId, 'DELETED_BY_EXPIRATION');
  }

  const happen = (what: Happening): void => {
    if (what.kind === 'create') {
      remember(transfers.create({ ...people, cc: ['carol@example.net'], files: 2 }).trackingId, 'PROCESSING');
      return;
    }
    const ids = [...truth.keys()].filter((id) => !archive.has(id));
    const trackingId = ids[what.pick % ids.length];
    if (trackingId === undefined) return;
    const known = truth.get(trackingId)!;
    if (what.kind === 'change' || what.kind === 'revive') {
      const hasEnded = /^(FAILED|DELETED)/.test(known.states.at(-1)!);
      if (known.isPurged || hasEnded !== (what.kind === 'revive')) return;
      const state = what.kind === 'revive' ? 'ACTIVE' : what.state;
      transfers.setState(trackingId, state);
      if (known.states.at(-1) !== state) known.states.push(state);
      lives.record(trackingId);
    } else if (what.kind !== 'purge' && what.kind !== 'restore') lives.happen(trackingId, what);
    else {
      known.isPurged = what.kind === 'purge';
      known.wasPurged ||= known.isPurged;
      transfers[what.kind](trackingId);
      lives.record(trackingId);
    }
  };

  let drifting: FaultyPoll['drift'] = [];
  world.setDrift((page) => {
    const now = drifting.filter((drift) => drift.page === page);
    drifting = drifting.filter((drift) => drift.page !== page);
    for (const drift of now) happen(drift.happening);
  });

  // Each process has a client of its own; all share the account of what was seen.
  const server = world.client({}, WatchedClient) as WatchedClient;
  const deps = { ...world.deps, server };
  const snapshot = new Snapshot(deps.dynamo, deps.table, watch);
  const everyRow = async () => {
    const { bits } = await snapshot.readRoot();
    const rows = await snapshot.readBuckets(new Set(Array.from({ length: 2 ** bits }, (_, bucket) => bucket)), bits);
    return [...rows.values()];
  };
  const baseline = new Map<string, string>();
  const goneBeforeBaseline = new Set<string>();
  let isBaselineStored = false;
  const hasFacts = new Map<string, boolean>();
  /** When the facts of a transfer were last stored without news. */
  const silentUntil = new Map<string, number>();
  const run = async (plan: FaultPlan, scope: Scope): Promise<PollResult | undefined> => {
    const mayBeBaseline = !isBaselineStored;
    const result = await world.faults
      .run(plan, () => pollWatch(deps, watch, world.terms({ scope })))
      .catch(() => undefined);
    const stored = await everyRow();
    for (const { trackingId, followed, sequence } of stored) {
      // An interrupted baseline is silent about all that happens until it is complete.
      const isNew = mayBeBaseline ? sequence === 0 : !(hasFacts.get(trackingId) ?? sequence > 0);
      if (followed && isNew) silentUntil.set(trackingId, world.cryptshare.clock.now());
      hasFacts.set(trackingId, followed !== undefined);
    }
    isBaselineStored ||= (await snapshot.readRoot()).baselineAt !== undefined;
    // Two polls that overlap may both take themselves for the first one, and both store silently what they see.
    if (mayBeBaseline && isBaselineStored) {
      for (const row of stored) {
        if (row.sequence > 0 || baseline.has(row.trackingId)) continue;
        baseline.set(row.trackingId, row.state);
        if (!isListed(row)) goneBeforeBaseline.add(row.trackingId);
      }
    }
    return result;
  };
  const pollOnce = async ({ scope, aws, server: serverFaults, drift }: FaultyPoll) => {
    for (const fault of serverFaults) faults.inject({ path: encodeURIComponent(watch.mailbox), ...fault });
    drifting = drift;
    await run(new FaultPlan(aws), scope);
    faults.clear();
    drifting = [];
  };

  for (const step of steps) {
    world.clock.advance(step.kind === 'poll' ? step.after : 1_000);
    if (step.kind === 'poll') await pollOnce(step);
    else if (step.kind === 'overlap') {
      const plan = new FaultPlan([[step.heldAt, 'pause']]);
      const held = run(plan, step.scope);
      await Promise.race([plan.reachedPause, held]);
      for (const inner of step.inside) {
        if (inner.kind === 'poll') await pollOnce(inner);
        else happen(inner);
      }
      plan.resume();
      await held;
    } else happen(step);
  }

  // Long enough for every earlier poll to be over for good.
  world.clock.advance(10 * 60_000);
  const calmPolls: PollResult[] = [];
  const published = (await world.takeEvents()) as { body: string; event: TransferEvent }[];
  let calls: readonly string[] = [];
  let lastPublished = 0;
  // Sudden absences are believed after ten listings and a day, a third return after eight listings.
  for (let round = 0; round < 40; round += 1) {
    world.clock.advance(3 * 3_600_000);
    const plan = new FaultPlan();
    const result = await run(plan, 'all');
    if (!result) throw new Error('a poll without any fault failed');
    calmPolls.push(result);
    const taken = (await world.takeEvents()) as { body: string; event: TransferEvent }[];
    published.push(...taken);
    lastPublished = taken.length;
    calls = plan.calls;
    if (result.outcome === 'unchanged') break;
  }
  server.calls.close();
  const rows = (await everyRow()).filter(isListed);
  return {
    truth,
    listings: server.listings,
    passes: server.passes,
    published,
    watch,
    lives: new Map(
      [...truth].map(([trackingId, { states, isPurged }]) => {
        const endsAt = world.cryptshare.clock.now();
        const isSettled = states.at(-1) === 'ACTIVE' && !isPurged;
        const judged = { life: lives.life(trackingId), silentUntil: silentUntil.get(trackingId), isSettled, endsAt };
        return [trackingId, judged];
      }),
    ),
    baseline,
    goneBeforeBaseline,
    snapshot: new Map(rows.map((row) => [row.trackingId, row.state])),
    pending: rows.filter(({ pending }) => pending).length,
    calmPolls,
    lastPoll: { calls, published: lastPublished },
  };
}
