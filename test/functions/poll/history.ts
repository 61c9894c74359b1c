import fc from 'fast-check';
import { CryptshareClient, type Pass, type Scope } from '#functions/cryptshare/client.ts';
import type { TransferEvent } from '#functions/events/transfer-event.ts';
import type { PollResult } from '#functions/poll/poll-result.ts';
import { pollWatch } from '#functions/poll/poll-watch.ts';
import { isListed } from '#functions/snapshot/diff.ts';
import { Snapshot } from '#functions/snapshot/snapshot.ts';
import { sameState, type Watch } from '#functions/transfers/transfer.ts';
import type { Fault } from '#infra/simulator/faults.ts';
import { type FaultKind, FaultPlan, type PlannedFault } from '#test/support/aws-faults.ts';
import { faultAnswers } from '#test/support/fault-answers.ts';
import type { World } from '#test/support/poll-world.ts';

/** Something that happens to the server's transfers; `pick` chooses one of those there are. */
export type Happening =
  | { readonly kind: 'create' }
  | { readonly kind: 'change'; readonly pick: number; readonly state: string }
  /** A transfer that has ended is said to be active again, for good or for a moment. */
  | { readonly kind: 'revive'; readonly pick: number }
  | { readonly kind: 'purge'; readonly pick: number }
  | { readonly kind: 'restore'; readonly pick: number };

/** A poll with what goes wrong during it and what happens in the middle of its listing. */
export interface FaultyPoll {
  readonly kind: 'poll';
  /** Milliseconds since the step before, unless it happens during another poll. */
  readonly after: number;
  /** What will do, if it saves requests. */
  readonly scope: Scope;
  /** By the number of the call to AWS, or for every call of a command. */
  readonly aws: readonly PlannedFault[];
  readonly server: readonly Fault[];
  /** Happenings before the page is answered. */
  readonly drift: readonly { readonly page: number; readonly happening: Happening }[];
}

/** A poll that is held at one of its calls to AWS while other things happen, polls among them. */
export interface Overlap {
  readonly kind: 'overlap';
  readonly scope: Scope;
  readonly heldAt: number;
  readonly meanwhile: readonly (Happening | FaultyPoll)[];
}

export interface History {
  readonly direction: Watch['direction'];
  readonly order: 'newest-first' | 'shuffled';
  readonly seeded: number;
  /** Expired transfers in the server's log to which nothing happens any more. */
  readonly archived: number;
  readonly notifyExisting: boolean;
  readonly steps: readonly (Happening | FaultyPoll | Overlap)[];
}

const state = fc.constantFrom(
  'ACTIVE',
  'ACTIVE',
  'FAILED',
  'DELETED_BY_EXPIRATION',
  'DELETED_BY_REVOCATION',
  'DELETED_BY_ADMIN',
  'DELETED_BY_SECURITY',
  'Quarantined',
);
const pick = fc.nat(1000);
const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({ kind: fc.constant('create' as const) }),
  fc.record({ kind: fc.constant('change' as const), pick, state }),
  fc.record({ kind: fc.constant('revive' as const), pick }),
  fc.record({ kind: fc.constant('purge' as const), pick }),
  fc.record({ kind: fc.constant('restore' as const), pick }),
);
const awsFault = fc.oneof(
  fc.tuple(fc.nat(24), fc.constantFrom<FaultKind>('refused', 'lost', 'crash before', 'crash after')),
  fc.tuple(
    fc.constantFrom('PublishBatchCommand', 'PublishCommand', 'PutItemCommand', 'UpdateItemCommand'),
    fc.constantFrom<FaultKind>('refused', 'lost', 'crash before', 'crash after', 'partial'),
  ),
);
const serverFault: fc.Arbitrary<Fault> = fc.record({
  page: fc.integer({ min: 1, max: 4 }),
  times: fc.integer({ min: 1, max: 4 }),
  answer: fc.constantFrom<Fault['answer']>(
    faultAnswers.serverError,
    faultAnswers.badGateway,
    faultAnswers.signInPage,
    faultAnswers.tooManyRequests('2'),
    faultAnswers.tooManyRequests(),
    { kind: 'truncated' },
    { kind: 'dropped' },
  ),
});
const drift = fc.record({ page: fc.integer({ min: 1, max: 4 }), happening });
const scope = fc.constantFrom<Scope>('all', 'active', 'active');
const poll: fc.Arbitrary<FaultyPoll> = fc.record({
  kind: fc.constant('poll' as const),
  after: fc.integer({ min: 1_000, max: 60_000 }),
  scope,
  aws: fc.array(awsFault, { maxLength: 2 }),
  server: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(serverFault, { maxLength: 2 }) },
  ),
  drift: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(drift, { maxLength: 2 }) },
  ),
});
const overlap: fc.Arbitrary<Overlap> = fc.record({
  kind: fc.constant('overlap' as const),
  scope,
  heldAt: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.nat(12)),
  meanwhile: fc.array(fc.oneof(happening, poll), { minLength: 1, maxLength: 4 }),
});

