import { beforeEach, describe, expect, it } from 'vitest';
import type { ShardPoll } from '#functions/poll/poll-shard.ts';
import { faultAnswers } from '#test/support/fault-answers.ts';
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

describe('POST /mailboxes/{mailbox}/verification', () => {
  it('verifies by the code that the server has mailed', async () => {
    expect((await show()).body).toEqual({ isVerified: false, methods: ['email'] });
    expect(await world.ask('POST', `${path}/code`)).toMatchObject({ status: 202, body: { mailbox: alice } });
    const code = world.cryptshare.verifications.codeFor({ mailbox: alice, clientId })!;
    const verified = await world.ask('POST', `${path}/verification`, { body: { code } });
    expect(verified).toMatchObject({ status: 200, body: { mailbox: alice, method: 'email' } });
    expect((await show()).body).toMatchObject({ isVerified: true, methods: ['email'], method: 'email' });
  });

  it('verifies the watched spelling of a mailbox for any spelling', async () => {
    await world.ask('POST', '/watches', { body: { mailbox: alice, direction: 'received' } });
    const inCapitals = '/mailboxes/ALICE%40Example.com';
    expect((await world.ask('POST', `${inCapitals}/code`)).body).toEqual({ mailbox: alice });
    const code = world.cryptshare.verifications.codeFor({ mailbox: alice, clientId })!;
    const verified = await world.ask('POST', `${inCapitals}/verification`, { body: { code } });
    expect(verified).toMatchObject({ status: 200, body: { mailbox: alice, method: 'email' } });
    expect((await world.ask('GET', `${inCapitals}/verification`)).body).toMatchObject({ isVerified: true });
    expect((await world.ask('POST', '/watches/received/alice%40example.com/poll')).body).not.toHaveProperty('problem');
  });

  it('verifies by a registered client id alone, without a body', async () => {
    world.cryptshare.verifications.registerClientId(clientId);
    const verified = await world.ask('POST', `${path}/verification`);
    expect(verified).toMatchObject({ status: 200, body: { method: 'client_id', validUntil: expect.any(String) } });
    expect((await show()).body).toMatchObject({ isVerified: true, methods: ['client_id', 'email'] });
  });
});

describe('tick after a verification', () => {
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

  it('polls all watches that failed, after a verification by the client id', async () => {
    await watchAll();
    world.cryptshare.verifications.registerClientId(clientId);
    await world.ask('POST', `${path}/verification`);
    expect(await tick()).toEqual([alice, ...others].map((mailbox) => [mailbox, undefined]));
  });

  it('polls the verified mailbox alone, after a verification by a code', async () => {
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

describe('refusal of a verification', () => {
  it.each(['AAAAAAAAAA', 'short'])('has status and cause for the wrong code %s', async (code) => {
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

  it('has status and cause for a client id that may not verify', async () => {
    expect(await world.ask('POST', `${path}/verification`)).toMatchObject({
      status: 502,
      body: { title: 'Bad Gateway', cause: 'not_verified' },
    });
  });

  it('has status and cause for too many requests', async () => {
    world.cryptshare.faults.inject({ answer: faultAnswers.tooManyRequests('30') });
    expect(await world.ask('POST', `${path}/code`)).toMatchObject({ status: 429, body: { cause: 'throttled' } });
  });

  it('has status and cause for an unreachable server', async () => {
    await world.cryptshare.close();
    expect(await show()).toMatchObject({ status: 502, body: { cause: 'unreachable' } });
  });
});

describe('log of a verification', () => {
  it('contains neither mailbox nor code', async () => {
    await world.ask('POST', `${path}/code`);
    const code = world.cryptshare.verifications.codeFor({ mailbox: alice, clientId })!;
    await world.ask('POST', `${path}/verification`, { body: { code } });
    const logged = JSON.stringify(world.lines);
    expect(world.lines).toHaveLength(2);
    expect(logged).not.toContain(code);
    expect(logged).not.toContain('alice');
  });
});
