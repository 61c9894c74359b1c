import { beforeEach, describe, expect, test } from 'vitest';
import { recover } from '#functions/webhooks/deliveries/replay.ts';
import {
  addEndpoint,
  pauseEndpoint,
  removeEndpoint,
  resumeEndpoint,
  rotateSecret,
} from '#functions/webhooks/endpoints/lifecycle.ts';
import { usualReader } from '#functions/webhooks/endpoints/reader.ts';
import { hour, minute, range, second, startEndpointWorld, world } from '#test/support/endpoint-world.ts';
import { announce, daily, declare, digestsOf, eventsIn, inBerlin, look, pass, passUntil } from './reader-world.ts';
import { expectToldOnce, mailedTo } from './told-once.ts';

beforeEach(startEndpointWorld);

const ever = { ...range, until: '2999-01-01T00:00:00.000Z' };

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

test('a chat is given no secret, since people verify no signature', async () => {
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
