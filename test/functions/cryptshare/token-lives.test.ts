import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { faultAnswers } from '#test/support/fault-answers.ts';
import { clientId } from '#test/support/poll-world.ts';
import {
  day,
  hour,
  mailbox,
  minute,
  newProcess,
  second,
  startMailbox,
  startTokenWorld,
  strangeClientId,
  tokenRequests,
  verifiedByMail,
  world,
} from './token-start.ts';

/** Tokens in the order in which requests carried them in vain. */
let rejected: string[] = [];

beforeAll(async () => {
  const end = await startTokenWorld();
  const { verifications } = world.cryptshare;
  const validUntil = verifications.validUntil.bind(verifications);
  verifications.validUntil = (claimant, text) => {
    const until = validUntil(claimant, text);
    if (text !== undefined && until === undefined) rejected.push(text);
    return until;
  };
  return end;
});
beforeEach(() => {
  startMailbox();
  rejected = [];
});

/** Lists a mailbox in intervals, always with success. */
async function poll(times: number, every: number): Promise<void> {
  const { list } = newProcess();
  for (let polls = 0; polls < times; polls += 1) {
    expect(await list()).toBeUndefined();
    world.clock.advance(every);
  }
}

describe('Tokens', () => {
  it.each([
    { life: '40 s, polled every 2 s', maximumTermMs: 40 * second, every: 2 * second, tokens: 3 },
    { life: '40 s, polled every minute', maximumTermMs: 40 * second, every: minute, tokens: 40 },
    { life: 'an hour', maximumTermMs: hour, every: 15 * minute, tokens: 14 },
    { life: 'ever', maximumTermMs: null, every: day, tokens: 1 },
  ])('renews a token that lives for $life before it ends', async ({ maximumTermMs, every, tokens }) => {
    world.cryptshare.switches.maximumTermMs = maximumTermMs;
    await poll(40, every);
    expect(rejected).toEqual([]);
    expect(tokenRequests()).toBe(tokens);
  });

  it.each([
    { what: 'behind', clockOffsetMs: -10 * minute },
    { what: 'ahead', clockOffsetMs: 10 * minute },
  ])('renews a token before it ends by a server clock that is $what', async ({ clockOffsetMs }) => {
    Object.assign(world.cryptshare.switches, { maximumTermMs: 5 * minute, clockOffsetMs });
    await poll(30, minute);
    expect(rejected).toEqual([]);
    expect(tokenRequests()).toBeLessThan(12);
  });

  it('replaces a token without a failure though the server does not say when it ends', async () => {
    Object.assign(world.cryptshare.switches, { maximumTermMs: 40 * second, validUntil: 'missing' });
    await poll(20, minute);
    expect(new Set(rejected).size).toBe(rejected.length);
  });

  it('renews a token once for both directions of a mailbox', async () => {
    world.cryptshare.switches.maximumTermMs = minute;
    const { list } = newProcess();
    for (let polls = 0; polls < 5; polls += 1) {
      expect(await Promise.all([list(mailbox, 0, 'sent'), list(mailbox, 0, 'received')])).toEqual([
        undefined,
        undefined,
      ]);
      world.clock.advance(minute);
    }
    expect(tokenRequests()).toBe(5);
  });

  it('fails one poll at most after two resets 8 s apart, and sends no token again', async () => {
    const { list } = newProcess();
    let failed = 0;
    for (let index = 0; index < 60; index += 2) {
      if (index === 20 || index === 28) world.cryptshare.verifications.reset();
      if (await list()) failed += 1;
      world.clock.advance(2 * second);
    }
    expect(failed).toBeLessThanOrEqual(1);
    expect(new Set(rejected).size).toBe(rejected.length);
    expect(tokenRequests()).toBe(3);
  });

  it('sends no request with a rejected token that waited to be sent, in either direction', async () => {
    const people = { sender: mailbox, to: [mailbox] };
    world.cryptshare.transfers.seed({ ...people, count: 900, state: 'ACTIVE' });
    const { list } = newProcess(clientId, 2);
    const both = () => Promise.all([list(mailbox, 900, 'sent'), list(mailbox, 900, 'received')]);
    expect(await both()).toEqual([undefined, undefined]);
    world.setDrift((page) => {
      if (page !== 2) return;
      world.setDrift(() => {});
      world.cryptshare.verifications.reset();
    });
    expect(await both()).toEqual([undefined, undefined]);
    // Two requests were in flight together.
    expect(rejected.length).toBeLessThanOrEqual(2);
  });

  it('sends a rejected token again in no process, until the owner verifies the mailbox', async () => {
    const { list } = await verifiedByMail();
    world.cryptshare.verifications.reset();
    for (let polls = 0; polls < 3; polls += 1) {
      expect(await list()).toMatchObject({ kind: 'token_invalid', remedy: expect.stringContaining('watch verify') });
    }
    const other = newProcess(strangeClientId);
    expect((await other.list())?.kind).toBe('token_invalid');
    const state = await other.tokens.stored(mailbox);
    expect(state.token).toBeUndefined();
    expect(rejected).toHaveLength(1);
    await verifiedByMail();
    expect(await list()).toBeUndefined();
    expect(await other.list()).toBeUndefined();
  });

  it('keeps a token of a code when only a proxy has answered 401', async () => {
    const { list } = await verifiedByMail();
    world.cryptshare.faults.inject({ path: 'sent-transfers', times: 3, answer: faultAnswers.emptyUnauthorized });
    for (let polls = 0; polls < 3; polls += 1) expect((await list())?.kind).toBe('token_invalid');
    expect(await list()).toBeUndefined();
  });

  it('says of a token that a client id renews by itself whom to ask', async () => {
    const body = JSON.stringify({ errorCode: 3002, errorMessage: 'not verified' });
    const answer = { kind: 'response', status: 401, body } as const;
    world.cryptshare.faults.inject({ path: 'sent-transfers', times: 100, answer });
    const { list } = newProcess();
    for (let polls = 0; polls < 4; polls += 1) {
      const failure = await list();
      expect(failure?.kind).toBe('token_invalid');
      expect(failure?.remedy).toContain('whether the client id is still registered');
      expect(failure?.remedy).not.toContain('watch verify');
    }
  });
});

