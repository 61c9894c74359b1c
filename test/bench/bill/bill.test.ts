import { describe, expect, test } from 'vitest';
import { readStack } from '#test/bench/deployed/deployed-stack.ts';
import { type Installation, ordinary } from './installations.ts';
import type { MeasuredUse } from './measured-use.ts';
import { monthlyUse } from './month.ts';
import { deliveryCosts, linesOf, monthlyBill } from './monthly-bill.ts';
import { mostWatches, pollDuration, shardsFor } from './polls-of-month.ts';
import { type Billed, items, type Quantities } from './prices.ts';

const small = { name: 'one watch', watches: 1, transfers: 1000, changes: 1000 };
const installation: Installation = { ...ordinary, ...small, pagesAtOnce: 4 };

/** Measurements in round figures. */
const measured: MeasuredUse = {
  polls: {
    tick: { read: 1, write: 0 },
    busyTick: { read: 0, write: 2 },
    all: { read: 1, write: 0, requests: 11, cpu: 14, change: { read: 2, write: 5, requests: 0 } },
    active: { read: 0.5, write: 0, requests: 1, cpu: 2, change: { read: 3, write: 5, requests: 2 } },
    transferBytes: 300,
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
    sweep: { read: 3, write: 0 },
  },
  readers: {
    creation: { read: 0, write: 2 },
    examined: { read: 0.1, write: 0 },
    swept: { read: 2, write: 0 },
    digest: { read: 10, write: 8 },
    told: { read: 2, write: 3 },
    counted: { read: 1, write: 2 },
    stored: { delivery: 700, digest: 3000 },
  },
  stored: { event: 900, delivery: 800 },
  logs: { tick: 500, quiet: 20, changed: 700, fanOut: 800, deliver: 400, delivery: 600, sweep: 800 },
  metrics: { always: 3, changing: 4 },
  requestBytes: 440,
  deployed: {
    memory: { poll: 512, fanOut: 256, deliver: 512, sweep: 256 },
    listenedQueues: 2,
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
/** Milliseconds of a poll: overheads, and five rounds of requests. */
const pollMs = 40 + 10 + 5 * 100;
const compute = (megabytes: number, durationMs: number) => (megabytes * durationMs) / 1_024_000;
const computeQuiet = compute(512, minutes * pollMs) + compute(256, minutes * 100);
const logged = (quietPolls: number, ofChanges: number) =>
  (minutes * (500 + 800 + 2 * 340) + quietPolls * 20 + ofChanges) / 1e9;
const sent = (requests: number, webhooks: number) => (requests * (440 + 50 + 285) + webhooks * 1500) / 1e9;
const whileBusy = 1 - Math.exp(-72 / 720);
const pollsOfQuiet = minutes * (whileBusy + (1 - whileBusy) / 15);

/** Mails of a month with 1,000 separate changes, a digest for each day with news, by the number of readers. */
const mailed = (readers: number) => readers * 30 * (1 - Math.exp(-1000 / readers / 30));

/** An installation differs by these settings, and uses this much of an item in a month. */
type Row = readonly [requirement: string, Partial<Installation>, Billed, quantity: number];

describe('monthlyUse', () => {
  test.each<Row>([
    ['counts reads of ticks, polls and sweeps', { changes: 0 }, 'dynamoReads', minutes * (1 + 1 + 3)],
    ['counts writes of leases', { changes: 0 }, 'dynamoWrites', minutes * 2],
    ['counts reads of a change, its event, its delivery', {}, 'dynamoReads', minutes * 5 + 1000 * (2 + 1 + 4)],
    ['counts writes of a change, its event, its delivery', {}, 'dynamoWrites', minutes * 2 + 1000 * (5 + 1 + 9)],
    ['counts writes of each delivery', { endpoints: 2 }, 'dynamoWrites', minutes * 2 + 1000 * (5 + 1 + 2 * 9)],
    ['stores an event that no endpoint wants', { endpoints: 0 }, 'dynamoWrites', minutes * 2 + 1000 * (5 + 2)],
    ['counts the writes of a burst', { together: 100 }, 'dynamoWrites', minutes * 2 + 1000 * (5 + 1 + 3)],
    ['notes changes if quiet watches wait', { quietEvery: 1 }, 'dynamoWrites', minutes * 2 + 1000 * (15 + 1)],
    ['polls half as much in twice the interval', { every: 2 }, 'dynamoWrites', (minutes / 2) * 2 + 1000 * 15],
    ['keeps rows of transfers and deliveries', {}, 'dynamoStorage', (1000 * (300 + 900 + 800)) / 1e9],
    ['keeps a backup of rows', {}, 'dynamoBackup', (1000 * (300 + 900 + 800)) / 1e9],
    ['computes polls and sweeps', { changes: 0 }, 'lambdaCompute', computeQuiet],
    ['computes deliveries', {}, 'lambdaCompute', computeQuiet + compute(512, 350_000) + compute(256, 60_000)],
    ['invokes four functions', {}, 'lambdaRequests', minutes * 2 + 1000 * 2],
    ['shares invocations in a burst', { together: 100 }, 'lambdaRequests', minutes * 2 + (1000 / 5) * 2],
    ['schedules ticks and sweeps', {}, 'schedulerInvocations', minutes * 2],
    ['sends, receives and deletes messages', {}, 'sqsRequests', 2 * 650_000 + 1000 * (3 + 3)],
    ['shares messages in a burst', { together: 100 }, 'sqsRequests', 2 * 650_000 + 1000 * (1 + 2 / 5 + 3 / 5)],
    ['shares an invocation among two events', { together: 2 }, 'sqsFairness', 500],
    ['publishes each event', {}, 'snsPublishes', 1000],
    ['publishes ten events at once', { together: 100 }, 'snsPublishes', 1000 / 10],
    ['asks for a key with each of few publications', { changes: 100 }, 'kmsRequests', 2 * 100],
    ['asks for a key every five minutes', { watches: 10_000 }, 'kmsRequests', 2 * 2 * 8640],
    ['reads the secret every five minutes', { changes: 0 }, 'secretCalls', 8640],
    ['reads the secret for few deliveries', {}, 'secretCalls', 8640 + 1000],
    ['logs polls, changes and deliveries', {}, 'logIngestion', logged(minutes - 1000, 1000 * (2500 + 2 * 340))],
    ['counts no negative quiet polls', { changes: 1e5, endpoints: 0 }, 'logIngestion', logged(0, 1e5 * (1500 + 340))],
    ['sends the metrics of every tick', { changes: 0 }, 'customMetrics', 3],
    ['sends others in busy hours', { changingHours: 180 }, 'customMetrics', 3 + (4 / 4) * (1 - Math.exp(-1000 / 180))],
    ['sends the requests of full listings', { changes: 0 }, 'dataOut', sent(minutes * 11, 0)],
    ['sends webhooks', {}, 'dataOut', sent(minutes * 11, 1000)],
    ['sends the client id', { changes: 0, clientIdLength: 50 + 775 }, 'dataOut', 2 * sent(minutes * 11, 0)],
    ['asks for transfers that ended', { fullListingEvery: 10 }, 'dataOut', sent(minutes * 2 + 1000 * 1.8, 1000)],
    ['reads less for active transfers', { fullListingEvery: 10, changes: 0 }, 'dynamoReads', minutes * (0.55 + 1 + 3)],
    ['polls a quiet watch seldom', { changes: 0, quietEvery: 15 }, 'dataOut', sent((minutes / 15) * 11, 0)],
    ['polls a busy watch often', { changes: 72, quietEvery: 15 }, 'dataOut', sent(pollsOfQuiet * 11, 72)],
    ['counts metrics of alarms', {}, 'alarmMetrics', 18],
  ])('%s', (_, changed, item, quantity) => {
    expect(useOf(changed).quantities[item]).toBeCloseTo(quantity, 6);
  });

  const [daily, atOnce] = [{ readers: 20 }, { readers: 20, isAtOnce: true }];
  const digests = mailed(20);
  const perDigest = 1000 / digests;

  test.each<Row>([
    ['nothing if there are none', { readers: 0, isAtOnce: true }, 'dynamoReads', 0],
    ['a mail for each day with news', daily, 'snsEmails', digests],
    ['a mail for each change at once', atOnce, 'snsEmails', 1000],
    ['a mail for all changes of a poll', { ...atOnce, together: 100 }, 'snsEmails', 10],
    ['a publication for each mail', daily, 'snsPublishes', digests],
    ['a data key for each mail, if they are few', daily, 'kmsRequests', 2 * digests],
    [
      'reads of their rows by fan-out and sweeps, and of gathering',
      daily,
      'dynamoReads',
      1000 * 20 * 0.1 + minutes * 20 * 2 + digests * (10 + 2 * perDigest),
    ],
    ['writes of waiting, plan, marks', daily, 'dynamoWrites', 1000 * 2 + digests * (8 + 3 * perDigest)],
    [
      'writes of events that are only counted',
      { ...atOnce, together: 100 },
      'dynamoWrites',
      1000 * 2 + 10 * (8 + 20 * 3 + 80 * 2),
    ],
    ['rows of waiting events and digests', daily, 'dynamoStorage', (1000 * 700 + digests * 3000) / 1e9],
    ['a wake-up for each digest', daily, 'sqsRequests', 3 * digests],
    ['messages of fan-out to itself from 50 endpoints on', { readers: 149 }, 'lambdaRequests', 2000 + mailed(149)],
    ['their sends, receives and deletions', { readers: 149 }, 'sqsRequests', 3 * 2000 + 3 * mailed(149)],
  ])('adds for readers %s', (_, changed, item, quantity) => {
    const without = { ...changed, readers: 0 };
    const added = useOf(changed).quantities[item] - useOf(without).quantities[item];
    expect(added).toBeCloseTo(quantity, 6);
  });

  test('reads the rows of other shards as far as that was measured', () => {
    const many = { watches: 1000, transfers: 100, changes: 0 };
    const deployed = { ...measured.deployed, memory: { ...measured.deployed.memory, poll: 64 } };
    const { shards, quantities } = useOf(many, { deployed });
    const besides = useOf(many, { deployed, registry: { own: 0.03, others: 0.03 } }).quantities;
    expect(shards).toBeGreaterThan(1);
    expect(besides.dynamoReads - quantities.dynamoReads).toBe(minutes * shards * (30 - Math.ceil(30 / shards)));
  });
});

describe('pollDuration', () => {
  test('waits for the first page and for the one that shows the end, or for the CPU', () => {
    const waits = (requests: number) => pollDuration(1, installation, withFullListings({ requests, cpu: 0 }));
    expect([1, 2, 6, 7].map((requests) => waits(requests) - waits(1))).toEqual([0, 100, 200, 300]);
    expect(pollDuration(10, installation, withFullListings({ cpu: 1000 }))).toBe(40 + (10 * 1000 * 1769) / 512);
  });
});

describe('shardsFor', () => {
  test('finds the least number of shards that end within their interval', () => {
    const many = { ...installation, watches: 10_000 };
    const durationOf = (parts: number) => pollDuration(Math.ceil(10_000 / parts), many, measured);
    const shards = shardsFor(many, measured);
    expect(durationOf(shards)).toBeLessThanOrEqual(48_000);
    expect(durationOf(shards - 1)).toBeGreaterThan(48_000);
    expect(shardsFor({ ...many, quietEvery: 60 }, measured)).toBe(shards);
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
    monthlyBill({ ...useOf({}), quantities: { ...nothing, ...quantities } }, 'us-east-1');

  test('charges for the quantity beyond the free one, and keeps alarms apart', () => {
    const { beforeAlarms, alarms } = billOf({ sqsRequests: 3e6, lambdaCompute: 400_000, alarmMetrics: 18 });
    expect(beforeAlarms).toEqual({ gross: expect.closeTo(1.2 + 400_000 * 0.0000133334), net: expect.closeTo(0.8) });
    expect(alarms).toEqual({ gross: expect.closeTo(1.8), net: expect.closeTo(0.8) });
  });

  test('charges a private network by the hour, however little goes through it', () => {
    const { natGateway, interfaceEndpoints } = billOf({}).network;
    expect(natGateway).toBeCloseTo(720 * 0.045 + 0.2, 0);
    expect(natGateway).toBeGreaterThan(720 * 0.045);
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
      [...deliveryCosts({ together: 1, endpoints }, measured, 'us-east-1').values()].reduce((a, b) => a + b);
    const gross = (endpoints: number) =>
      monthlyBill(useOf({ watches: 1000, endpoints }), 'us-east-1').beforeAlarms.gross;
    // Two endpoints share each event and its publication.
    expect(gross(2) - gross(1)).toBeCloseTo(2 * sum(2) - sum(1), 0);
    expect(sum(1) - sum(2)).toBeGreaterThan(0);
  });
});

describe('readStack', () => {
  test('finds no dashboard, and no line of Lambda for an invocation that succeeds', () => {
    expect(readStack()).toMatchObject({ dashboards: 0, platformLog: 0, listenedQueues: 2 });
  });
});
