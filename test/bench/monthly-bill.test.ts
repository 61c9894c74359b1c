import { describe, expect, test } from 'vitest';
import { deliveryCosts } from './delivery-costs.ts';
import { alarmMetricsOf } from './deployed-stack.ts';
import { mostWatches } from './largest-size.ts';
import { monthlyBill, networkCost, totalOf } from './monthly-bill.ts';
import { pollDuration, shardsFor } from './monthly-polls.ts';
import { hoursWithChange } from './monthly-quantities.ts';
import { type Deployed, type Installation, type MeasuredUse, monthlyUse } from './monthly-use.ts';
import { alwaysFree, type Billed, billed, type Region, regions } from './prices.ts';

const installation: Installation = {
  name: 'one watch',
  watches: 1,
  transfers: 1000,
  activeShare: 0.05,
  every: 1,
  fullListingEvery: 1,
  pagesAtOnce: 4,
  pageLatency: 100,
  clientIdLength: 50,
  changes: 1000,
  changingHours: 720,
  together: 1,
  endpoints: 1,
  chats: 0,
  emails: 0,
};

const measured: MeasuredUse = {
  polls: {
    tick: { read: 1, write: 0 },
    busyTick: { read: 0, write: 2 },
    all: { read: 1, write: 0, requests: 11, cpu: 14, change: { read: 2, write: 5, requests: 0 } },
    active: { read: 0.5, write: 0, requests: 1, cpu: 2, change: { read: 3, write: 5, requests: 2 } },
  },
  registry: { own: 0.03, others: 0 },
  webhooks: {
    alone: {
      unwanted: { read: 1, write: 2 },
      event: { read: 1, write: 1 },
      creation: { read: 0, write: 3 },
      delivery: { read: 4, write: 6 },
    },
    burst: {
      unwanted: { read: 0.2, write: 2 },
      event: { read: 0.2, write: 1 },
      creation: { read: 0, write: 1 },
      delivery: { read: 1, write: 2 },
    },
    notice: { read: 1, write: 0 },
    sweep: { read: 3, write: 0 },
  },
  stored: { transfer: 300, event: 900, delivery: 800 },
  logs: { tick: 500, quiet: 0, changed: 700, fanOut: 800, deliver: 400, delivery: 600, sweep: 800 },
  metrics: { always: 3, changing: 4 },
  requestBytes: 440,
};

const deployed: Deployed = {
  memory: { poll: 512, fanOut: 256, deliver: 512, sweep: 256 },
  listenedQueues: 2,
  noticesAreFiltered: true,
  secrets: 1,
  dashboards: 1,
  alarmMetrics: 18,
};

const everyRegion = Object.keys(regions) as Region[];
const items = Object.keys(billed) as Billed[];
const useOf = (changed: Partial<Installation>) => monthlyUse({ ...installation, ...changed }, measured, deployed);
const quantitiesOf = (changed: Partial<Installation>) => useOf(changed).quantities;

describe('polls:', () => {
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
    expect(pollDuration(10, installation, withPolls({ cpu: 1000 }), deployed)).toBeGreaterThan(
      10 * 1000 * (1769 / 512),
    );
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
});

