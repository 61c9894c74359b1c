import { expect, test } from 'vitest';
import { mostWatches } from './largest-size.ts';
import { deployed, installation, measured, quantitiesOf, useOf } from './monthly-example.ts';
import { pollDuration, shardsFor } from './monthly-polls.ts';
import { monthlyUse } from './monthly-use.ts';
import type { MeasuredUse } from './use.ts';

test('a quiet watch costs one read for each poll, beside the tick, its lease and the sweeps', () => {
  const { dynamoReads, dynamoWrites } = quantitiesOf({ changes: 0, endpoints: 0 });
  expect(dynamoReads).toBe(43_200 * (1 + 1 + 3));
  expect(dynamoWrites).toBe(43_200 * 2);
});

test('a shard reads the rows of its own watches, and those of others as far as it was seen to', () => {
  const many = { watches: 1000, transfers: 100, changes: 0 };
  const readsOf = (others: number) => {
    const use = monthlyUse(
      { ...installation, ...many },
      { ...measured, registry: { own: 0.03, others } },
      { ...deployed, memory: { ...deployed.memory, poll: 64 } },
    );
    return { shards: use.shards, reads: use.quantities.dynamoReads };
  };
  const { shards, reads } = readsOf(0);
  expect(shards).toBeGreaterThan(1);
  expect(readsOf(0.03).reads - reads).toBeCloseTo(43_200 * shards * (30 - Math.ceil(30 / shards)), -1);
});

test('twice the watches are twice the requests, logs and writes', () => {
  const few = quantitiesOf({ watches: 1000, transfers: 100 });
  const many = quantitiesOf({ watches: 2000, transfers: 100 });
  const ofShards = (watches: number) => 43_200 * 2 * useOf({ watches, transfers: 100 }).shards;
  expect(many.dynamoWrites - ofShards(2000)).toBe(2 * (few.dynamoWrites - ofShards(1000)));
  expect(many.snsPublishes).toBe(2 * few.snsPublishes);
  expect(many.dynamoStorage).toBeCloseTo(2 * few.dynamoStorage);
  expect(many.dataOut).toBeCloseTo(2 * few.dataOut);
  expect(many.logIngestion / few.logIngestion).toBeCloseTo(2, 1);
  expect(many.lambdaCompute / few.lambdaCompute).toBeCloseTo(2, 1);
});

test('half as many polls are half the requests, and just as many changes', () => {
  const [often, seldom] = [useOf({}), useOf({ every: 2 })];
  expect(often.requests).toBe(2 * seldom.requests);
  const ofShard = (polls: number) => 2 * polls;
  expect(often.quantities.dynamoWrites - ofShard(43_200)).toBe(seldom.quantities.dynamoWrites - ofShard(21_600));
});

test('of ten polls one lists all transfers, the others the active ones and what has ended', () => {
  const { requests, quantities } = useOf({ fullListingEvery: 10 });
  expect(requests).toBeCloseTo(43_200 * (0.1 * 11 + 0.9 * 1) + 1000 * 0.9 * 2);
  expect(quantities.dataOut).toBeLessThan(quantitiesOf({}).dataOut / 4);
  const quiet = useOf({ fullListingEvery: 10, changes: 0 });
  expect(quiet.quantities.dynamoReads).toBeCloseTo(43_200 * (0.1 * 1 + 0.9 * 0.5 + 1 + 3));
});

test('a watch that has not changed for an hour is polled as seldom as is said', () => {
  const never = useOf({ changes: 0, quietEvery: 15 });
  expect(never.requests).toBe((43_200 / 15) * 11);
  const always = useOf({ changes: 1_000_000, quietEvery: 15 });
  expect(always.requests).toBeCloseTo(43_200 * 11);
  const now = useOf({ changes: 72, quietEvery: 15 });
  const busy = 1 - Math.exp(-0.1);
  expect(now.requests).toBeCloseTo(43_200 * 11 * (busy + (1 - busy) / 15));
});

test('where quiet watches are polled seldom, each poll that finds something notes it', () => {
  const writes = (quietEvery?: number) =>
    quantitiesOf({ ...(quietEvery && { quietEvery }), watches: 100, changes: 100 }).dynamoWrites;
  expect(writes(1) - writes()).toBe(100 * 100);
});

test('there are as many shards for watches that are quiet as for others, since they need not stay so', () => {
  expect(useOf({ watches: 10_000, quietEvery: 60 }).shards).toBe(useOf({ watches: 10_000 }).shards);
});

test('more changes than polls are no negative number of quiet polls', () => {
  const { logIngestion } = quantitiesOf({ changes: 100_000, endpoints: 0 });
  const fanOuts = 100_000 * (800 + 340);
  expect(logIngestion * 1e9).toBeCloseTo(43_200 * (500 + 340 + 800 + 340) + 100_000 * 700 + fanOuts);
});

test('a listing waits for the first page and for the one that shows the end', () => {
  const waits = (requests: number) => pollDuration(1, installation, withPolls({ requests, cpu: 0 }), deployed);
  expect(waits(2) - waits(1)).toBe(100);
  expect(waits(6) - waits(2)).toBe(100);
  expect(waits(7) - waits(6)).toBe(100);
});

test('CPU counts where it takes longer than the server', () => {
  expect(pollDuration(10, installation, withPolls({ cpu: 1000 }), deployed)).toBeGreaterThan(10 * 1000 * (1769 / 512));
});

test('there are as many shards as it takes for each to end within its interval', () => {
  const many = { ...installation, watches: 10_000 };
  const shards = shardsFor(many, measured, deployed);
  const duration = (of: number) => pollDuration(Math.ceil(10_000 / of), many, measured, deployed);
  expect(duration(shards)).toBeLessThanOrEqual(48_000);
  expect(duration(shards - 1)).toBeGreaterThan(48_000);
  expect(shardsFor(installation, measured, deployed)).toBe(1);
});

test('a server that no number of shards makes fast enough ends in a shard for each watch', () => {
  expect(shardsFor({ ...installation, watches: 3 }, withPolls({ requests: 1_000_000 }), deployed)).toBe(3);
});

test('requests at the same time are those of a second, for as long as each takes', () => {
  const many = { watches: 10_000, pageLatency: 100 };
  expect(useOf(many).requestsAtOnce).toBeCloseTo(183.3, 1);
  expect(useOf({ ...many, pageLatency: 300 }).requestsAtOnce).toBeCloseTo(550, 1);
  expect(useOf({ ...many, fullListingEvery: 10 }).requestsAtOnce).toBeCloseTo(33.3, 1);
  expect(useOf({ ...many, quietEvery: 60 }).requestsAtOnce).toBeCloseTo(183.3, 1);
});

test('the largest number of watches is one whose requests fit into what may be under way', () => {
  const most = mostWatches(installation, measured, 5, 16);
  const { requestsAtOnce } = useOf({ watches: most, every: 5 });
  expect(requestsAtOnce).toBeLessThanOrEqual(0.8 * 16);
  expect(useOf({ watches: most + 5, every: 5 }).requestsAtOnce).toBeGreaterThan(0.8 * 16);
});

test('a longer client id is that many bytes more in each request', () => {
  const bytes = (clientIdLength: number) => quantitiesOf({ clientIdLength }).dataOut * 1e9;
  expect(bytes(550) - bytes(50)).toBeCloseTo(500 * 43_200 * 11, -1);
});

/** As measured, but for full listings. */
function withPolls(all: Partial<MeasuredUse['polls']['all']>): MeasuredUse {
  return { ...measured, polls: { ...measured.polls, all: { ...measured.polls.all, ...all } } };
}
