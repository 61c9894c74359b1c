import { expect, test } from 'vitest';
import { alarmMetricsOf } from './deployed-stack.ts';
import { monthlyBill, networkCost, totalOf } from './monthly-bill.ts';
import {
  type Deployed,
  type Installation,
  type MeasuredUse,
  monthlyUse,
  pollDuration,
  shardsFor,
} from './monthly-use.ts';
import { alwaysFree, type Billed, billed, type Region, regions } from './prices.ts';

const installation: Installation = {
  name: 'one watch',
  watches: 1,
  transfers: 1000,
  every: 1,
  pagesAtOnce: 4,
  pageLatency: 100,
  changes: 1000,
  endpoints: 1,
  emails: 0,
};

const measured: MeasuredUse = {
  quiet: { read: 1, write: 0, requests: 11, cpu: 14 },
  change: { read: 3, write: 5 },
  registryReads: 0.03,
  webhooks: {
    event: { read: 1, write: 1 },
    notice: { read: 1, write: 0 },
    creation: { read: 0, write: 3 },
    delivery: { read: 4, write: 6 },
    sweep: { read: 3, write: 0 },
  },
  logs: { poll: 500, watch: 700, fanOut: 800, deliver: 1000, sweep: 800 },
};

const deployed: Deployed = {
  memory: { poll: 512, fanOut: 256, deliver: 512, sweep: 256 },
  listenedQueues: 2,
  secrets: 1,
  customMetrics: 10,
  dashboards: 1,
  alarmMetrics: 18,
};

const everyRegion = Object.keys(regions) as Region[];
const items = Object.keys(billed) as Billed[];
const useOf = (changed: Partial<Installation>) => monthlyUse({ ...installation, ...changed }, measured, deployed);
const quantitiesOf = (changed: Partial<Installation>) => useOf(changed).quantities;

test('a quiet watch costs one read for each poll, beside the registry, its shard and the sweeps', () => {
  const { dynamoReads, dynamoWrites } = quantitiesOf({ changes: 0, endpoints: 0 });
  expect(dynamoReads).toBe(43_200 * (1 + 1 + 3));
  expect(dynamoWrites).toBe(43_200 * 2);
});

test('a change costs the writes of its poll, its event and its delivery', () => {
  const quiet = quantitiesOf({ changes: 0 }).dynamoWrites;
  expect(quantitiesOf({}).dynamoWrites - quiet).toBe(1000 * (5 + 1 + 3 + 6));
  expect(quantitiesOf({ endpoints: 2 }).dynamoWrites - quiet).toBe(1000 * (5 + 1 + 2 * (3 + 6)));
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

test('more changes than polls are no negative number of quiet polls', () => {
  const { dynamoReads } = quantitiesOf({ changes: 100_000, endpoints: 0 });
  expect(dynamoReads).toBe(100_000 * (3 + 1 + 1) + 43_200 * (1 + 3));
});

test('a listing waits for the first page and for the one that shows the end', () => {
  const waits = (requests: number) =>
    pollDuration(1, installation, { ...measured, quiet: { ...measured.quiet, requests, cpu: 0 } }, deployed);
  expect(waits(2) - waits(1)).toBe(100);
  expect(waits(6) - waits(2)).toBe(100);
  expect(waits(7) - waits(6)).toBe(100);
});

test('CPU counts where it takes longer than the server', () => {
  const busy: MeasuredUse = { ...measured, quiet: { ...measured.quiet, cpu: 1000 } };
  expect(pollDuration(10, installation, busy, deployed)).toBeGreaterThan(10 * 1000 * (1769 / 512));
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
  const slow: MeasuredUse = { ...measured, quiet: { ...measured.quiet, requests: 1_000_000 } };
  expect(shardsFor({ ...installation, watches: 3 }, slow, deployed)).toBe(3);
});

test.each(everyRegion)('in %s everything has a price, and so has the network', (region) => {
  for (const item of items) expect(regions[region].prices[item], item).toBeGreaterThan(0);
  for (const price of Object.values(regions[region].network)) expect(price).toBeGreaterThan(0);
});

test.each(everyRegion)('in %s the lines add up to the totals', (region) => {
  const { lines, beforeAlarms, alarms } = monthlyBill(quantitiesOf({ watches: 10 }), region);
  const { gross, net } = totalOf(lines);
  expect(lines.map(({ item }) => item)).toEqual(items);
  expect(beforeAlarms.gross + alarms.gross).toBeCloseTo(gross, 10);
  expect(beforeAlarms.net + alarms.net).toBeCloseTo(net, 10);
});

test('no line is negative, and none costs more with the free amounts than without them', () => {
  for (const watches of [1, 100, 10_000]) {
    for (const { gross, net } of monthlyBill(quantitiesOf({ watches }), 'us-east-1').lines) {
      expect(net).toBeGreaterThanOrEqual(0);
      expect(net).toBeLessThanOrEqual(gross);
    }
  }
});

test('only what goes beyond the free amount is charged', () => {
  const zero = Object.fromEntries(items.map((item) => [item, 0])) as Record<Billed, number>;
  const free = monthlyBill({ ...zero, ...alwaysFree }, 'us-east-1');
  expect(totalOf(free.lines).net).toBe(0);
  const more = monthlyBill({ ...zero, sqsRequests: 3e6 }, 'us-east-1');
  expect(totalOf(more.lines)).toEqual({ gross: expect.closeTo(1.2), net: expect.closeTo(0.8) });
});

test('alarms stand apart', () => {
  const { alarms, beforeAlarms } = monthlyBill(quantitiesOf({}), 'us-east-1');
  expect(alarms).toEqual({ gross: expect.closeTo(1.8), net: expect.closeTo(0.8) });
  const without = monthlyUse(installation, measured, { ...deployed, alarmMetrics: 0 });
  expect(monthlyBill(without.quantities, 'us-east-1').beforeAlarms).toEqual(beforeAlarms);
});

test('an alarm costs as much as the metrics it looks at, expressions aside', () => {
  expect(alarmMetricsOf({})).toBe(1);
  expect(alarmMetricsOf({ Metrics: [{}, { MetricStat: {} }, { MetricStat: {} }] })).toBe(2);
});

test('a private network costs by the hour, however little goes through it', () => {
  const { natGateway, interfaceEndpoints } = networkCost(useOf({}), 'us-east-1');
  expect(natGateway).toBeGreaterThan(720 * 0.045);
  expect(natGateway).toBeLessThan(34);
  expect(interfaceEndpoints).toBeCloseTo(2 * 720 * 0.01, 1);
});
