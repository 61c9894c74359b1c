import { beforeEach, describe, expect, test } from 'vitest';
import type { ShardPoll } from '#functions/poll/poll-shard.ts';
import { faultAnswers } from '#infra/simulator/faults.ts';
import { type OperatorWorld, startOperatorWorld } from '#test/support/operator-world.ts';
import { clientId } from '#test/support/poll-world.ts';

const alice = 'alice@example.com';
const path = `/mailboxes/${encodeURIComponent(alice)}`;

let world: OperatorWorld;
beforeEach(async () => {
  world = await startOperatorWorld();
  return () => world.close();
});

const show = () => world.ask('GET', `${path}/verification`);

describe('a mailbox is verified', () => {
  test('by the code that the server has mailed', async () => {
    expect((await show()).body).toEqual({ isVerified: false, methods: ['email'] });
    expect(await world.ask('POST', `${path}/code`)).toMatchObject({ status: 202, body: { mailbox: alice } });
    const code = world.cryptshare.verifications.codeFor({ mailbox: alice, clientId })!;
    const verified = await world.ask('POST', `${path}/verification`, { body: { code } });
    expect(verified).toMatchObject({ status: 200, body: { mailbox: alice, method: 'email' } });
    expect((await show()).body).toMatchObject({ isVerified: true, methods: ['email'], method: 'email' });
  });

  test('in the spelling in which it is watched, whatever spelling is asked for', async () => {
    await world.ask('POST', '/watches', { body: { mailbox: alice, direction: 'received' } });
    const inCapitals = '/mailboxes/ALICE%40Example.com';
    expect((await world.ask('POST', `${inCapitals}/code`)).body).toEqual({ mailbox: alice });
    const code = world.cryptshare.verifications.codeFor({ mailbox: alice, clientId })!;
    const verified = await world.ask('POST', `${inCapitals}/verification`, { body: { code } });
    expect(verified).toMatchObject({ status: 200, body: { mailbox: alice, method: 'email' } });
    expect((await world.ask('GET', `${inCapitals}/verification`)).body).toMatchObject({ isVerified: true });
    expect((await world.ask('POST', '/watches/received/alice%40example.com/poll')).body).not.toHaveProperty('problem');
  });

  test('by a registered client id alone, without a body', async () => {
    world.cryptshare.verifications.registerClientId(clientId);
    const verified = await world.ask('POST', `${path}/verification`);
    expect(verified).toMatchObject({ status: 200, body: { method: 'client_id', validUntil: expect.any(String) } });
    expect((await show()).body).toMatchObject({ isVerified: true, methods: ['client_id', 'email'] });
  });
});

describe('once a mailbox is verified', () => {
  const others = Array.from({ length: 6 }, (_, index) => `other-${index}@example.com`);
  const hour = 3_600_000;
  const tick = async () => {
    world.clock.advance(60_000);
    const at = world.clock.now().toISOString();
    const { polls } = (await world.functions.get('poll')!({ shard: 0, at })) as ShardPoll;
    return polls.map(({ watch, problem }) => [watch.mailbox, problem?.cause]).toSorted();
  };
  const watchAll = async () => {
    for (const mailbox of [alice, ...others]) {
      await world.ask('POST', '/watches', { body: { mailbox, pollIntervalMs: 24 * hour } });
    }
    for (let minutes = 0; minutes < 40; minutes += 1) await tick();
  };

  test('by the client id, all watches that failed for it are polled at the next tick', async () => {
    await watchAll();
    world.cryptshare.verifications.registerClientId(clientId);
    await world.ask('POST', `${path}/verification`);
    expect(await tick()).toEqual([alice, ...others].map((mailbox) => [mailbox, undefined]));
  });

  test('by a code, it is polled at the next tick, and the others in their own time', async () => {
    await watchAll();
    await world.ask('POST', `${path}/code`);
    const code = world.cryptshare.verifications.codeFor({ mailbox: alice, clientId })!;
    await world.ask('POST', `${path}/verification`, { body: { code } });
    const polled = await tick();
    expect(polled).toContainEqual([alice, undefined]);
    expect(polled.length).toBeLessThan(5);
    expect((await tick()).length).toBeLessThan(5);
  });
});

describe('what the server refuses is told by its status and cause:', () => {
  test.each(['AAAAAAAAAA', 'short'])('a wrong code: %s', async (code) => {
    await world.ask('POST', `${path}/code`);
    const answer = await world.ask('POST', `${path}/verification`, { body: { code } });
    expect(answer).toMatchObject({
      status: 422,
      type: 'application/problem+json',
      body: {
        status: 422,
        cause: 'code_rejected',
        detail: expect.stringContaining('enter the code of the latest mail'),
      },
    });
    expect(JSON.stringify(answer)).not.toContain(code);
  });

  test('a client id that may not verify by itself', async () => {
    expect(await world.ask('POST', `${path}/verification`)).toMatchObject({
      status: 502,
      body: { title: 'Bad Gateway', cause: 'not_verified' },
    });
  });

  test('too many requests', async () => {
    world.cryptshare.faults.inject({ answer: faultAnswers.tooManyRequests('30') });
    expect(await world.ask('POST', `${path}/code`)).toMatchObject({ status: 429, body: { cause: 'throttled' } });
  });

  test('no server', async () => {
    await world.cryptshare.close();
    expect(await show()).toMatchObject({ status: 502, body: { cause: 'unreachable' } });
  });
});

test('neither mailbox nor code is logged', async () => {
  await world.ask('POST', `${path}/code`);
  const code = world.cryptshare.verifications.codeFor({ mailbox: alice, clientId })!;
  await world.ask('POST', `${path}/verification`, { body: { code } });
  const logged = JSON.stringify(world.lines);
  expect(world.lines).toHaveLength(2);
  expect(logged).not.toContain(code);
  expect(logged).not.toContain('alice');
});
