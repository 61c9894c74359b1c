import * as z from 'zod/mini';
import { Partition, unchangedSince } from '#functions/dynamodb/partition.ts';
import type { Item } from '#functions/dynamodb/row.ts';
import * as r from '#functions/dynamodb/row-reader.ts';
import { type Incident, type Mended, readIncident } from './incident.ts';

export const sharedPartition = 'SHARDS';

const incidentPrefix = 'server#incident#';
const mendedKey = 'server#mended';

/** Milliseconds between two records of a mended cause, because each has all watches polled that fail for it. */
const mendedPauseMs = 60_000;

const incidentOf = (row: Item): Incident => ({ name: row.sk.slice(incidentPrefix.length), ...readIncident(row) });

export const incidentsIn = (rows: readonly Item[]) =>
  r.readFitting(rows, incidentOf, ({ sk }) => sk.startsWith(incidentPrefix));

const timesOf = z.transform(({ pk: _, sk: __, ...times }: Item) => times);
const mendedOf: (row: Item) => Mended = r.rowReader(z.pipe(timesOf, r.record(r.number)));

export const mendedIn = (rows: readonly Item[]) => r.readFitting(rows, mendedOf, ({ sk }) => sk === mendedKey);

/** Rows of incidents. They lie beside the rows of the shards, so that one read brings both. */
export class IncidentRows extends Partition.of(sharedPartition) {
  /** Replaces an incident as it was read. Returns the new one, or undefined when another shard was quicker. */
  async replace(read: Incident | undefined, { name, ...row }: Omit<Incident, 'rev'>): Promise<Incident | undefined> {
    const next = await this.putNext(incidentPrefix + name, read, row);
    return next && { name, ...next };
  }

  /** Clears the published events of an incident unless it has changed since. */
  async clearPending({ name, rev }: Incident): Promise<void> {
    // Count this as a change, otherwise a shard that read the events before would publish them again.
    const cleared = { rev: rev + 1, pending: undefined, heldUntil: undefined };
    await this.update(incidentPrefix + name, cleared, unchangedSince(rev));
  }

  /** Records, once a minute, that a cause was mended at `now` (Unix milliseconds): the next tick polls its watches. */
  async mend(name: string, now: number): Promise<void> {
    const condition = `attribute_not_exists(#${name}) OR #${name} < :before OR #${name} > :now`;
    await this.update(mendedKey, { [name]: now }, { condition, values: { now, before: now - mendedPauseMs } });
  }
}
