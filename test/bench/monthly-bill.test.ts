import { describe, expect, test } from 'vitest';
import { deliveryCosts } from './delivery-costs.ts';
import { alarmMetricsOf, synthesiseStack } from './deployed-stack.ts';
import { monthlyBill, networkCost, totalOf } from './monthly-bill.ts';
import { deployed, installation, measured, quantitiesOf, useOf } from './monthly-example.ts';
import { hoursWithChange } from './monthly-quantities.ts';
import { monthlyUse } from './monthly-use.ts';
import { alwaysFree, type Billed, billed, type Region, regions } from './prices.ts';
import type { Installation } from './use.ts';

const everyRegion = Object.keys(regions) as Region[];
const items = Object.keys(billed) as Billed[];
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

  test('the stack has notices filtered, no dashboard, and Lambda log no invocation that succeeds', () => {
    const stack = synthesiseStack(false);
    stack.remove();
    expect(stack.deployed).toMatchObject({ noticesAreFiltered: true, dashboards: 0, platformLog: 0 });
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
