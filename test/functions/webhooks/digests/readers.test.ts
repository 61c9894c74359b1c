import { beforeEach, describe, expect, test } from 'vitest';
import { type Digest, parseDigest } from '#functions/notices/digest.ts';
import { recover } from '#functions/webhooks/deliveries/replay.ts';
import { sendTest } from '#functions/webhooks/deliveries/test-event.ts';
import { declareEndpoints } from '#functions/webhooks/endpoints/declared.ts';
import {
  addEndpoint,
  pauseEndpoint,
  removeEndpoint,
  resumeEndpoint,
  rotateSecret,
} from '#functions/webhooks/endpoints/lifecycle.ts';
import { type Reader, usualReader } from '#functions/webhooks/endpoints/reader.ts';
import { gather } from '#functions/webhooks/engine/gather.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import { hour, minute, range, second, startEndpointWorld, world } from '#test/support/endpoint-world.ts';
import { exampleEvent } from '#test/support/webhook-world.ts';
import { expectToldOnce, mailedTo, mailReader } from './told-once.ts';

beforeEach(startEndpointWorld);

const ever = { ...range, until: '2999-01-01T00:00:00.000Z' };
const inBerlin: Reader = { ...usualReader, timeZone: 'Europe/Berlin' };
const daily: Reader = { ...inBerlin, when: 'daily at 07:30' };

const declare = (...readers: Parameters<typeof mailReader>[]) =>
  declareEndpoints(
    world.deps,
    readers.map((reader) => mailReader(...reader)),
  );

let announced = 0;
/** Announces as many events in a state at this moment. */
async function announce(count = 1, state = 'FAILED') {
  const timestamp = world.clock.now().toISOString();
  const events = Array.from({ length: count }, () => {
    announced += 1;
    return { ...exampleEvent(`told-${announced}`, 1, state), timestamp };
  });
  await world.fanOut(...events);
  return events;
}

/** Sweeps and answers wake-ups. */
async function look(): Promise<void> {
  await world.sweep();
  await world.answerWakeUps();
}

/** Lets time pass until an instant, with looks at even intervals and one at its end. */
async function passUntil(iso: string, everyMs = 30 * minute): Promise<void> {
  const end = Date.parse(iso);
  while (world.now() < end) {
    world.clock.advance(Math.min(everyMs, end - world.now()));
    await look();
  }
}

async function pass(milliseconds: number): Promise<void> {
  world.clock.advance(milliseconds);
  await look();
}

/** The digests mailed to a reader, in their order. */
async function digestsOf(name: string): Promise<Digest[]> {
  const traces = await Promise.all(mailedTo(world, name).map((id) => world.trace(id)));
  return traces.map(({ deliveries: [delivery] }) => parseDigest(delivery!.body));
}

const eventsIn = async (name: string): Promise<number[]> => (await digestsOf(name)).map(({ events }) => events);

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

  const most = process.env.EVERY_CALL === '1' ? 10_000 : 1000;
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

test('a process marks told events until its deadline alone, and the next one marks the others', async () => {
  await declare(['anna']);
  const events = await announce(300);
  world.clock.advance(11 * second);
  const plan = new FaultPlan();
  // Each call takes a millisecond.
  const deps = { ...world.deps, steady: () => plan.calls.length };
  const anna = await world.deps.endpoints.find('anna');
  const gathering = () => gather(deps, anna!, usualReader, [], 150);
  await expect(world.faults.run(plan, gathering)).rejects.toThrow('no time was left to mark');
  expect(plan.calls.length).toBeLessThan(200);
  await pass(minute);
  expect(await expectToldOnce(world, 'anna', events)).toHaveLength(1);
});

test('a process looks for due events until its deadline alone, and tells those that it has found', async () => {
  await declare(['anna']);
  const events = await announce(300);
  world.clock.advance(11 * second);
  const plan = new FaultPlan();
  const anna = (await world.deps.endpoints.find('anna'))!;
  const deps = { ...world.deps, steady: () => plan.calls.length };
  await expect(world.faults.run(plan, () => gather(deps, anna, usualReader, [], 3))).rejects.toThrow(
    'no time was left',
  );
  expect((await world.deps.plans.read('anna')).open!.members).toHaveLength(100);
  await pass(minute);
  expect(await expectToldOnce(world, 'anna', events)).toHaveLength(2);
});

test('an open digest is left to the process that works at it, and finished by another one once that is dead', async () => {
  await declare(['anna']);
  const events = await announce(30);
  world.clock.advance(11 * second);
  const anna = (await world.deps.endpoints.find('anna'))!;
  const gathering = (plan: FaultPlan, deadline: number) =>
    world.faults.run(plan, () =>
      gather({ ...world.deps, steady: () => plan.calls.length }, anna, usualReader, [], deadline),
    );
  await expect(gathering(new FaultPlan(), 10)).rejects.toThrow('no time was left');
  const other = new FaultPlan();
  expect(await gathering(other, 1000)).toEqual([]);
  expect(other.calls).toHaveLength(1);
  await pass(minute);
  expect(await expectToldOnce(world, 'anna', events)).toHaveLength(1);
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
    await passUntil('2026-11-26T23:00:00Z', 10 * minute);
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
    await passUntil('2026-11-24T12:00:00Z', minute);
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
    await passUntil(new Date(Date.parse(end) + 2 * hour).toISOString(), minute);
    expect(await eventsIn('anna')).toEqual([1, 3]);
    expect(await expectToldOnce(world, 'anna', events)).toHaveLength(2);
  });
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

