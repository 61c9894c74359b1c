import { describe, expect, test } from 'vitest';
import { readStack } from '#test/bench/deployed/deployed-stack.ts';
import type { Installation } from './installations.ts';
import type { MeasuredUse } from './measured-use.ts';
import { monthlyUse } from './month.ts';
import { deliveryCosts, linesOf, monthlyBill } from './monthly-bill.ts';
import { mostWatches, pollDuration, shardsFor } from './polls-of-month.ts';
import { type Billed, items, type Quantities } from './prices.ts';

/** One watch with the ordinary settings but for four requests in flight. */
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

/** Measurements in round figures. */
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
  transferBytes: 300,
  stored: { event: 900, delivery: 800 },
  logs: { tick: 500, quiet: 0, changed: 700, fanOut: 800, deliver: 400, delivery: 600, sweep: 800 },
  metrics: { always: 3, changing: 4 },
  requestBytes: 440,
  deployed: {
    memory: { Poll: 512, FanOut: 256, Deliver: 512, Sweep: 256 },
    listenedQueues: 2,
    noticesAreFiltered: true,
    platformLog: 340,
    secrets: 1,
    dashboards: 1,
    alarmMetrics: 18,
  },
};

const useOf = (changed: Partial<Installation>, other: Partial<MeasuredUse> = {}) =>
  monthlyUse({ ...installation, ...changed }, { ...measured, ...other });
const withFullListings = (all: Partial<MeasuredUse['polls']['all']>): MeasuredUse => ({
  ...measured,
  polls: { ...measured.polls, all: { ...measured.polls.all, ...all } },
});

/** Minutes of a month: ticks of a shard, and sweeps. */
const minutes = 43_200;
/** Write units of the leases of a shard. */
const leases = 2 * minutes;
/** Receive calls at the queues while they are empty. */
const idle = 2 * 650_000;
const requestBytes = 440 + 50 + 285;
const compute = (megabytes: number, durationMs: number) => (megabytes * durationMs) / 1_024_000;
const busyIn72Changes = 1 - Math.exp(-0.1);

