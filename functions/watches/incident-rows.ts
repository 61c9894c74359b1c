import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { Partition, unchangedSince } from '#functions/dynamodb/partition.ts';
import type { Item } from '#functions/dynamodb/row.ts';
import type { Incident, Mended } from './incident.ts';

/** Partition of what all shards share. */
export const sharedPartition = 'SHARDS';

const incidentPrefix = 'server#incident#';
const mendedKey = 'server#mended';

/** Milliseconds between two times at which a cause is found mended: each has the watches polled that fail for it. */
const mendedPause = 60_000;

/** The incidents among the rows that shards share. */
export const incidentsIn = (rows: readonly Item[]): Incident[] =>
  rows
    .filter(({ sk }) => sk.startsWith(incidentPrefix))
    .map(({ pk, sk, ...row }) => ({ name: sk.slice(incidentPrefix.length), ...row }) as Incident);

/** When each cause was last found mended, among the same rows. */
export function mendedIn(rows: readonly Item[]): Mended {
  const { pk, sk, ...mended } = rows.find((row) => row.sk === mendedKey) ?? {};
  return mended as Mended;
}

/** What several watches fail for, beside the rows of the shards: one read brings both. */
export class IncidentRows extends Partition {
  constructor(client: DynamoDBClient, table: string) {
    super(client, table, sharedPartition);
  }

  /** Replaces an incident as it was read; returns it as it is then, or undefined when another shard was quicker. */
  async replace(read: Incident | undefined, { name, ...row }: Omit<Incident, 'rev'>): Promise<Incident | undefined> {
    const before = read?.rev ?? 0;
    const next = { ...row, rev: before + 1 };
    const isWritten = await this.put(incidentPrefix + name, next, unchangedSince(before));
    return isWritten ? { name, ...next } : undefined;
  }

  /** Takes the published events off an incident, unless it has changed since. */
  async clearPending({ name, rev }: Incident): Promise<void> {
    // Counted as a change, so that no shard publishes them again that has read them before.
    await this.update(incidentPrefix + name, 'SET rev = :next REMOVE pending, heldUntil', {
      condition: 'rev = :rev',
      values: { rev, next: rev + 1 },
    });
  }

  /**
   * Writes down that the cause of the incidents of a name was found mended at `now`, a Unix time in milliseconds,
   * unless that stands there already: watches that fail for it are polled at the next tick.
   */
  async mend(name: string, now: number): Promise<void> {
    await this.update(mendedKey, `SET #${name} = :now`, {
      condition: `attribute_not_exists(#${name}) OR #${name} < :before OR #${name} > :now`,
      names: [name],
      values: { now, before: now - mendedPause },
    });
  }
}
