import { randomBytes } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import { ServerCalls } from '#functions/cryptshare/api-calls.ts';
import { CryptshareClient } from '#functions/cryptshare/client.ts';
import { Tokens } from '#functions/cryptshare/tokens.ts';
import { requestCode } from '#functions/cryptshare/verification-api.ts';
import { Verifications } from '#functions/cryptshare/verification-rows.ts';
import { DataKey } from '#functions/lambda/data-key.ts';
import { faultAnswers } from '#infra/simulator/faults.ts';
import { defaultSwitches } from '#infra/simulator/switches.ts';
import { clientId, startWorld, table, type World } from '#test/support/poll-world.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

let world: World;
const dataKey = new DataKey(randomBytes(32).toString('base64'));
let mailboxes = 0;
let mailbox: string;
/** Tokens in the order in which requests carried them in vain. */
let rejected: string[] = [];

beforeAll(async () => {
  world = await startWorld();
  const { verifications } = world.cryptshare;
  const validUntil = verifications.validUntil.bind(verifications);
  verifications.validUntil = (claimant, text) => {
    const until = validUntil(claimant, text);
    if (text !== undefined && until === undefined) rejected.push(text);
    return until;
  };
  return () => world.close();
});
beforeEach(() => {
  mailboxes += 1;
  mailbox = `lives-${mailboxes}@example.com`;
  rejected = [];
  Object.assign(world.cryptshare.switches, { ...defaultSwitches, idleTermMs: 10_000 * day });
  world.cryptshare.faults.clear();
  world.cryptshare.requests.reset();
  world.cryptshare.verifications.registerClientId(clientId);
});

/** A process of its own, which knows nothing but what stands in the table. */
function newProcess(as = clientId, maxConcurrentPages = 4) {
  const calls = new ServerCalls({
    ...{ origin: world.cryptshare.url, clientId: as, maxConcurrentPages, random: () => 0.5 },
    ...{ now: world.clock.now, steady: world.clock.steady },
    sleep: async (milliseconds) => world.clock.advance(milliseconds),
  });
  const tokens = new Tokens({
    ...{ calls, dataKey, verifications: new Verifications(world.deps.dynamo, table) },
    sleep: () => new Promise((resolve) => setImmediate(resolve)),
  });
  const client = new CryptshareClient(calls, tokens);
  const soon = () => world.clock.steady() + 50 * second;
  const list = async (of = mailbox, expected = 0, direction: 'sent' | 'received' = 'sent') =>
    (await client.list({ mailbox: of, direction }, 'all', expected, soon())).failure;
  return { calls, tokens, list, soon };
}
const requestsOf = (part: string) =>
  world.cryptshare.requests.report().recent.filter(({ url }) => url.includes(part)).length;
const tokenRequests = () => requestsOf('/verification/token');

describe('tokens that live for', () => {
  test.each([
    { life: '40 s, polled every 2 s', maximumTermMs: 40 * second, every: 2 * second },
    { life: '40 s, polled every minute', maximumTermMs: 40 * second, every: minute },
    { life: 'an hour', maximumTermMs: hour, every: 15 * minute },
    { life: 'a day', maximumTermMs: day, every: hour },
    { life: 'ever', maximumTermMs: null, every: day },
  ])('$life are renewed in time, without a failure and without a request in vain', async ({ maximumTermMs, every }) => {
    world.cryptshare.switches.maximumTermMs = maximumTermMs;
    const { list } = newProcess();
    for (let polls = 0; polls < 80; polls += 1) {
      expect(await list()).toBeUndefined();
      world.clock.advance(every);
    }
    expect(rejected).toEqual([]);
  });

  test.each([
    { what: 'behind ours', clockOffsetMs: -10 * minute },
    { what: 'ahead of ours', clockOffsetMs: 10 * minute },
  ])('five minutes are renewed in time by a server whose clock is $what', async ({ clockOffsetMs }) => {
    Object.assign(world.cryptshare.switches, { maximumTermMs: 5 * minute, clockOffsetMs });
    const { list } = newProcess();
    for (let polls = 0; polls < 30; polls += 1) {
      expect(await list()).toBeUndefined();
      world.clock.advance(minute);
    }
    expect(rejected).toEqual([]);
    expect(tokenRequests()).toBeLessThan(12);
  });

  test('40 s are replaced without a failure although the server does not say when they end', async () => {
    Object.assign(world.cryptshare.switches, { maximumTermMs: 40 * second, validUntil: 'missing' });
    const { list } = newProcess();
    for (let polls = 0; polls < 20; polls += 1) {
      expect(await list()).toBeUndefined();
      world.clock.advance(minute);
    }
    expect(new Set(rejected).size).toBe(rejected.length);
  });
});

