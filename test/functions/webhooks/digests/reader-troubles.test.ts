import { beforeEach, describe, expect, test } from 'vitest';
import { Partition } from '#functions/dynamodb/partition.ts';
import type { Digest } from '#functions/notices/digest.ts';
import { deliveryKey } from '#functions/webhooks/deliveries/delivery.ts';
import { recover } from '#functions/webhooks/deliveries/replay.ts';
import { declareEndpoints } from '#functions/webhooks/endpoints/declared.ts';
import { pauseEndpoint, removeEndpoint, resumeEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { type Reader, usualReader } from '#functions/webhooks/endpoints/reader.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { day, minute, range, second, startEndpointWorld, world } from '#test/support/endpoint-world.ts';
import { exampleEvent, webhooksTable } from '#test/support/webhook-world.ts';
import { expectToldOnce, mailedTo, mailReader } from './told-once.ts';

beforeEach(startEndpointWorld);

const ever = { ...range, until: '2999-01-01T00:00:00.000Z' };
const inBerlin: Reader = { ...usualReader, timeZone: 'Europe/Berlin' };
const daily: Reader = { ...inBerlin, when: 'daily at 07:30' };

const declare = (...reader: Parameters<typeof mailReader>) => declareEndpoints(world.deps, [mailReader(...reader)]);

let announced = 0;
/** Announces as many events about a mailbox at this moment. */
async function announce(count = 1, state = 'FAILED', mailbox = 'alice@example.com') {
  const timestamp = world.clock.now().toISOString();
  const events = Array.from({ length: count }, () => {
    announced += 1;
    const event = exampleEvent(`trouble-${announced}`, 1, state);
    return { ...event, timestamp, data: { ...event.data, mailbox } };
  });
  await world.fanOut(...events);
  return events;
}

const digestsOf = async (name: string): Promise<Digest[]> =>
  Promise.all(mailedTo(world, name).map(async (id) => JSON.parse((await world.trace(id)).deliveries[0]!.body)));

const passUntil = (iso: string) => world.pass((Date.parse(iso) - world.now()) / minute);

/** Answers wake-ups, those that this leads to as well. @returns the number of times, at most 5 */
async function countAnswers(): Promise<number> {
  for (let times = 0; times < 5; times += 1) {
    const wakeUps = await world.takeWakeUps();
    if (wakeUps.length === 0) return times;
    await world.deliver(wakeUps);
  }
  return 5;
}

describe('an event that is due in a quiet time', () => {
  const night = { ...inBerlin, quiet: ['22:00-07:00'], urgent: ['transfer.failed'] };

  test('because it was delayed wakes a process once, and waits for the end of that time', async () => {
    world.clock.advance(Date.parse('2026-11-24T20:59:45Z') - world.now());
    await declare('anna', night);
    const events = await announce(3, 'DELETED_BY_EXPIRATION');
    world.clock.advance(75 * second);
    await world.sweep();
    expect(await countAnswers()).toBe(1);
    world.clock.advance(minute);
    expect(await world.sweep()).toMatchObject({ woken: 0, longestWaitMs: 0 });
    world.clock.advance(Date.parse('2026-11-25T05:59:00Z') - world.now());
    await passUntil('2026-11-25T06:02:00Z');
    expect(await expectToldOnce(world, 'anna', events)).toHaveLength(1);
  });

  test('because it was held and released wakes a process once', async () => {
    await declare('anna', { ...inBerlin, quiet: ['tuesday'] });
    await pauseEndpoint(world.deps, 'anna');
    const { createdAt } = (await world.deps.endpoints.find('anna'))!;
    const [event] = await announce();
    const [delivery] = await world.deps.deliveries.read([{ event: event!.id, endpoint: 'anna' }]);
    await world.deps.deliveries.step(delivery!, { status: 'HELD', reason: 'paused' }, Date.parse(createdAt));
    await resumeEndpoint(world.deps, 'anna');
    expect(await recover(world.deps, 'anna', ever)).toMatchObject({ count: 1 });
    expect(await countAnswers()).toBe(1);
    expect(world.mails).toEqual([]);
  });

  test('keeps no urgent message from its retry', async () => {
    world.clock.advance(Date.parse('2026-11-24T20:59:45Z') - world.now());
    await declare('anna', night);
    await announce(120, 'DELETED_BY_EXPIRATION');
    world.clock.advance(20 * second);
    await announce(1);
    world.setMailAnswer(() => ({ cause: 'unreachable' }));
    await world.pass(1);
    world.setMailAnswer(() => ({}));
    await world.pass(30);
    expect(await digestsOf('anna')).toMatchObject([{ events: 1 }]);
  });
});

test('a process that has no time to mark all events of a digest ends in time, and the next ones go on', async () => {
  await declare('anna', inBerlin);
  const events = await announce(200);
  await world.takeWakeUps();
  world.clock.advance(11 * second);
  const wakeUps = [{ endpoint: 'anna', events: [] }];
  let left = 1;
  for (let processes = 0; left > 0 && processes < 10; processes += 1) {
    const deadline = world.clock.steady() + 20 * second;
    const { unhandled } = await deliver(world.slowed(20), wakeUps, deadline);
    // The last 18 s are for a request, of which there is none.
    if (processes === 0) expect(world.clock.steady()).toBeLessThan(deadline - 16 * second);
    left = unhandled.length;
    world.clock.advance(minute);
  }
  await world.pass(2);
  expect(await expectToldOnce(world, 'anna', events)).toHaveLength(1);
});

describe('an event that cannot be read', () => {
  test.each([
    { what: 'no JSON', body: 'alice@example.com {' },
    { what: 'nothing', body: 'null' },
    { what: 'no type and no data', body: '{}' },
    { what: 'other types of fields', body: '{"type":5,"timestamp":7,"data":{"mailbox":7,"examples":{}}}' },
  ])('is told as one of unknown type, with the others: $what', async ({ body }) => {
    await declare('anna', inBerlin, { mailboxes: ['alice@example.com'] });
    const events = await announce(3);
    const { pk, sk } = deliveryKey({ event: events[0]!.id, endpoint: 'anna' });
    await new Partition({ dynamo: world.dynamo, table: webhooksTable }, pk).update(sk, { body }, {});
    await world.pass(1);
    expect(await expectToldOnce(world, 'anna', events)).toHaveLength(1);
    expect(JSON.stringify(world.mails[0]!.message)).toContain('unknown');
  });

  test('is told with its headline if it is a notice of version 1', async () => {
    await declare('anna', inBerlin);
    const [event] = await announce(1);
    const { pk, sk } = deliveryKey({ event: event!.id, endpoint: 'anna' });
    const notice = { id: 'ntc_1', types: ['transfer.failed'], headline: '3 transfers sent by alice: 3 failed' };
    await new Partition({ dynamo: world.dynamo, table: webhooksTable }, pk).update(
      sk,
      { body: JSON.stringify(notice) },
      {},
    );
    await world.pass(1);
    expect(JSON.stringify(world.mails[0]!.message)).toContain('3 transfers sent by alice');
  });
});

describe('counts of the day before', () => {
  test.each([
    { what: 'has other mailboxes since', isRemoved: false },
    { what: 'was removed, and another one has its name', isRemoved: true },
  ])('name no mailbox that the reader may not see, if it $what', async ({ isRemoved }) => {
    await declare('anna', daily, { mailboxes: ['bob@example.com'] });
    await announce(1, 'FAILED', 'bob@example.com');
    world.clock.advance(Date.parse('2026-11-24T06:29:00Z') - world.now());
    await passUntil('2026-11-24T06:31:00Z');
    if (isRemoved) await removeEndpoint(world.deps, 'anna');
    world.clock.advance(second);
    await declare('anna', daily, { mailboxes: ['alice@example.com'] });
    await announce(1);
    world.clock.advance(Date.parse('2026-11-25T06:29:00Z') - world.now());
    await passUntil('2026-11-25T06:31:00Z');
    const [, message] = await digestsOf('anna');
    expect(JSON.stringify(message)).toContain('alice@');
    expect(JSON.stringify(message)).not.toContain('bob@');
  });
});

describe('a reader who wants messages without events', () => {
  test('gets them again after the clock was ahead for a while', async () => {
    await declare('anna', { ...daily, evenIfEmpty: true });
    world.clock.advance(300 * day);
    await world.pass(2);
    expect(mailedTo(world, 'anna')).toHaveLength(1);
    world.clock.set(-300 * day);
    await world.pass(2);
    world.clock.advance(Date.parse('2026-11-24T06:29:00Z') - world.now());
    await passUntil('2026-11-24T06:32:00Z');
    expect(mailedTo(world, 'anna')).toHaveLength(2);
  });

  test('gets one whose time comes while another message is being sent', async () => {
    world.clock.advance(Date.parse('2026-11-24T06:29:00Z') - world.now());
    await declare('anna', { ...daily, evenIfEmpty: true, urgent: ['transfer.failed'] });
    await world.sweep();
    await world.answerWakeUps();
    await announce(2);
    world.setMailAnswer(async () => {
      world.clock.advance(4 * second);
      await world.sweep();
      return {};
    });
    world.clock.advance(57 * second);
    await world.deliver([{ endpoint: 'anna', events: [] }]);
    world.setMailAnswer(() => ({}));
    await world.pass(5);
    expect((await digestsOf('anna')).map(({ events }) => events)).toEqual([2, 0]);
  });
});
