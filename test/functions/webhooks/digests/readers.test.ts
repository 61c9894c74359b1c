import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import type { TransferEvent } from '#functions/events/transfer-event.ts';
import { deliveryKey } from '#functions/webhooks/deliveries/delivery.ts';
import { sendTest } from '#functions/webhooks/deliveries/replay.ts';
import { usualReader } from '#functions/webhooks/endpoints/reader.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import { hour, minute, second, startEndpointWorld, world } from '#test/support/endpoint-world.ts';
import { exampleEvent } from '#test/support/webhook-world.ts';
import { announce, daily, declare, digestsOf, eventsIn, inBerlin, pass, passUntil } from './reader-world.ts';
import { expectToldOnce, mailedTo } from './told-once.ts';

beforeEach(startEndpointWorld);

/** True in the long search, which looks more often and at more events. */
const isLong = process.env.EVERY_CALL === '1';
/** Milliseconds between two looks where none is to find anything. */
const often = isLong ? minute : 10 * minute;

describe('a reader at once', () => {
  test('gets one message for what a poll announces in several batches within seconds', async () => {
    await declare(['anna']);
    const all = [];
    for (let batch = 0; batch < 3; batch += 1) {
      all.push(...(await announce(10)));
      await pass(3 * second);
    }
    await pass(second);
    expect(await eventsIn('anna')).toEqual([30]);
    await passUntil('2026-11-24T02:00:00Z');
    expect(await expectToldOnce(world, 'anna', all)).toHaveLength(1);
  });

  const most = isLong ? 10_000 : 1000;
  test(`gets one message about ${most} transfers that expire together`, async () => {
    await declare(['anna']);
    const all = [];
    for (let batch = 0; batch < most; batch += 500) all.push(...(await announce(500, 'DELETED_BY_EXPIRATION')));
    await world.takeWakeUps();
    await pass(11 * second);
    await passUntil('2026-11-24T01:00:00Z');
    expect(await digestsOf('anna')).toMatchObject([{ events: most, transfers: most, more: most - 20 }]);
    expect(world.mails[0]!.message.headline).toContain(most.toLocaleString('en'));
    expect(await expectToldOnce(world, 'anna', all)).toHaveLength(1);
  });
});

/** Two events whose waiting rows the embedded database cannot tell apart if they are due at one time. */
function lookalikes(): TransferEvent[] {
  const seen = new Map<string, TransferEvent>();
  for (let number = 0; ; number += 1) {
    const event = exampleEvent(`lookalike-${number}`);
    const { pk, sk } = deliveryKey({ event: event.id, endpoint: 'anna' });
    // https://github.com/architect/dynalite, hashPrefix in db/index.js
    const place = createHash('md5').update('Outliers').update(pk).update(sk).digest('hex').slice(0, 6);
    const other = seen.get(place);
    if (other) return [other, event];
    seen.set(place, event);
  }
}

test('a reader is told both of two events that the embedded database takes for one at the same time', async () => {
  await declare(['anna', daily]);
  const both = lookalikes();
  await world.fanOut(...both);
  await passUntil('2026-11-24T07:00:00Z');
  expect(await eventsIn('anna')).toEqual([2]);
});

