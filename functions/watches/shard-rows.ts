import { randomUUID } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { tolerance } from '#functions/clock/instants.ts';
import { closedCircuit, type ServerCircuit } from '#functions/cryptshare/circuit-breaker.ts';
import { Partition, unchangedSince } from '#functions/dynamodb/partition.ts';
import type { Item } from '#functions/dynamodb/row.ts';
import { hasNoChats } from './chats.ts';
import type { Incident, Mended } from './incident.ts';
import { incidentsIn, mendedIn, sharedPartition } from './incident-rows.ts';
import type { FailingShare } from './incident-share.ts';
import { placesOf, rangeOfPlaces } from './places.ts';
import { type RegisteredWatch, registryPartition, watchOf } from './polled-watches.ts';
import {
  endLease,
  type Lease,
  narrowLease,
  rowFor,
  type ShardProgress,
  type ShardRow,
  type Term,
  takeLease,
} from './shard-row.ts';

/** What a shard needs to know when it ticks. */
export interface ShardView {
  /** Those of the shard, in the order of their places. */
  readonly watches: readonly RegisteredWatch[];
  /** Those of the shard that were removed, or left the configuration file. */
  readonly removed: readonly RegisteredWatch[];
  readonly row: ShardRow;
  /** What the failing watches of each other shard amount to. */
  readonly others: readonly Readonly<Record<string, FailingShare>>[];
  /** Of the server, as the last poll that changed it left it. */
  readonly circuit: ServerCircuit;
  readonly incidents: readonly Incident[];
  readonly mended: Mended;
  /** No endpoint is a chat, as far as is known. */
  readonly hasNoChats: boolean;
}

/** A lease that was taken. */
export interface HeldShard {
  readonly shard: number;
  readonly name: string;
  readonly slots: number;
  /** As it was written last. */
  readonly row: ShardRow;
}

const strainKey = 'server';

const shardKey = (shard: number): string => `shard#${shard}`;

/** The server's row, incidents, the note on chats, and the rows of the shards, which stand in this order. */
const sharedRange = ['server', 'shard$'] as const;

/** Times that a change is tried again because another holder was quicker. */
const maxTries = 5;

/** The rows that let each watch be polled by one at a time, and no more requests go to the server than may. */
export class ShardRows {
  private readonly registry: Partition;
  private readonly partition: Partition;
  /** Requests under way at the same time for a whole shard. */
  private readonly slots: number;

  constructor(client: DynamoDBClient, table: string, slots: number) {
    this.registry = new Partition(client, table, registryPartition);
    this.partition = new Partition(client, table, sharedPartition);
    this.slots = slots;
  }

  /**
   * Reads the watches of one shard, and what all shards share.
   *
   * @param shards parts into which the watches are divided
   * @param origin of the server: the circuit of another one is none of this one's
   */
  async read(shard: number, shards: number, origin: string): Promise<ShardView> {
    const [registered, rows] = await Promise.all([
      this.registry.range(...rangeOfPlaces(...placesOf(shard, shards))),
      this.partition.range(...sharedRange),
    ]);
    const watches = registered.map(watchOf);
    const server = rows.find(({ sk }) => sk === strainKey);
    const all = rows.filter(({ sk }) => sk.startsWith('shard#'));
    const others = all.filter((row) => row.shards === shards && row.sk !== shardKey(shard));
    const row = shardRowOf(all.find(({ sk }) => sk === shardKey(shard)));
    return {
      watches: watches.filter(({ isRemoved }) => !isRemoved),
      removed: watches.filter(({ removedAt }) => removedAt !== undefined),
      row: rowFor(row, shards),
      others: others.flatMap(({ failing }) => failing ?? []),
      circuit: server?.origin === origin ? (server.circuit as ServerCircuit) : closedCircuit,
      incidents: incidentsIn(rows),
      mended: mendedIn(rows),
      hasNoChats: hasNoChats(rows),
    };
  }

  /**
   * Takes a lease of all watches of a shard that are in no other one, or of a single watch. Returns undefined when
   * another holder has it, or has changed the row since it was read.
   */
  async take(shard: number, row: ShardRow, term: Term, watch?: string): Promise<HeldShard | undefined> {
    const name = randomUUID();
    const next = takeLease(row, name, this.slots, term, watch);
    const written = next && (await this.write(shard, row, next));
    return written && { shard, name, slots: leaseOf(written, name).slots, row: written };
  }

  /**
   * Leaves a shard to others but for some watches. Returns the lease of these alone; undefined when it stays as it is.
   */
  async narrow(hold: HeldShard, watches: readonly string[], progress: ShardProgress): Promise<HeldShard | undefined> {
    const row = await this.change(hold, (current) => narrowLease(current, hold.name, watches, progress));
    return row && { ...hold, slots: leaseOf(row, hold.name).slots, row };
  }

  /** Writes down what the failing watches of a shard amount to, unless its row has changed since it was read. */
  async note(shard: number, row: ShardRow, failing: Readonly<Record<string, FailingShare>>): Promise<void> {
    await this.write(shard, row, { ...row, failing });
  }

  /** Gives a lease back, with what progress there is. */
  async release(hold: HeldShard, progress: ShardProgress | undefined): Promise<void> {
    await this.change(hold, (current) => endLease(current, hold.name, progress));
  }

  /** Ends all leases of a shard: for a database whose only user has just started. */
  async free(shard: number): Promise<void> {
    const [read] = await this.partition.range(shardKey(shard), shardKey(shard));
    if (!read) return;
    const row = shardRowOf(read);
    const leases = Object.entries(row.leases ?? {}).map(([name, lease]) => [name, { ...lease, until: 0 }]);
    await this.write(shard, row, { ...row, leases: Object.fromEntries(leases) });
  }

  /**
   * Writes down how strained the server is, for the polls to come, unless another shard has been told meanwhile to
   * leave it alone for longer. What a clock ahead of `now`, a Unix time in milliseconds, has written gives way.
   */
  async keepCircuit(origin: string, circuit: ServerCircuit, now: number): Promise<void> {
    await this.partition.put(
      strainKey,
      { origin, circuit },
      {
        condition:
          'attribute_not_exists(pk) OR origin <> :origin OR circuit.openUntil <= :until OR circuit.toldAt > :latest OR attribute_exists(circuit.mailbox)',
        values: { origin, until: circuit.openUntil, latest: now + tolerance },
      },
    );
  }

  /** Changes the row of a hold, as many times over as others are quicker. */
  private async change(
    { shard, row }: HeldShard,
    next: (row: ShardRow) => ShardRow | undefined,
  ): Promise<ShardRow | undefined> {
    let current = row;
    for (let tries = 0; tries < maxTries; tries += 1) {
      const changed = next(current);
      if (!changed) return undefined;
      const written = await this.write(shard, current, changed);
      if (written) return written;
      const [read] = await this.partition.range(shardKey(shard), shardKey(shard));
      current = shardRowOf(read);
    }
    return undefined;
  }

  private async write(shard: number, { rev }: ShardRow, next: ShardRow): Promise<ShardRow | undefined> {
    const row = { ...next, rev: rev + 1 };
    const isWritten = await this.partition.put(shardKey(shard), { ...row }, unchangedSince(rev));
    return isWritten ? row : undefined;
  }
}

function shardRowOf(item: Item | undefined): ShardRow {
  const { pk, sk, ...row } = item ?? { rev: 0 };
  return row as ShardRow;
}

const leaseOf = ({ leases }: ShardRow, name: string): Lease => leases![name]!;
