import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { closedCircuit, type ServerCircuit } from '#functions/cryptshare/circuit-breaker.ts';
import { watchKey } from '#functions/transfers/transfer.ts';
import {
  declare,
  deps,
  hour,
  minute,
  readShard,
  shardRows,
  startShards,
  startShardWorld,
  world,
} from '#test/support/shard-world.ts';

beforeAll(startShardWorld);
beforeEach(startShards);

describe('ShardRows', () => {
  it('reads the watches of its own shard, and all of them in all shards', async () => {
    const watches = await declare(200);
    for (const shards of [1, 3, 60]) {
      const views = [];
      for (let shard = 0; shard < shards; shard += 1) {
        views.push((await shardRows().read(shard, shards, deps.origin)).watches);
      }
      expect(views.flat().map(watchKey).toSorted()).toEqual(watches.map(watchKey).toSorted());
      expect(Math.max(...views.map((view) => view.length))).toBeLessThan((200 / shards) * 1.3 + 8);
    }
  });

  it('releases no lease, and stores no progress, for a holder whose lease has expired', async () => {
    const rows = shardRows();
    const time = world.clock.now().getTime();
    const late = await rows.acquire(0, (await readShard()).row, { since: time, until: time + minute });
    const term = { since: time + minute, until: time + 2 * minute };
    const next = await rows.acquire(0, (await readShard()).row, term);
    await rows.release(late!, { shards: 1, polled: [{ from: 0, to: time }], failing: {} });
    const { row } = await readShard();
    expect(row.leases).toEqual({ [next!.name]: { ...term, slots: 4 } });
    expect(row.polled).toBeUndefined();
  });

  it('keeps the circuit that is open longest for all mailboxes, of its own server alone', async () => {
    const rows = shardRows();
    const time = world.clock.now().getTime();
    const told: ServerCircuit = { faults: 1, openUntil: time + hour, cause: 'throttled' };
    const circuit = async () => (await readShard()).circuit;
    const keep = (one: ServerCircuit, origin = deps.origin) => rows.keepCircuit(origin, one, time);
    await keep(told);
    await keep({ ...told, faults: 0, openUntil: time });
    expect(await circuit()).toEqual(told);
    await keep({ ...told, faults: 0 });
    expect(await circuit()).toEqual({ ...told, faults: 0 });

    await keep({ ...told, openUntil: time + 2 * hour, cause: 'timeout', mailbox: 'a@example.com' });
    await keep(closedCircuit);
    expect(await circuit()).toEqual(closedCircuit);

    await keep(told);
    const other = 'https://other.example.com';
    await keep(closedCircuit, other);
    expect((await rows.read(0, 1, other)).circuit).toEqual(closedCircuit);
  });
});