describe('deliveries:', () => {
  test('a change costs the writes of its poll, its event and its delivery', () => {
    const quiet = quantitiesOf({ changes: 0 }).dynamoWrites;
    expect(quantitiesOf({}).dynamoWrites - quiet).toBe(1000 * (5 + 1 + 3 + 6));
    expect(quantitiesOf({ endpoints: 2 }).dynamoWrites - quiet).toBe(1000 * (5 + 1 + 2 * (3 + 6)));
  });

  test('an event that no endpoint wants is stored all the same', () => {
    const quiet = quantitiesOf({ changes: 0 }).dynamoWrites;
    expect(quantitiesOf({ endpoints: 0 }).dynamoWrites - quiet).toBe(1000 * (5 + 2));
  });

  test('events of a burst share invocations, messages and publications', () => {
    const [alone, burst] = [quantitiesOf({}), quantitiesOf({ together: 100 })];
    const idle = 2 * 650_000;
    expect(alone.sqsRequests - idle).toBe(1000 * (3 + 3));
    expect(burst.sqsRequests - idle).toBeCloseTo(1000 * (1 + 2 / 5 + 3 / 5));
    expect(alone.snsPublishes).toBe(1000 * 2);
    expect(burst.snsPublishes).toBeCloseTo(1000 * (1 / 10 + 1 / 100));
    expect(alone.lambdaRequests - burst.lambdaRequests).toBeCloseTo(1000 * 2 * (1 - 1 / 5));
    expect(alone.dynamoWrites - burst.dynamoWrites).toBeCloseTo(1000 * (10 - 4));
  });

  test('two events at once share an invocation of two', () => {
    expect(quantitiesOf({ together: 2 }).sqsFairness).toBe(500);
  });

  test('notices go to the queue only if a chat wants them or no filter keeps them', () => {
    const sent = (changed: Partial<Installation>, noticesAreFiltered: boolean) =>
      monthlyUse({ ...installation, ...changed }, measured, { ...deployed, noticesAreFiltered }).quantities.sqsRequests;
    const without = sent({}, true);
    expect(sent({}, false) - without).toBe(1000 * 3);
    expect(sent({ chats: 1 }, true) - without).toBe(1000 * (3 + 3));
    expect(sent({ chats: 1, together: 100 }, true) - sent({ together: 100 }, true)).toBeCloseTo(10 * (3 + 3));
  });

  test('a chat costs the writes of the notice and of its delivery', () => {
    const without = quantitiesOf({}).dynamoWrites;
    expect(quantitiesOf({ chats: 1 }).dynamoWrites - without).toBe(1000 * (1 + 3 + 6));
    expect(quantitiesOf({ chats: 2 }).dynamoWrites - without).toBe(1000 * (1 + 2 * (3 + 6)));
  });

  test('a million of them costs as much as they add to a bill', () => {
    const costs = deliveryCosts({ together: 1, endpoints: 1, chats: 0 }, measured, deployed, 'us-east-1');
    const sum = [...costs.values()].reduce((total, dollars) => total + dollars, 0);
    const gross = (changed: Partial<Installation>) =>
      monthlyBill(
        monthlyUse({ ...installation, watches: 1000, ...changed }, measured, deployed).quantities,
        'us-east-1',
      ).beforeAlarms.gross;
    const publications = 2 * 0.5;
    expect(sum - publications).toBeGreaterThan(0);
    expect(gross({}) - gross({ endpoints: 0 })).toBeLessThan(sum);
    const ofTwo = deliveryCosts({ together: 1, endpoints: 2, chats: 0 }, measured, deployed, 'us-east-1');
    const more = [...ofTwo.values()].reduce((total, dollars) => total + dollars, 0);
    // Two endpoints share each event.
    expect(gross({ endpoints: 2 }) - gross({})).toBeCloseTo(2 * more - sum, 0);
  });
});

describe('what is always there:', () => {
  test('topics ask for a data key once in five minutes for each function that publishes, or for each publication', () => {
    expect(quantitiesOf({ changes: 100 }).kmsRequests).toBe(2 * 2 * 100);
    expect(quantitiesOf({ watches: 10_000 }).kmsRequests).toBe(2 * 2 * 2 * 8640);
  });

  test('a metric costs for the hours in which it is sent', () => {
    expect(quantitiesOf({ changes: 0 }).customMetrics).toBe(3);
    expect(quantitiesOf({ watches: 10_000 }).customMetrics).toBeCloseTo(3 + 4);
    expect(quantitiesOf({ changingHours: 180 }).customMetrics).toBeCloseTo(3 + 4 / 4, 1);
  });

  test('changes at random leave hours without any', () => {
    expect(hoursWithChange(0, 720)).toBe(0);
    expect(hoursWithChange(720, 720)).toBeCloseTo(1 - 1 / Math.E);
    expect(hoursWithChange(1e6, 180)).toBeCloseTo(0.25);
  });
});

describe('the bill:', () => {
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
    const { natGateway, interfaceEndpoints } = networkCost(installation, useOf({}), 'us-east-1');
    expect(natGateway).toBeGreaterThan(720 * 0.045);
    expect(natGateway).toBeLessThan(34);
    expect(interfaceEndpoints).toBeCloseTo(2 * 720 * 0.01, 1);
  });
});

/** As measured, but for full listings. */
function withPolls(all: Partial<MeasuredUse['polls']['all']>): MeasuredUse {
  return { ...measured, polls: { ...measured.polls, all: { ...measured.polls.all, ...all } } };
}