test('both directions of a mailbox renew its token once', async () => {
  world.cryptshare.switches.maximumTermMs = minute;
  const { list } = newProcess();
  for (let polls = 0; polls < 5; polls += 1) {
    expect(await Promise.all([list(mailbox, 0, 'sent'), list(mailbox, 0, 'received')])).toEqual([undefined, undefined]);
    world.clock.advance(minute);
  }
  expect(tokenRequests()).toBe(5);
});

test('two resets by the administrator 8 s apart cost at most one failed poll, and no token is sent again', async () => {
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

describe('a rejected token', () => {
  const byMail = 'unregistered'.repeat(5);
  async function verifiedByMail() {
    const one = newProcess(byMail);
    await requestCode(one.calls, mailbox, one.soon());
    const code = world.cryptshare.verifications.codeFor({ mailbox, clientId: byMail });
    await one.tokens.verify(mailbox, code, one.soon());
    return one;
  }

  it('is carried by no request that waits to be sent, in whichever direction', async () => {
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
    // Two requests were under way together.
    expect(rejected.length).toBeLessThanOrEqual(2);
  });

  it('is sent again neither by the process that knows it nor by another one, until a person verifies the mailbox', async () => {
    const { list } = await verifiedByMail();
    world.cryptshare.verifications.reset();
    for (let polls = 0; polls < 3; polls += 1) {
      expect(await list()).toMatchObject({ kind: 'token_invalid', remedy: expect.stringContaining('watch verify') });
    }
    const other = newProcess(byMail);
    expect((await other.list())?.kind).toBe('token_invalid');
    const state = await other.tokens.stored(mailbox);
    expect(state.token).toBeUndefined();
    expect(rejected).toHaveLength(1);
    await verifiedByMail();
    expect(await list()).toBeUndefined();
    expect(await other.list()).toBeUndefined();
  });

  it('is not taken for rejected by the server when only a proxy answered 401, if a person would have to replace it', async () => {
    const { list } = await verifiedByMail();
    world.cryptshare.faults.inject({ path: 'sent-transfers', times: 3, answer: faultAnswers.emptyUnauthorized });
    for (let polls = 0; polls < 3; polls += 1) expect((await list())?.kind).toBe('token_invalid');
    expect(await list()).toBeUndefined();
  });

  it('is told with what fits the method: a client id obtains another one by itself', async () => {
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

describe('a client id that is not registered', () => {
  const stranger = `stranger${'x'.repeat(60)}`;
  const names = Array.from({ length: 12 }, (_, index) => `many-${index}@example.com`);

  it('is found out by one mailbox for all, and so is its registration', async () => {
    const unknown = `${stranger}${mailboxes}`;
    const { list } = newProcess(unknown);
    for (let minutes = 0; minutes < 30; minutes += 1) {
      for (const name of names) expect((await list(name))?.kind).toBe('not_verified');
      world.clock.advance(minute);
    }
    expect(tokenRequests()).toBeLessThan(12);
    world.cryptshare.verifications.registerClientId(unknown);
    world.clock.advance(5 * minute);
    for (const name of names) expect(await list(name)).toBeUndefined();
  });

  it('is asked about again after a minute, however many mailboxes were refused together', async () => {
    const unknown = `${stranger}b${mailboxes}`;
    const { list } = newProcess(unknown);
    const all = () => Promise.all(names.map((name) => list(`b-${name}`)));
    expect((await all()).map((failure) => failure?.kind)).toEqual(names.map(() => 'not_verified'));
    world.cryptshare.verifications.registerClientId(unknown);
    world.clock.advance(minute);
    expect(await all()).toEqual(names.map(() => undefined));
  });

  it('is asked for at once by every process that learns of its registration', async () => {
    const unknown = `${stranger}a${mailboxes}`;
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

  it('is asked about no more often because an operator had failures forgiven while the clock was a year ahead', async () => {
    const { list, tokens } = newProcess(`${stranger}c${mailboxes}`);
    world.clock.set(365 * day);
    tokens.forgive(world.clock.now().getTime());
    world.clock.set(-365 * day);
    for (let index = 0; index < 20; index += 1) {
      expect((await list())?.kind).toBe('not_verified');
      world.clock.advance(second);
    }
    expect(tokenRequests()).toBe(1);
  });
});

test('no failure names the time of the next attempt, which would be stale when it is read', async () => {
  world.cryptshare.faults.inject({ path: '/verification/token', times: 100, answer: faultAnswers.serverError });
  const { list } = newProcess();
  for (let polls = 0; polls < 4; polls += 1) {
    expect((await list())?.message).not.toMatch(/\d{4}-\d\d-\d\d|\d\d:\d\d/);
    world.clock.advance(second);
  }
});
