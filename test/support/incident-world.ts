import { ServerCalls } from '#functions/cryptshare/api-calls.ts';
import type { TokenSource } from '#functions/cryptshare/carried-tokens.ts';
import { CryptshareClient } from '#functions/cryptshare/client.ts';
import { CryptshareFailure, type FailureCause } from '#functions/cryptshare/failure.ts';
import type { IncidentEvent } from '#functions/events/transfer-event.ts';
import { pollShard } from '#functions/poll/poll-shard.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { Watches } from '#functions/watches/watches.ts';
import { createTransfersTable } from '#infra/local/services/embedded-services.ts';
import type { FaultPlan } from './aws-faults.ts';
import { clientId, given, pollBudget, startWorld, token, type World, type WorldDependencies } from './poll-world.ts';

export const minute = 60_000;
export const hour = 60 * minute;

/** Watches of a table of their own, polled in shards, whose mailboxes fail as a test has it. */
export class IncidentWorld {
  readonly world: World;
  deps: WorldDependencies;
  private tables = 0;
  /** Why mailboxes cannot be listed; the others can. */
  private readonly problems = new Map<string, FailureCause>();

  private constructor(world: World) {
    this.world = world;
    this.deps = world.deps;
  }

  static start = async (): Promise<IncidentWorld> => new IncidentWorld(await startWorld());

  /** Begins anew, with as many shards. */
  async reset(shards: number): Promise<void> {
    const { world, problems } = this;
    this.tables += 1;
    problems.clear();
    const { now, steady } = world.clock;
    const sleep = async (milliseconds: number) => world.clock.advance(milliseconds);
    const origin = world.cryptshare.url;
    const calls = new ServerCalls({ origin, clientId, maxConcurrentPages: 4, now, steady, random: () => 0.5, sleep });
    const tokens: TokenSource = {
      ...given(token),
      async tokenFor(mailbox) {
        const cause = problems.get(mailbox);
        if (cause) throw new CryptshareFailure(cause);
        return token;
      },
    };
    this.deps = {
      ...world.depsOn(`incidents-${this.tables}`),
      server: new CryptshareClient(calls, tokens),
      schedule: { shards, pollIntervalMs: minute, fullListingEvery: 1 },
    };
    await createTransfersTable(this.deps.dynamo, this.deps.table);
    await this.told();
  }

  get registry(): Watches {
    return new Watches(this.deps.dynamo, this.deps.table);
  }

  watchesOf(count: number): Watch[] {
    return Array.from({ length: count }, (_, index) =>
      this.world.watch(`m${String(index).padStart(3, '0')}@example.com`),
    );
  }

  declare(watches: readonly Watch[]): Promise<void> {
    return this.registry.declare(watches, false, this.world.clock.now().toISOString());
  }

  fail(watches: readonly Watch[], cause: FailureCause = 'not_verified'): void {
    for (const { mailbox } of watches) this.problems.set(mailbox, cause);
  }

  mend(watches: readonly Watch[]): void {
    for (const { mailbox } of watches) this.problems.delete(mailbox);
  }

  /** Has a shard tick now. */
  tick(shard = 0, plan?: FaultPlan) {
    const now = this.world.clock.now().getTime();
    const at = new Date(now).toISOString();
    const polled = () => pollShard(this.deps, { shard, at }, now + pollBudget, () => {});
    return plan ? this.world.faults.run(plan, polled) : polled();
  }

  /** Has the shards tick in turns, each once a minute. */
  async pass(minutes: number): Promise<void> {
    const { shards } = this.deps.schedule;
    for (let index = 0; index < minutes * shards; index += 1) {
      this.world.clock.advance(minute / shards);
      await this.tick(index % shards);
    }
  }

  /** What was told since the last call: events, with the number of watches if they tell it, and subjects of notices. */
  async told() {
    const events = (await this.world.takeEvents()).map(({ event }) => {
      const { watches } = event.data as IncidentEvent['data'];
      return watches === undefined ? event.type : `${event.type} ${watches}`;
    });
    return { events, notices: (await this.world.takeNotices()).map(({ subject }) => subject) };
  }
}
