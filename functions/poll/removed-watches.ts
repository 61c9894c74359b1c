import { type Deadline, hasBeen } from '#functions/clock/instants.ts';
import { forgottenAt, type RegisteredWatch } from '#functions/watches/polled-watches.ts';
import type { Term } from '#functions/watches/shard-row.ts';
import type { PollDependencies } from './dependencies.ts';
import { writeGraceMs } from './shard-lease.ts';

/** Rows deleted in a tick: half of the 1,000 writes that DynamoDB takes from a partition in a second. */
const rowsPerTick = 500;

/** The removed watch whose snapshot is deleted next. Until then, adding it again undoes a removal by mistake. */
export function expiredWatch(removed: readonly RegisteredWatch[], now: number, keptForMs: number) {
  const isOver = (at: string) => at === forgottenAt || now - Date.parse(at) >= keptForMs;
  const expired = removed.filter(({ isDisabled, removedAt = '' }) => isDisabled && isOver(removedAt));
  return expired.toSorted((a, b) => (a.removedAt! < b.removedAt! ? -1 : 1))[0];
}

/**
 * Deletes rows of a removed watch's snapshot, and the watch once none are left. Only the holder of its shard's lease
 * calls it. Deleting is final, so the server's clock must agree that the time has come. The snapshot is claimed as by a
 * poll and loses its baseline. So a watch that an operator adds again begins anew, and nothing that its poll writes is
 * deleted. After an interruption anywhere, the next tick goes on. Returns a warning if something failed.
 */
export async function deleteExpired(deps: PollDependencies, watch: RegisteredWatch, term: Term, deadline: Deadline) {
  const { watches, snapshotOf, keptForMs, now, steady } = deps;
  const { calls } = deps.server;
  const isInTime = () =>
    steady() < deadline && now().getTime() < term.until - writeGraceMs && hasBeen(term.since, now().getTime());
  const isExpired = () => expiredWatch([watch], calls.datedAt, keptForMs) !== undefined;
  try {
    if (!isExpired()) await calls.send({ path: '/status', minimumMinor: undefined }, deadline);
    if (!isExpired()) return undefined;
    const snapshot = snapshotOf(watch);
    const root = await snapshot.readRoot();
    // A person waits until a watch is forgotten.
    const most = watch.removedAt === forgottenAt ? 10 * rowsPerTick : rowsPerTick;
    const rev = root.rev === 0 ? undefined : await snapshot.endBaseline(root, term.until);
    const isGone = root.rev === 0 || (rev !== undefined && (await snapshot.deleteRows(rev, most, isInTime)));
    if (isGone) await watches.forget(watch);
    return undefined;
  } catch (error) {
    return `the snapshot of a removed watch is deleted later: ${(error as Error).name}`;
  }
}
