import { hasBeen, isRecent } from '#functions/clock/instants.ts';
import type { TableSource } from '#functions/dynamodb/index-pages.ts';
import { Partition } from '#functions/dynamodb/partition.ts';

const key = 'SWEEP';

/** Milliseconds between two records of a sweep's time: each record costs a unit. */
const intervalMs = 60_000;

/**
 * Reads the time of an earlier sweep. A time in the future proves that the clock was set back since.
 *
 * @param now Unix time in milliseconds
 * @returns `setBack`: milliseconds by which the clock was set back at least, 0 without proof; `cameTo`: the endpoint at
 *   which an earlier sweep ran out of time; `note`: records the present time, if the earlier one is old enough, and how
 *   far this sweep came
 */
export async function clockWitness({ dynamo, table }: TableSource, now: number) {
  const partition = new Partition(dynamo, table, 'CLOCK');
  const [row] = await partition.range(key, key);
  const sweptAt: number = row?.sweptAt ?? 0;
  const cameTo: string = row?.cameTo ?? '';
  const isOld = !isRecent(sweptAt, now, intervalMs);
  return {
    setBack: hasBeen(sweptAt, now) ? 0 : sweptAt - now,
    cameTo,
    async note(to: string, isSeen: boolean) {
      const at = isSeen ? now : sweptAt;
      if ((isOld && isSeen) || to !== cameTo) await partition.put(key, { sweptAt: at, ...(to && { cameTo: to }) }, {});
    },
  };
}