describe('monthlyUse', () => {
  test.each<[title: string, Partial<Installation>, Partial<Quantities>]>([
    [
      'counts polls, leases and sweeps where nothing changes',
      { changes: 0 },
      {
        dynamoReads: minutes * (1 + 1 + 3),
        dynamoWrites: leases,
        lambdaCompute: compute(512, minutes * (40 + 500 + 10)) + compute(256, minutes * 100),
        lambdaRequests: 2 * minutes,
        schedulerInvocations: 2 * minutes,
        sqsRequests: idle,
        customMetrics: 3,
        secretCalls: 8640,
        dataOut: (minutes * 11 * requestBytes) / 1e9,
      },
    ],
    [
      'adds the poll, the event and the delivery of each change',
      {},
      {
        dynamoReads: minutes * (1 + 1 + 3) + 1000 * (2 + 1 + 4),
        dynamoWrites: leases + 1000 * (5 + 1 + 3 + 6),
        dynamoStorage: (1000 * (300 + 900 + 800)) / 1e9,
        dynamoBackup: (1000 * (300 + 900 + 800)) / 1e9,
        lambdaCompute: compute(512, minutes * 550 + 1000 * (100 + 250)) + compute(256, minutes * 100 + 1000 * 60),
        lambdaRequests: 2 * minutes + 2000,
        sqsRequests: idle + 1000 * (3 + 3),
        snsPublishes: 2000,
        secretCalls: 8640 + 1000,
        logIngestion: (minutes * (500 + 800 + 2 * 340) + 1000 * (700 + 800 + 400 + 600 + 2 * 340)) / 1e9,
        dataOut: (minutes * 11 * requestBytes + 1000 * 1500) / 1e9,
        alarmMetrics: 18,
        dashboards: 1,
        secrets: 1,
      },
    ],
    ['adds a delivery for each endpoint', { endpoints: 2 }, { dynamoWrites: leases + 1000 * (5 + 1 + 2 * (3 + 6)) }],
    ['stores an event that no endpoint wants', { endpoints: 0 }, { dynamoWrites: leases + 1000 * (5 + 2) }],
    [
      'shares invocations, messages and publications among the events of a burst',
      { together: 100 },
      {
        dynamoWrites: leases + 1000 * (5 + 1 + 1 + 2),
        lambdaRequests: 2 * minutes + (1000 * 2) / 5,
        sqsRequests: idle + 1000 * (1 + 2 / 5 + 3 / 5),
        snsPublishes: 1000 * (1 / 10 + 1 / 100),
      },
    ],
    ['shares an invocation among two events', { together: 2 }, { sqsFairness: 500 }],
    [
      'adds the notice and its delivery for a chat',
      { chats: 1 },
      { dynamoWrites: leases + 1000 * (5 + 10 + 10), sqsRequests: idle + 1000 * (6 + 6) },
    ],
    ['stores one notice for two chats', { chats: 2 }, { dynamoWrites: leases + 1000 * (5 + 10 + 1 + 2 * 9) }],
    ['sends one notice for a burst', { chats: 1, together: 100 }, { sqsRequests: idle + 1000 * 2 + 10 * 6 }],
    ['counts a data key for each publication while these are few', { changes: 100 }, { kmsRequests: 2 * 2 * 100 }],
    [
      'counts a data key once in five minutes for each function',
      { watches: 10_000 },
      { kmsRequests: 2 * 2 * 2 * 8640 },
    ],
    [
      'counts a metric for the hours in which it is sent',
      { changingHours: 180 },
      { customMetrics: 3 + (4 / 4) * (1 - Math.exp(-1000 / 180)) },
    ],
    [
      'halves the polls, not the changes, with twice the interval',
      { every: 2 },
      { dynamoWrites: leases / 2 + 1000 * 15, dataOut: (21_600 * 11 * requestBytes + 1000 * 1500) / 1e9 },
    ],
    [
      'lists the active transfers, and asks for ended ones, in nine polls of ten',
      { fullListingEvery: 10 },
      {
        dynamoReads: minutes * (0.1 * 1 + 0.9 * 0.5 + 1 + 3) + 1000 * (0.1 * 2 + 0.9 * 3 + 1 + 4),
        dataOut: ((minutes * (0.1 * 11 + 0.9 * 1) + 1000 * 0.9 * 2) * requestBytes + 1000 * 1500) / 1e9,
      },
    ],
    [
      'polls a watch that never changes in its quiet interval',
      { changes: 0, quietEvery: 15 },
      { dataOut: ((minutes / 15) * 11 * requestBytes) / 1e9 },
    ],
    [
      'polls a watch in its usual interval for the hour after a change, and notes the change',
      { changes: 72, quietEvery: 15 },
      {
        dataOut: (minutes * 11 * (busyIn72Changes + (1 - busyIn72Changes) / 15) * requestBytes + 72 * 1500) / 1e9,
        dynamoWrites: 2 * minutes * (busyIn72Changes + (1 - busyIn72Changes) / 15) + 72 * (15 + 1),
      },
    ],
    [
      'counts no negative number of quiet polls where changes are more than polls',
      { changes: 100_000, endpoints: 0 },
      { logIngestion: (minutes * (500 + 800 + 2 * 340) + 100_000 * (700 + 800 + 340)) / 1e9 },
    ],
    [
      'counts the client id in each request',
      { clientIdLength: 550, changes: 0 },
      { dataOut: (minutes * 11 * 1275) / 1e9 },
    ],
  ])('%s', (_, changed, expected) => {
    const { quantities } = useOf(changed);
    for (const [item, quantity] of Object.entries(expected)) {
      expect(quantities[item as Billed], item).toBeCloseTo(quantity, 6);
    }
  });

  test('sends notices to the queue where no filter keeps them', () => {
    const deployed = { ...measured.deployed, noticesAreFiltered: false };
    expect(useOf({}, { deployed }).quantities.sqsRequests).toBe(idle + 1000 * (6 + 3));
  });

  test('reads the rows of other shards as far as that was measured', () => {
    const many = { watches: 1000, transfers: 100, changes: 0 };
    const deployed = { ...measured.deployed, memory: { ...measured.deployed.memory, Poll: 64 } };
    const alone = useOf(many, { deployed });
    const besides = useOf(many, { deployed, registry: { own: 0.03, others: 0.03 } });
    const { shards } = alone;
    expect(shards).toBeGreaterThan(1);
    expect(besides.quantities.dynamoReads - alone.quantities.dynamoReads).toBe(
      minutes * shards * (30 - Math.ceil(30 / shards)),
    );
  });
});

