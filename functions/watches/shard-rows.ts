import { randomUUID } from 'node:crypto';
import { clockToleranceMs } from '#functions/clock/instants.ts';
import { closedCircuit, type ServerCircuit, serverCircuit } from '#functions/cryptshare/circuit-breaker.ts';
import type { TableSource } from '#functions/dynamodb/index-pages.ts';
import { Partition } from '#functions/dynamodb/partition.ts';
import type { Item } from '#functions/dynamodb/row.ts';
import * as r from '#functions/dynamodb/row-reader.ts';
import { incidentsIn, mendedIn, sharedPartition } from './incident-rows.ts';
import type { FailingShare } from './incident-share.ts';
import { placesOf, rangeOfPlaces } from './places.ts';
import { registryPartition, watchOf } from './polled-watches.ts';
import type { Lease, ShardProgress, ShardRow, Term } from './shard-row.ts';
import * as rules from './shard-row.ts';

export type ShardView = Readonly<Awaited<ReturnType<ShardRows['read']>>>;

/** A lease of a shard, with the row as last written. */
export type HeldShard = Readonly<NonNullable<Awaited<ReturnType<ShardRows['acquire']>>>>;

const circuitKey = 'server';

const readCircuit = r.rowOf({ circuit: serverCircuit });

export const shardKey = (shard: number): string => `shard#${shard}`;

/** Range of the server's row, incidents, and the rows of the shards. */
const sharedRange = ['server', 'shard$'] as const;

/** Attempts to change a row that other holders change at the same time. */
const maxTries = 5;

/** Leases of shards: one process at a time polls a watch, and the server's limit of requests in flight holds. */
export class ShardRows {
  private readonly registry: Partition;
  private readonly partition: Partition;
  /** Requests in flight for a whole shard. */
  private readonly slots: number;

  constructor(source: TableSource, slots: number) {
    this.registry = new Partition(source, registryPartition);
    this.partition = new Partition(source, sharedPartition);
    this.slots = slots;
  }

  /** Reads the watches of a shard and the shared rows; ignores the circuit breaker of a server other than `origin`. */
  async read(shard: number, shards: number, origin: string) {
    // Read the lease first. A process that takes it as read here knows every watch that a holder has deleted.
    const rows = await this.partition.range(...sharedRange);
    const registered = await this.registry.range(...rangeOfPlaces(...placesOf(shard, shards)));
    const own = rows.find(({ sk }) => sk === shardKey(shard));
    const isOther = (row: Item) => row.sk.startsWith('shard#') && row.shards === shards && row !== own;
    const watches = r.readFitting(registered, watchOf);
    const others = r.readFitting(rows, rules.readShardRow, isOther);
    const circuit = r.readFitting(rows, readCircuit, (row) => row.sk === circuitKey && row.origin === origin);
    const incidents = incidentsIn(rows);
    const mended = mendedIn(rows);
    return {
      /** Watches of the shard, in the order of places. */
      watches: watches.fitting.filter(({ isRemoved }) => !isRemoved),
      /** Watches of the shard that an operator removed, or that left the configuration file. */
      removed: watches.fitting.filter(({ removedAt }) => removedAt !== undefined),
      /** Error of a damaged row; all others are there. Only the shard's own row stops its tick, for it has the leases. */
      fault: [watches, others, circuit, incidents, mended].find(({ fault }) => fault)?.fault,
      row: rules.rowFor(shardRowOf(own), shards),
      /** Shares of the failing watches of other shards, by incident name. */
      others: others.fitting.map(({ failing = {} }) => failing),
      /** Circuit breaker of the server as the last poll that changed it left it. */
      circuit: circuit.fitting[0]?.circuit ?? closedCircuit,
      incidents: incidents.fitting,
      mended: mended.fitting[0] ?? {},
    };
  }

  /** Stores the lease of {@link takeLease}. Returns undefined if there is none, or the row has changed since read. */
  async acquire(shard: number, row: ShardRow, term: Term, watch?: string) {
    const name = randomUUID();
    const next = rules.takeLease(row, name, this.slots, term, watch);
    const written = next && (await this.partition.putNext(shardKey(shard), row, next));
    return written && { shard, name, slots: leaseOf(written, name).slots, row: written };
  }

  /** Narrows a lease to some watches. Returns undefined when it stays as it is. */
  async narrow(hold: HeldShard, watches: readonly string[], progress: ShardProgress): Promise<HeldShard | undefined> {
    const row = await this.change(hold, (current) => rules.narrowLease(current, hold.name, watches, progress));
    return row && { ...hold, slots: leaseOf(row, hold.name).slots, row };
  }

  /** Stores the shares of a shard's failing watches unless its row has changed since it was read. */
  async note(shard: number, row: ShardRow, failing: Readonly<Record<string, FailingShare>>): Promise<void> {
    await this.partition.putNext(shardKey(shard), row, { ...row, failing });
  }

  async release(hold: HeldShard, progress: ShardProgress | undefined): Promise<void> {
    await this.change(hold, (current) => rules.endLease(current, hold.name, progress));
  }

  /**
   * Stores the circuit breaker for later polls unless another shard has opened it for longer. It replaces a state that
   * concerns one mailbox, or that a clock ahead of `now` (Unix milliseconds) has written.
   */
  async keepCircuit(origin: string, circuit: ServerCircuit, now: number): Promise<void> {
    const condition =
      'attribute_not_exists(pk) OR origin <> :origin OR circuit.openUntil <= :until OR circuit.toldAt > :latest OR attribute_exists(circuit.mailbox)';
    const values = { origin, until: circuit.openUntil, latest: now + clockToleranceMs };
    await this.partition.put(circuitKey, { origin, circuit }, { condition, values });
  }

  /** Changes the row of a lease; tries again when another holder was quicker. */
  private async change({ shard, row }: HeldShard, next: (row: ShardRow) => ShardRow | undefined) {
    let current = row;
    for (let tries = 0; tries < maxTries; tries += 1) {
      const changed = next(current);
      if (!changed) return undefined;
      const written = await this.partition.putNext(shardKey(shard), current, changed);
      if (written) return written;
      const [read] = await this.partition.range(shardKey(shard), shardKey(shard));
      current = shardRowOf(read);
    }
    return undefined;
  }
}

/** The rows of all shards by their number. @throws RowError for a damaged row */
export async function shardsIn(source: TableSource): Promise<Map<number, ShardRow>> {
  const rows = await new Partition(source, sharedPartition).range(shardKey(0), 'shard$');
  return new Map(rows.map((row) => [Number(row.sk.split('#')[1]), rules.readShardRow(row)]));
}

const shardRowOf = (row: Item | undefined): ShardRow => (row ? rules.readShardRow(row) : { rev: 0 });

const leaseOf = ({ leases }: ShardRow, name: string): Lease => leases![name]!;
