import type { Deadline } from '#functions/clock/instants.ts';
import { hasBeen } from '#functions/clock/instants.ts';
import { Snapshot } from '#functions/snapshot/snapshot.ts';
import { PolledWatches, type RegisteredWatch } from '#functions/watches/polled-watches.ts';
import type { Term } from '#functions/watches/shard-row.ts';
import type { PollDependencies } from './dependencies.ts';
import { writeGraceMs } from './last-write.ts';

/** Milliseconds for which the snapshot of a watch that was removed is kept: added again meanwhile, it goes on from there. */
const keptFor = 30 * 86_400_000;

/** Rows of snapshots that one tick deletes. */
const rowsPerTick = 500;

/** Of removed watches the one whose snapshot is to be deleted next: no more than one in a tick. */
export const expiredWatch = (removed: readonly RegisteredWatch[], now: number): RegisteredWatch | undefined =>
  removed
    .filter(({ isDisabled, removedAt = '' }) => isDisabled && now - Date.parse(removedAt) >= keptFor)
    .toSorted((a, b) => (a.removedAt! < b.removedAt! ? -1 : 1))[0];

/**
 * Deletes some of the rows of a removed watch's snapshot, and the watch once there are none: for the holder of its shard.
 * What is deleted does not come back, so the server's clock, which may have to be asked, has to agree that it is time. It
 * claims the snapshot as a poll does, and leaves it without a baseline. Should the watch be added again meanwhile, its
 * next poll begins anew with what is left, and nothing that this poll writes is deleted. Stopped anywhere, it goes on at the
 * next tick.
 *
 * @param deadline instant of the steady clock after which it deletes nothing
 * @returns a warning, if something could not be done
 */
export async function deleteExpired(
  { server: { calls }, dynamo, table, now, steady }: PollDependencies,
  watch: RegisteredWatch,
  { since, until }: Term,
  deadline: Deadline,
): Promise<string | undefined> {
  const isInTime = () =>
    steady() < deadline && now().getTime() < until - writeGraceMs && hasBeen(since, now().getTime());
  const isExpired = () => expiredWatch([watch], calls.datedAt) !== undefined;
  try {
    if (!isExpired()) await calls.send({ path: '/status', minimumMinor: undefined }, deadline);
    if (!isExpired()) return undefined;
    const snapshot = new Snapshot(dynamo, table, watch);
    const root = await snapshot.readRoot();
    const rev = root.rev === 0 ? undefined : await snapshot.endBaseline(root, until);
    const isGone = root.rev === 0 || (rev !== undefined && (await snapshot.deleteRows(rev, rowsPerTick, isInTime)));
    if (isGone) await new PolledWatches(dynamo, table).forget(watch);
    return undefined;
  } catch (error) {
    return `the snapshot of a removed watch is deleted later: ${(error as Error).name}`;
  }
}
