import type { Deadline } from '#functions/clock/instants.ts';
import type { ShardProgress } from '#functions/watches/shard-row.ts';
import type { HeldShard, ShardView } from '#functions/watches/shard-rows.ts';
import type { PollDependencies } from './dependencies.ts';

/** Milliseconds for which a write sent just before a poll's deadline may still take effect. */
export const writeGraceMs = 15_000;

/** Unix time in milliseconds after which a poll with this deadline writes nothing. */
export const lastWriteAt = ({ now, steady }: Pick<PollDependencies, 'now' | 'steady'>, deadline: Deadline): number =>
  now().getTime() + (deadline - steady()) + writeGraceMs;

interface ShardLease {
  readonly held: HeldShard;
  /** The shard as it was read before its lease was taken. */
  readonly view: ShardView;
  /** Unix time in milliseconds; verifications that failed before it may be tried again. */
  readonly forgiveSince: number;
  /** Progress to store at the release. A poll of a single watch has none, because it knows nothing of the others. */
  readonly progress?: () => ShardProgress | undefined;
}

/** Polls under a shard's lease and releases it. After an error it expires: requests in flight may still write. */
export async function withShardLease<T>(
  deps: PollDependencies,
  { held, view, forgiveSince, progress }: ShardLease,
  poll: (deps: PollDependencies) => Promise<T>,
): Promise<T> {
  const { calls } = deps.server;
  calls.restore(view.circuit);
  deps.tokens.forgive(forgiveSince);
  calls.slots.share(held.name, held.slots);
  const result = await poll(deps).finally(() => calls.slots.endShare(held.name));
  const { circuit } = calls;
  const isNews = circuit.faults !== view.circuit.faults || circuit.openUntil !== view.circuit.openUntil;
  // A failure does no harm: the lease expires, and the next poll finds out how the server is doing.
  await Promise.all([
    deps.shardRows.release(held, progress?.()),
    isNews ? deps.shardRows.keepCircuit(deps.origin, circuit, deps.now().getTime()) : undefined,
  ]).catch(() => undefined);
  return result;
}