describe('a reader that was paused', () => {
  test.each([{ reader: inBerlin }, { reader: daily }])(
    'gets the events of that time in one message, once it is resumed and recovered: $reader.when',
    async ({ reader }) => {
      await declare(['anna', reader]);
      await pauseEndpoint(world.deps, 'anna');
      const events = await announce(2);
      await passUntil('2026-11-24T12:00:00Z');
      events.push(...(await announce(1)));
      await passUntil('2026-11-25T12:00:00Z', hour);
      expect(world.mails).toEqual([]);
      await resumeEndpoint(world.deps, 'anna');
      expect(await recover(world.deps, 'anna', ever)).toMatchObject({ count: 3 });
      await world.answerWakeUps();
      expect(await eventsIn('anna')).toEqual([3]);
      expect(await expectToldOnce(world, 'anna', events)).toHaveLength(1);
    },
  );
});

describe('a reader that was removed', () => {
  test.each([
    { what: 'after its events were cancelled', isAtOnce: false },
    { what: 'before that', isAtOnce: true },
  ])('gets nothing, nor does the next one of its name, that is added $what', async ({ isAtOnce }) => {
    await declare(['anna', daily]);
    const events = await announce(2);
    await removeEndpoint(world.deps, 'anna');
    world.clock.advance(second);
    if (!isAtOnce) await look();
    await declare(['anna', daily]);
    const [fresh] = await announce(1);
    await passUntil('2026-11-24T08:00:00Z');
    for (const event of events)
      expect(await world.deliveryOf(event)).toMatchObject({ status: 'CANCELLED', reason: 'endpoint_removed' });
    expect(await digestsOf('anna')).toMatchObject([{ events: 1, told: [{ id: fresh!.id }] }]);
  });
});

describe('a mail that is not taken', () => {
  test('is sent again by the schedule, under the same id, and delays no other reader', async () => {
    const retryDelaysMs = [5 * minute, hour];
    await declare(['anna', usualReader, { retryDelaysMs }], ['bert']);
    let refused: string[] = [];
    world.setMailAnswer(({ reader, id }) => {
      if (reader !== 'anna' || refused.length === 2) return {};
      refused = [...refused, id];
      return { cause: 'unreachable' };
    });
    const events = await announce(2);
    await pass(11 * second);
    expect(await eventsIn('bert')).toEqual([2]);
    expect(refused).toHaveLength(1);
    await passUntil('2026-11-24T03:00:00Z', minute);
    const [digest] = await expectToldOnce(world, 'anna', events);
    expect(refused).toEqual([digest, digest]);
    expect(mailedTo(world, 'anna')).toEqual([digest]);
    expect(mailedTo(world, 'bert')).toHaveLength(1);
  });

  test('shows in the health of its reader, of which operators are told once', async () => {
    await declare(['anna']);
    world.setMailAnswer(() => ({ cause: 'unreachable' }));
    await announce(1);
    let told = 0;
    for (let minutes = 0; minutes < 180; minutes += 1) {
      world.clock.advance(minute);
      told += (await world.sweep()).announced;
      await world.answerWakeUps();
    }
    expect(told).toBe(1);
    expect((await world.deps.endpoints.find('anna'))!.health).toMatchObject({ cause: 'unreachable' });
  });
});

test('a Slack channel gets one message that tells 20 events and counts the others', async () => {
  await addEndpoint(world.deps, 'ops', { url: world.urlOf('ops'), format: 'slack' });
  const events = await announce(25);
  await pass(11 * second);
  await pass(minute);
  expect(world.received.map(({ path }) => path)).toEqual(['/ops']);
  const [{ headers, body }] = world.received as [(typeof world.received)[number]];
  expect(headers).not.toHaveProperty('webhook-signature');
  expect(events.filter(({ data }) => body.includes(`\`${data.trackingId}\``))).toHaveLength(20);
  expect(body).toContain('25 transfers');
  expect(body).toMatch(/\b5 more\b/);
});

test('a chat gets no secret, because people verify no signature', async () => {
  await addEndpoint(world.deps, 'ops', { url: world.urlOf('ops'), format: 'teams' });
  await expect(rotateSecret(world.deps, 'ops')).rejects.toThrow('for people');
});

test('changes of the time of messages lose and repeat no event that waits', async () => {
  const events = [];
  for (const when of ['weekly on monday at 07:30', 'daily at 07:30', 'at once', 'hourly', 'daily at 07:30']) {
    await declare(['anna', { ...daily, when }]);
    events.push(...(await announce(2)), ...(await announce(1, 'DELETED_BY_EXPIRATION')));
    await pass(7 * minute);
  }
  await passUntil('2026-12-01T07:00:00Z', 2 * hour);
  await expectToldOnce(world, 'anna', events);
});
