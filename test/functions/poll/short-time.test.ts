import { QueryCommand } from '@aws-sdk/client-dynamodb';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { watchKey } from '#functions/transfers/transfer.ts';
import {
  declare,
  deps,
  mailboxes,
  minute,
  now,
  poll,
  registry,
  slowDown,
  startShards,
  startShardWorld,
  world,
} from '#test/support/shard-world.ts';

beforeAll(startShardWorld);
beforeEach(startShards);

describe('when time runs out', () => {
  it('watches that were not begun are counted as skipped', async () => {
    await declare(3);
    expect(await poll(0, 0)).toEqual({ polls: [], skipped: 3 });
  });

  it('in the middle, the rest is skipped, and it is not always the same watches that have to wait', async () => {
    const watches = await declare(12);
    const everPolled = new Set<string>();
    // Whichever watches are first, they take all the time there is.
    slowDown();
    for (let index = 0; index < 12; index += 1) {
      const shardPoll = await poll();
      expect(shardPoll.polls.length + shardPoll.skipped).toBe(12);
      expect(shardPoll.polls.length).toBeGreaterThan(0);
      expect(shardPoll.skipped).toBeGreaterThan(0);
      for (const mailbox of mailboxes(shardPoll)) everPolled.add(mailbox);
      world.clock.advance(minute);
    }
    expect([...everPolled].sort()).toEqual(watches.map(({ mailbox }) => mailbox).sort());
  });

  it('a watch that timed out once is polled again, however long there is no time for all', async () => {
    const [late] = await declare(12);
    await poll();
    // It timed out once, as its health says.
    const problem = { cause: 'timeout', message: 'x' } as never;
    const health = { failingSince: now(), failures: 1, problem, isAnnounced: false };
    await registry().commitHealth((await registry().find(late!))!, { health, event: undefined });
    slowDown();
    let isPolled = false;
    for (let each = 0; each < 60 && !isPolled; each += 1) {
      world.clock.advance(minute);
      const shardPoll = await poll();
      expect(shardPoll.skipped).toBeGreaterThan(0);
      isPolled = mailboxes(shardPoll).includes(late!.mailbox);
    }
    expect(isPolled).toBe(true);
  });

  it.each([7, 12])(
    'the snapshot of a removed watch is deleted after 30 days, beside %i watches of which ticks have time for eight',
    async (count) => {
      const [removed] = await declare(1 + count);
      world.clock.advance(minute);
      await poll();
      await registry().remove(removed!, now());
      world.clock.advance(31 * 24 * 60 * minute);
      if (count > 8) slowDown();
      const query = {
        TableName: deps.table,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: watchKey(removed!) } },
      };
      const left = async () => (await deps.dynamo.send(new QueryCommand(query))).Items!.map(({ sk }) => sk!.S);
      expect(await left()).toHaveLength(3);
      for (let each = 0; each < 60 && (await left()).length > 0; each += 1) {
        world.clock.advance(2 * minute);
        expect((await poll()).skipped > 0).toBe(count > 8);
      }
      expect(await left()).toEqual([]);
    },
  );
});