/** Random histories of one mailbox. */
export const history: fc.Arbitrary<History> = fc.record({
  direction: fc.constantFrom('sent' as const, 'received' as const),
  order: fc.constantFrom('newest-first' as const, 'shuffled' as const),
  seeded: fc.oneof(fc.nat(3), fc.nat(28), fc.nat(28), fc.integer({ min: 50, max: 150 })),
  // From 100 on there are more pages of all transfers than of the active ones.
  archived: fc.constantFrom(0, 0, 0, 100),
  notifyExisting: fc.boolean(),
  steps: fc.array(
    fc.oneof({ weight: 5, arbitrary: happening }, { weight: 3, arbitrary: poll }, { weight: 2, arbitrary: overlap }),
    { minLength: 1, maxLength: 14 },
  ),
});

/** What a history has shown. */
export interface Account {
  /** Every state that a transfer ever had, in order, and whether it is purged at the end. */
  readonly truth: ReadonlyMap<string, { readonly states: readonly string[]; isPurged: boolean; wasPurged: boolean }>;
  /** The complete listings, in the order in which they ended. */
  readonly listings: readonly ReadonlyMap<string, string>[];
  /** The same, and those of the active transfers alone. */
  readonly passes: readonly ReadonlyMap<string, string>[];
  /** Every event as it was published, repetitions included. */
  readonly published: readonly { readonly body: string; readonly event: TransferEvent }[];
  readonly notices: readonly string[];
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
  /** Calls to AWS of the last poll, and what was published by it. */
  readonly lastPoll: { readonly calls: readonly string[]; readonly published: number };
}

/** Keeps what each pass has seen. */
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

let mailboxes = 0;

/** Lives through a history with a mailbox of its own and gives account of it. */
export async function live(
  world: World,
  { direction, order, seeded, archived, notifyExisting, steps }: History,
): Promise<Account> {
  mailboxes += 1;
  const mailbox = `history-${mailboxes}@example.com`;
  const watch = world.watch(mailbox, direction);
  const { transfers, faults, switches } = world.cryptshare;
  Object.assign(switches, { order, finalStatesChange: true, idleTermMs: 10 * 365 * 86_400_000 });
  const people =
    direction === 'sent' ? { sender: mailbox, to: ['bob@example.com'] } : { sender: 'bob@example.com', to: [mailbox] };
  const truth = new Map<string, { states: string[]; isPurged: boolean; wasPurged: boolean }>();
  const remember = (trackingId: string, first: string) =>
    truth.set(trackingId, { states: [first], isPurged: false, wasPurged: false });
  for (const { trackingId } of transfers.seed({ ...people, count: seeded, state: 'ACTIVE' }))
    remember(trackingId, 'ACTIVE');
  const archive = new Set<string>();
  for (const { trackingId } of transfers.seed({ ...people, count: archived, state: 'DELETED_BY_EXPIRATION' })) {
    archive.add(trackingId);
    remember(trackingId, 'DELETED_BY_EXPIRATION');
  }

  const happen = (what: Happening): void => {
    if (what.kind === 'create') {
      remember(transfers.create(people).trackingId, 'PROCESSING');
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
    } else {
      known.isPurged = what.kind === 'purge';
      known.wasPurged ||= known.isPurged;
      transfers[what.kind](trackingId);
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
  const run = async (plan: FaultPlan, scope: Scope): Promise<PollResult | undefined> => {
    const mayBeBaseline = !isBaselineStored;
    const result = await world.faults
      .run(plan, () => pollWatch(deps, watch, world.terms({ notifyExisting, scope })))
      .catch(() => undefined);
    isBaselineStored ||= (await snapshot.readRoot()).baselineAt !== undefined;
    // Two polls that overlap may both take themselves for the first one, and both store silently what they see.
    if (mayBeBaseline && isBaselineStored) {
      for (const row of await everyRow()) {
        if (row.sequence > 0 || baseline.has(row.trackingId)) continue;
        baseline.set(row.trackingId, row.state);
        if (!isListed(row)) goneBeforeBaseline.add(row.trackingId);
      }
    }
    return result;
  };
  const pollOnce = async ({ scope, aws, server: serverFaults, drift }: FaultyPoll) => {
    for (const fault of serverFaults) faults.inject({ path: encodeURIComponent(mailbox), ...fault });
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
      for (const inner of step.meanwhile) {
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
  server.close();
  const notices = (await world.takeNotices()).map(({ text }) => text);
  const rows = (await everyRow()).filter(isListed);
  return {
    truth,
    listings: server.listings,
    passes: server.passes,
    published,
    notices,
    baseline,
    goneBeforeBaseline,
    snapshot: new Map(rows.map((row) => [row.trackingId, row.state])),
    pending: rows.filter(({ pending }) => pending).length,
    calmPolls,
    lastPoll: { calls, published: lastPublished },
  };
}

/** The events of each transfer, without repetitions, in the order of their sequence. */
export function chronicles({ published }: Account): Map<string, TransferEvent[]> {
  const byId = new Map(published.map(({ event }) => [event.id, event]));
  const events = Map.groupBy(byId.values(), (event) => event.data.trackingId);
  for (const chronicle of events.values()) chronicle.sort((a, b) => a.data.sequence - b.data.sequence);
  return events;
}

/** Whether `part` can be had from `whole` by leaving out elements. */
export function isSubsequence(part: readonly string[], whole: readonly string[]): boolean {
  let at = 0;
  for (const element of whole) if (at < part.length && sameState(part[at]!, element)) at += 1;
  return at === part.length;
}
