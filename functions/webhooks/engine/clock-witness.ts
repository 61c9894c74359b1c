import { hasBeen, isRecent } from '#functions/clock/instants.ts';
import type { TableSource } from '#functions/dynamodb/index-pages.ts';
import { Partition } from '#functions/dynamodb/partition.ts';

const key = 'SWEEP';

/** Milliseconds after which the time of a sweep is written down anew: each time costs a unit. */
const interval = 60_000;

/**
 * Asks the time of an earlier sweep: if it lies in the future, the clock was set back since, under way or between two runs.
 *
 * @param now Unix time in milliseconds
 * @returns milliseconds by which the clock was set back, at least, 0 when nothing tells so; the endpoint up to which the earlier
 *   sweep came, if its time was short; and what writes down the present time, if the earlier one is old enough, or how far this one came
 */
export async function clockWitness({ dynamo, table }: TableSource, now: number) {
  const partition = new Partition(dynamo, table, 'CLOCK');
  const [row] = await partition.range(key, key);
  const sweptAt: number = row?.sweptAt ?? 0;
  const cameTo: string = row?.cameTo ?? '';
  const isOld = !isRecent(sweptAt, now, interval);
  return {
    setBack: hasBeen(sweptAt, now) ? 0 : sweptAt - now,
    cameTo,
    async note(to: string, isSeen: boolean) {
      const at = isSeen ? now : sweptAt;
      if ((isOld && isSeen) || to !== cameTo) await partition.put(key, { sweptAt: at, ...(to && { cameTo: to }) }, {});
    },
  };
}