describe('a reader daily at 07:30 in Berlin', () => {
  test('gets nothing before, and one message then, with its numbers beside those of the day before', async () => {
    await declare(['anna', daily]);
    await announce(3);
    await passUntil('2026-11-24T06:29:00Z');
    expect(world.mails).toEqual([]);
    await pass(minute);
    expect(await eventsIn('anna')).toEqual([3]);
    await announce(1);
    await announce(2, 'DELETED_BY_EXPIRATION');
    await passUntil('2026-11-25T06:29:00Z', 3 * hour);
    expect(world.mails).toHaveLength(1);
    await pass(minute);
    const [, second] = await digestsOf('anna');
    expect(second).toMatchObject({ since: '2026-11-24T06:30:00.000Z', until: '2026-11-25T06:30:00.000Z', events: 3 });
    expect(second!.counts.map(({ type, count, before }) => [type, count, before])).toEqual([
      ['transfer.failed', 1, 3],
      ['transfer.deleted_by_expiration', 2, 0],
    ]);
  });

  test('gets urgent events at once, and not again in the daily message', async () => {
    await declare(['anna', { ...daily, urgent: ['transfer.failed'] }]);
    const events = [...(await announce(2)), ...(await announce(3, 'DELETED_BY_EXPIRATION'))];
    await pass(11 * second);
    expect(await eventsIn('anna')).toEqual([2]);
    await passUntil('2026-11-24T08:00:00Z');
    expect(await eventsIn('anna')).toEqual([2, 3]);
    expect(await expectToldOnce(world, 'anna', events)).toHaveLength(2);
  });

  test('gets a test message at once', async () => {
    await declare(['anna', daily]);
    const { event } = await sendTest(world.deps, 'anna');
    await world.answerWakeUps();
    expect(mailedTo(world, 'anna')).toEqual([event]);
    expect((await digestsOf('anna'))[0]!.told).toMatchObject([{ type: 'notifier.test' }]);
  });

  test('gets one message a day without any event, if it wants that', async () => {
    await declare(['anna', { ...daily, evenIfEmpty: true }], ['bert', daily]);
    await passUntil('2026-11-26T23:00:00Z', isLong ? 10 * minute : hour);
    expect(await eventsIn('anna')).toEqual([0, 0, 0]);
    expect(mailedTo(world, 'bert')).toEqual([]);
  });

  test('gets the message without any event also when its mail server asks for a pause at that time', async () => {
    await declare(['anna', { ...daily, evenIfEmpty: true, urgent: ['transfer.failed'] }]);
    await passUntil('2026-11-24T06:29:45Z');
    await announce(1);
    world.setMailAnswer(() => ({ cause: 'throttled' }));
    await pass(11 * second);
    await passUntil('2026-11-24T06:30:00Z');
    expect((await world.deps.leases.read('anna')).openUntil).toBeGreaterThan(world.now());
    world.setMailAnswer(() => ({}));
    await passUntil('2026-11-24T07:30:00Z', minute);
    await passUntil('2026-11-24T12:00:00Z', often);
    expect((await eventsIn('anna')).toSorted()).toEqual([0, 1]);
  });

  test('gets one message of a time that its sweep missed, and no empty one beside it', async () => {
    await declare(['anna', { ...daily, evenIfEmpty: true }]);
    await announce(2);
    await passUntil('2026-11-24T09:00:00Z', 9 * hour);
    await passUntil('2026-11-25T02:00:00Z');
    expect(await eventsIn('anna')).toEqual([2]);
  });
});

describe('a reader with quiet times', () => {
  test.each([
    { what: 'an ordinary night', from: '2026-11-24T21:30:00Z', end: '2026-11-25T06:00:00Z' },
    { what: 'the night to summer time', from: '2027-03-27T21:30:00Z', end: '2027-03-28T05:00:00Z' },
    { what: 'the night to winter time', from: '2027-10-30T21:30:00Z', end: '2027-10-31T06:00:00Z' },
  ])('gets at their end, once, what was held, and what is urgent before: $what', async ({ from, end }) => {
    world.clock.advance(Date.parse(from) - world.now());
    const night = { ...inBerlin, quiet: ['22:00-07:00'], urgent: ['transfer.failed'] };
    await declare(['anna', night]);
    const events = [...(await announce(2, 'DELETED_BY_EXPIRATION')), ...(await announce(1))];
    await pass(11 * second);
    expect(await eventsIn('anna')).toEqual([1]);
    events.push(...(await announce(1, 'DELETED_BY_EXPIRATION')));
    await passUntil(new Date(Date.parse(end) - minute).toISOString());
    expect(await eventsIn('anna')).toEqual([1]);
    await passUntil(new Date(Date.parse(end) + hour / 2).toISOString(), minute);
    await passUntil(new Date(Date.parse(end) + 2 * hour).toISOString(), often);
    expect(await eventsIn('anna')).toEqual([1, 3]);
    expect(await expectToldOnce(world, 'anna', events)).toHaveLength(2);
  });
});

test('a reader whose set time was missed is not disturbed in the quiet time after it', async () => {
  await declare(['anna', { ...inBerlin, when: 'daily at 21:30', quiet: ['22:00-07:00'] }]);
  const events = await announce(2);
  await pass(Date.parse('2026-11-24T20:00:00Z') - world.now());
  await pass(2 * hour);
  await passUntil('2026-11-25T05:59:00Z');
  expect(world.mails).toEqual([]);
  await pass(minute);
  expect(await eventsIn('anna')).toEqual([2]);
  expect(await expectToldOnce(world, 'anna', events)).toHaveLength(1);
});

test('a reader costs no call of deliver and no write in an hour without events', async () => {
  const callsOf = async (until: string) => {
    const plan = new FaultPlan();
    await world.faults.run(plan, () => passUntil(until, minute));
    return plan.calls.filter((call) => !/Query|Receive/.test(call));
  };
  const without = await callsOf('2026-11-24T03:00:00Z');
  await declare(['anna', { ...usualReader, when: 'hourly' }]);
  expect(await callsOf('2026-11-24T06:00:00Z')).toEqual(without);
});
