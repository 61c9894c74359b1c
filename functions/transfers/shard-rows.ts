import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type Item, Partition } from '../table.ts';
import type { Scope } from './cryptshare.ts';
import type { Incident, Mended } from './incident.ts';
import { incidentsIn, mendedIn } from './incident-rows.ts';
import { type Strain, unstrained } from './strain.ts';
import { type RegisteredWatch, registryPartition, watchOf } from './watches.ts';

/** What is written down of a shard. */
interface ShardRow {
  /** Counts the holds. */
  readonly rev: number;
  /** Unix time in milliseconds of the last tick whose polls are all done, or left over. */
  readonly polledTo?: number;
  /** Polls that no time was left for: what is to be listed, by the keys of the watches. */
  readonly leftOver?: Readonly<Record<string, Scope>>;
  /** Unix time in milliseconds until which somebody polls the shard; undefined when nobody does. */
  readonly heldUntil?: number;
}

/** The registry as a shard's poll needs it. */
export interface ShardView {
  /** All watches, of other shards, too. */
  readonly watches: readonly RegisteredWatch[];
  readonly row: ShardRow;
  /** Of the server, as the last poll that changed it left it. */
  readonly strain: Strain;
  readonly incidents: readonly Incident[];
  readonly mended: Mended;
}

/** How far a shard was polled. */
export type ShardProgress = Required<Pick<ShardRow, 'polledTo' | 'leftOver'>>;

/** The right to poll a shard, for one at a time. */
export interface Hold {
  readonly shard: number;
  readonly rev: number;
}

const strainKey = 'server';

const shardKey = (shard: number): string => `shard#${shard}`;

/** Watches, the server's row and those of the shards, which stand in this order. */
const wholeRegistry = ['received#', 'shard$'] as const;

const untouched: ShardRow = { rev: 0 };

/**
 * The rows that let polls of a shard follow each other and never overlap, so that no more requests go to the server than
 * may. They stand beside the watches, because one read brings both.
 */
export class ShardRows {
  private readonly partition: Partition;

  constructor(client: DynamoDBClient, table: string) {
    this.partition = new Partition(client, table, registryPartition);
  }

  /** @param origin of the server: the strain of another one is none of this one's */
  async read(shard: number, origin: string): Promise<ShardView> {
    const rows = await this.partition.range(...wholeRegistry);
    const rowOf = (key: string): Item | undefined => rows.find(({ sk }) => sk === key);
    const server = rowOf(strainKey);
    return {
      watches: rows.filter(({ mailbox }) => mailbox !== undefined).map(watchOf),
      row: (rowOf(shardKey(shard)) as ShardRow | undefined) ?? untouched,
      strain: server?.origin === origin ? (server.strain as Strain) : unstrained,
      incidents: incidentsIn(rows),
      mended: mendedIn(rows),
    };
  }

  /**
   * Takes the right to poll a shard.
   *
   * @param row as it was read
   * @param now Unix time in milliseconds
   * @param until Unix time in milliseconds from which on the taker polls no more, come what may
   * @returns undefined when somebody has it, or has had it since the row was read
   */
  async take(shard: number, row: ShardRow, now: number, until: number): Promise<Hold | undefined> {
    if (row.heldUntil !== undefined && row.heldUntil > now) return undefined;
    const rev = row.rev + 1;
    const isTaken = await this.partition.update(shardKey(shard), 'SET rev = :rev, heldUntil = :until', {
      condition: row.rev === 0 ? 'attribute_not_exists(pk)' : 'rev = :read',
      values: { rev, until, read: row.rev === 0 ? undefined : row.rev },
    });
    return isTaken ? { shard, rev } : undefined;
  }

  /**
   * Gives the right back.
   *
   * @param progress undefined when there is none
   */
  async giveBack({ shard, rev }: Hold, progress: ShardProgress | undefined): Promise<void> {
    const set = progress ? 'SET polledTo = :polledTo, leftOver = :leftOver ' : '';
    await this.partition.update(shardKey(shard), `${set}REMOVE heldUntil`, {
      condition: 'rev = :rev',
      values: { rev, ...progress },
    });
  }

  /** Takes a shard away from whoever has it: for a database whose only user has just started. */
  async free(shard: number): Promise<void> {
    await this.partition.update(shardKey(shard), 'REMOVE heldUntil', { condition: 'attribute_exists(pk)' });
  }

  /**
   * Writes down how strained the server is, for the polls to come, unless another shard has been told meanwhile to leave it
   * alone for longer.
   */
  async keepStrain(origin: string, strain: Strain): Promise<void> {
    await this.partition.put(
      strainKey,
      { origin, strain },
      {
        condition:
          'attribute_not_exists(pk) OR origin <> :origin OR strain.restsUntil <= :until OR attribute_exists(strain.mailbox)',
        values: { origin, until: strain.restsUntil },
      },
    );
  }
}
