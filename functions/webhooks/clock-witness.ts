import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { hasBeen, isRecent } from '../instants.ts';
import { Partition } from '../table.ts';

const part = 'CLOCK';
const key = 'SWEEP';

/** Milliseconds after which the time of a sweep is written down anew: each time costs a unit. */
const interval = 60_000;

/** What the time of an earlier sweep tells. */
export interface Testimony {
  /** Milliseconds by which the clock was set back since, at least; 0 when nothing tells so. */
  readonly setBack: number;
  /** That time is old enough to be written down anew, and to look at what waits unusually long. */
  readonly isOld: boolean;
}

/**
 * The time of an earlier sweep, in the webhooks table: if it lies in the future, the clock was set back since, be it under
 * way or between two runs.
 */
export class ClockWitness {
  private readonly partition: Partition;

  constructor(client: DynamoDBClient, table: string) {
    this.partition = new Partition(client, table, part);
  }

  /** @param now Unix time in milliseconds */
  async ask(now: number): Promise<Testimony> {
    const [row] = await this.partition.range(key, key);
    const sweptAt = row?.sweptAt as number | undefined;
    if (sweptAt === undefined) return { setBack: 0, isOld: true };
    return { setBack: hasBeen(sweptAt, now) ? 0 : sweptAt - now, isOld: !isRecent(sweptAt, now, interval) };
  }

  /** Notes the time of a sweep. */
  async note(now: number): Promise<void> {
    await this.partition.put(key, { sweptAt: now }, {});
  }
}