describe('pollDuration', () => {
  test('waits for the first page and for the one that shows the end', () => {
    const waits = (requests: number) => pollDuration(1, installation, withFullListings({ requests, cpu: 0 }));
    expect([1, 2, 6, 7].map((requests) => waits(requests) - waits(1))).toEqual([0, 100, 200, 300]);
  });

  test('counts CPU where it takes longer than the server', () => {
    expect(pollDuration(10, installation, withFullListings({ cpu: 1000 }))).toBe(40 + (10 * 1000 * 1769) / 512);
  });
});

describe('shardsFor', () => {
  const many = { ...installation, watches: 10_000 };

  test('finds the least number of shards that end within their interval', () => {
    const shards = shardsFor(many, measured);
    const durationOf = (parts: number) => pollDuration(Math.ceil(10_000 / parts), many, measured);
    expect(durationOf(shards)).toBeLessThanOrEqual(48_000);
    expect(durationOf(shards - 1)).toBeGreaterThan(48_000);
    expect(useOf({ watches: 10_000, quietEvery: 60 }).shards).toBe(shards);
  });

  test('ends in a shard for each watch where the server is too slow for any number', () => {
    expect(shardsFor({ ...installation, watches: 3 }, withFullListings({ requests: 1_000_000 }))).toBe(3);
  });
});

describe('mostWatches', () => {
  test('finds the watches whose requests fit into those that may be in flight', () => {
    const most = mostWatches(installation, measured, 5, 16);
    const inFlight = (watches: number) => useOf({ watches, every: 5 }).requestsAtOnce;
    expect(inFlight(10_000)).toBeCloseTo((10_000 / 300) * 11 * 0.1);
    expect(inFlight(most)).toBeLessThanOrEqual(0.8 * 16);
    expect(inFlight(most + 1)).toBeGreaterThan(0.8 * 16);
  });
});

describe('monthlyBill', () => {
  const nothing = Object.fromEntries(Object.keys(items).map((item) => [item, 0])) as Record<Billed, number>;
  const billOf = (quantities: Partial<Quantities>) =>
    monthlyBill(installation, { ...useOf({}), quantities: { ...nothing, ...quantities } }, 'us-east-1');

  test('charges for the quantity beyond the free one', () => {
    const { beforeAlarms } = billOf({ sqsRequests: 3e6, lambdaCompute: 400_000 });
    expect(beforeAlarms.net).toBeCloseTo(0.8);
    expect(beforeAlarms.gross).toBeCloseTo(1.2 + 400_000 * 0.0000133334);
  });

  test('keeps alarms apart', () => {
    const { beforeAlarms, alarms } = billOf({ alarmMetrics: 18 });
    expect(alarms).toEqual({ gross: expect.closeTo(1.8), net: expect.closeTo(0.8) });
    expect(beforeAlarms).toEqual({ gross: 0, net: 0 });
  });

  test('charges a private network by the hour, however little goes through it', () => {
    const { natGateway, interfaceEndpoints } = billOf({}).network;
    expect(natGateway).toBeGreaterThan(720 * 0.045);
    expect(natGateway).toBeLessThan(34);
    expect(interfaceEndpoints).toBeCloseTo(2 * 720 * 0.01, 1);
  });

  test('takes the prices of the region', () => {
    const [reads] = linesOf({ ...nothing, dynamoReads: 2e6 }, 'eu-central-1');
    expect(reads).toMatchObject({ gross: 0.305, net: 0.305 });
  });
});

describe('deliveryCosts', () => {
  test('costs as much as a million deliveries add to a bill', () => {
    const sum = (endpoints: number) =>
      [...deliveryCosts({ together: 1, endpoints, chats: 0 }, measured, 'us-east-1').values()].reduce(
        (total, dollars) => total + dollars,
        0,
      );
    const gross = (endpoints: number) =>
      monthlyBill(installation, useOf({ watches: 1000, endpoints }), 'us-east-1').beforeAlarms.gross;
    // Two endpoints share each event and its publication.
    expect(gross(2) - gross(1)).toBeCloseTo(2 * sum(2) - sum(1), 0);
    expect(sum(1) - sum(2)).toBeGreaterThan(0);
  });
});

describe('readStack', () => {
  test('finds notices filtered, no dashboard, and no line of Lambda for an invocation that succeeds', () => {
    expect(readStack()).toMatchObject({ noticesAreFiltered: true, dashboards: 0, platformLog: 0, listenedQueues: 2 });
  });
});
