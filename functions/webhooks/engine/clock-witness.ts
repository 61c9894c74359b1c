import { hasBeen, isRecent } from '#functions/clock/instants.ts';
import { Partition } from '#functions/dynamodb/partition.ts';
import * as r from '#functions/dynamodb/row-reader.ts';

const key = 'SWEEP';

/** Milliseconds between two records of a sweep's time: each record costs a unit. */
const intervalMs = 60_000;

const sweepOf = r.rowOf({ sweptAt: r.number, cameTo: r.orElse(r.text, '') });

/** Row with the time of an earlier sweep. A time in the future proves that the clock was set back since. */
export class ClockWitness extends Partition.of('CLOCK') {
  /**
   * `setBack`: milliseconds by which the clock was set back at least, 0 without proof. `sweptAt`: Unix ms of the earlier
   * sweep. `cameTo`: the endpoint at which it ran out of time. `note` records `now` (Unix ms), if the earlier time is old enough, and how far
   * this sweep came.
   */
  async read(now: number) {
    const [row] = await this.range(key, key);
    const { sweptAt, cameTo } = row ? sweepOf(row) : { sweptAt: 0, cameTo: '' };
    const isOld = !isRecent(sweptAt, now, intervalMs);
    return {
      setBack: hasBeen(sweptAt, now) ? 0 : sweptAt - now,
      cameTo,
      sweptAt,
      note: async (to: string, isSeen: boolean) => {
        const at = isSeen ? now : sweptAt;
        if ((isOld && isSeen) || to !== cameTo) await this.put(key, { sweptAt: at, cameTo: to || undefined }, {});
      },
    };
  }
}