describe('Tokens of a client id that is not registered', () => {
  const stranger = `stranger${'x'.repeat(60)}`;
  const names = Array.from({ length: 12 }, (_, index) => `many-${index}@example.com`);

  it('finds out by one mailbox for all, and so the registration', async () => {
    const unknown = stranger;
    const few = names.slice(0, 4);
    const { list } = newProcess(unknown);
    for (let minutes = 0; minutes < 30; minutes += 1) {
      for (const name of few) expect((await list(name))?.kind).toBe('not_verified');
      world.clock.advance(minute);
    }
    expect(tokenRequests()).toBeLessThan(12);
    world.cryptshare.verifications.registerClientId(unknown);
    world.clock.advance(5 * minute);
    for (const name of few) expect(await list(name)).toBeUndefined();
  });

  it('tries again after a minute, however many mailboxes were refused together', async () => {
    const unknown = `${stranger}b`;
    const { list } = newProcess(unknown);
    const all = () => Promise.all(names.map((name) => list(`b-${name}`)));
    expect((await all()).map((failure) => failure?.kind)).toEqual(names.map(() => 'not_verified'));
    world.cryptshare.verifications.registerClientId(unknown);
    world.clock.advance(minute);
    expect(await all()).toEqual(names.map(() => undefined));
  });

  it('obtains a token at once when a process learns of the registration', async () => {
    const unknown = `${stranger}a`;
    const { list, tokens } = newProcess(unknown);
    for (let minutes = 0; minutes < 10; minutes += 1) {
      expect((await list())?.kind).toBe('not_verified');
      world.clock.advance(minute);
    }
    world.clock.advance(1);
    expect((await list())?.kind).toBe('not_verified');
    world.cryptshare.verifications.registerClientId(unknown);
    expect((await list())?.kind).toBe('not_verified');
    tokens.forgive(world.clock.now().getTime());
    expect(await list()).toBeUndefined();
  });

  it('tries no more often because failures were forgiven while the clock was a year ahead', async () => {
    const { list, tokens } = newProcess(`${stranger}c`);
    world.clock.set(365 * day);
    tokens.forgive(world.clock.now().getTime());
    world.clock.set(-365 * day);
    for (let index = 0; index < 20; index += 1) {
      expect((await list())?.kind).toBe('not_verified');
      world.clock.advance(second);
    }
    expect(tokenRequests()).toBe(1);
  });

  it('names no time of the next attempt, which would be stale when it is read', async () => {
    world.cryptshare.faults.inject({ path: '/verification/token', times: 100, answer: faultAnswers.serverError });
    const { list } = newProcess();
    for (let polls = 0; polls < 4; polls += 1) {
      expect((await list())?.message).not.toMatch(/\d{4}-\d\d-\d\d|\d\d:\d\d/);
      world.clock.advance(second);
    }
  });
});
