import { randomBytes } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ServerCalls } from '#functions/cryptshare/api-calls.ts';
import { CryptshareClient } from '#functions/cryptshare/client.ts';
import { Tokens } from '#functions/cryptshare/tokens.ts';
import { askForOffer, obtainToken, requestCode } from '#functions/cryptshare/verification-api.ts';
import { Verifications } from '#functions/cryptshare/verification-rows.ts';
import { DataKey } from '#functions/lambda/data-key.ts';
import { defaultSwitches } from '#infra/simulator/switches.ts';
import { clientId, startWorld, table, type World } from '#test/support/poll-world.ts';

const hour = 3_600_000;

let world: World;
let dataKey: DataKey;
let mailboxes = 0;
let mailbox: string;
beforeAll(async () => {
  world = await startWorld();
  dataKey = new DataKey(randomBytes(32).toString('base64'));
  return () => world.close();
});
beforeEach(() => {
  mailboxes += 1;
  mailbox = `tokens-${mailboxes}@example.com`;
  Object.assign(world.cryptshare.switches, { ...defaultSwitches, idleTermMs: 10 * hour });
  world.cryptshare.faults.clear();
  world.cryptshare.requests.reset();
  world.cryptshare.verifications.registerClientId(clientId);
  world.cryptshare.transfers.create({ sender: mailbox, to: ['bob@example.com'] });
});

/** A process of its own, which knows nothing but what stands in the table. */
function newProcess(as = clientId) {
  const calls = new ServerCalls({
    origin: world.cryptshare.url,
    clientId: as,
    maxConcurrentPages: 4,
    now: world.clock.now,
    steady: world.clock.steady,
    random: () => 0.5,
    sleep: async (milliseconds) => world.clock.advance(milliseconds),
  });
  const tokens = new Tokens({
    calls,
    verifications: new Verifications(world.deps.dynamo, table),
    dataKey,
    // Others get on while one waits.
    sleep: () => new Promise((resolve) => setImmediate(resolve)),
  });
  const client = new CryptshareClient(calls, tokens);
  const list = () => client.list({ mailbox, direction: 'sent' }, 'all', 0, world.clock.now().getTime() + 50_000);
  return { calls, tokens, client, list };
}

const verification = () => new Verifications(world.deps.dynamo, table).find(mailbox);
const tokenRequests = () =>
  world.cryptshare.requests.report().recent.filter(({ url }) => url.endsWith('/verification/token')).length;

describe('a client id that speaks for itself', () => {
  test('obtains a token for the first listing, keeps it encrypted, and needs no other one', async () => {
    const { list } = newProcess();
    expect((await list()).failure).toBeUndefined();
    expect((await list()).listing.size).toBe(1);
    expect((await newProcess().list()).failure).toBeUndefined();
    expect(tokenRequests()).toBe(1);
    expect(await verification()).toMatchObject({
      method: 'client_id',
      encrypted: expect.stringMatching(/^encrypted1\./),
    });
    expect(JSON.stringify(await verification())).not.toContain('simulated-token');
  });

  test('renews it a third of its life before it ends, though polls go on all the time', async () => {
    const { list } = newProcess();
    for (let polls = 0; polls < 30; polls += 1) {
      expect((await list()).failure).toBeUndefined();
      world.clock.advance(hour);
    }
    expect(tokenRequests()).toBe(5);
  });

  test('replaces a token that is rejected, once, within the same listing', async () => {
    const { list } = newProcess();
    await list();
    world.cryptshare.verifications.reset();
    world.clock.advance(2 * hour);
    expect(await list()).toMatchObject({ failure: undefined, listing: { size: 1 } });
    expect(tokenRequests()).toBe(2);
  });

  test.each([401, 403] as const)('never loops when every token is rejected with %i', async (listTokenStatus) => {
    const body = JSON.stringify({ errorCode: 3002, errorMessage: 'not verified' });
    world.cryptshare.faults.inject({
      path: 'sent-transfers',
      times: 1000,
      answer: { kind: 'response', status: listTokenStatus, body },
    });
    const { list } = newProcess();
    for (let polls = 0; polls < 60; polls += 1) {
      world.clock.advance(60_000);
      expect((await list()).failure?.kind).toBe('token_invalid');
    }
    expect(tokenRequests()).toBeLessThan(12);
  });

  test.each([401, 403, 407])('keeps its token when the page of a proxy answers the listing with %i', async (status) => {
    const { list } = newProcess();
    await list();
    const before = await verification();
    const body = '<html><title>Sign in to the proxy</title></html>';
    world.cryptshare.faults.inject({ path: 'sent-transfers', times: 6, answer: { kind: 'response', status, body } });
    expect((await list()).failure?.kind).toBe('malformed_answer');
    expect((await list()).failure?.kind).toBe('malformed_answer');
    expect((await list()).failure).toBeUndefined();
    expect(tokenRequests()).toBe(1);
    expect(await verification()).toEqual(before);
  });

  test('has one process renew a token, and the others take what that one gets', async () => {
    await newProcess().list();
    world.clock.advance(9.5 * hour);
    const passes = await Promise.all(Array.from({ length: 8 }, () => newProcess().list()));
    expect(passes.map(({ failure }) => failure)).toEqual(Array(8).fill(undefined));
    expect(tokenRequests()).toBe(2);
  });

  test('goes on with the old token while renewing it fails, for as long as it holds', async () => {
    const { list } = newProcess();
    await list();
    world.clock.advance(9.5 * hour);
    world.cryptshare.switches.verificationsPerMinute = 0;
    expect((await list()).failure).toBeUndefined();
    world.cryptshare.switches.verificationsPerMinute = null;
    world.clock.advance(10 * 60_000);
    expect((await list()).failure).toBeUndefined();
    expect(tokenRequests()).toBe(3);
  });

  test.each(['null', 'missing'] as const)('copes with a server whose validUntil is %s', async (validUntil) => {
    world.cryptshare.switches.validUntil = validUntil;
    const { list } = newProcess();
    await list();
    world.clock.advance(11 * hour);
    expect(await list()).toMatchObject({ failure: undefined, listing: { size: 1 } });
    expect(tokenRequests()).toBe(2);
  });
});

describe('a mailbox that its owner verifies by a code', () => {
  const soon = () => world.clock.now().getTime() + 50_000;
  const codeInMail = () => world.cryptshare.verifications.codeFor({ mailbox, clientId: otherClientId })!;
  const otherClientId = 'unregistered'.repeat(5);

  test('is watched from then on, and until its verification ends', async () => {
    const { calls, tokens, list } = newProcess(otherClientId);
    expect((await list()).failure?.kind).toBe('not_verified');
    await requestCode(calls, mailbox, soon());
    await tokens.verify(mailbox, codeInMail(), soon());
    expect((await list()).listing.size).toBe(1);
    expect((await newProcess(otherClientId).list()).failure).toBeUndefined();
    world.clock.advance(11 * hour);
    const { failure } = await list();
    expect(failure).toMatchObject({ kind: 'verification_ended', remedy: expect.stringContaining('watch verify') });
  });

  test('is told, not renewed, when an administrator has reset it', async () => {
    const { calls, tokens, list } = newProcess(otherClientId);
    await requestCode(calls, mailbox, soon());
    await tokens.verify(mailbox, codeInMail(), soon());
    world.cryptshare.verifications.reset();
    expect((await list()).failure?.kind).toBe('token_invalid');
    expect(tokenRequests()).toBe(1);
  });

  test.each([
    ['a wrong one', 'WrongCode1'],
    ['one of another form', 'short'],
  ])('gets a message of its own for %s, and keeps what it had', async (_, code) => {
    const { calls, tokens, list } = newProcess(otherClientId);
    await requestCode(calls, mailbox, soon());
    await expect(tokens.verify(mailbox, code, soon())).rejects.toMatchObject({ kind: 'code_rejected' });
    await tokens.verify(mailbox, codeInMail(), soon());
    expect((await list()).failure).toBeUndefined();
  });

  test('is told how long to wait when codes were asked for too often, while others are listed on', async () => {
    const { calls } = newProcess(otherClientId);
    world.cryptshare.switches.verificationsPerMinute = 0;
    const refused = await requestCode(calls, mailbox, soon()).catch((error) => error);
    expect(refused).toMatchObject({ kind: 'throttled', retryAfterMs: 60_000 });
  });
});

describe('what a server says of a mailbox', () => {
  test.each(['upper', 'camel'] as const)('is understood in its spelling: %s', async (methodSpelling) => {
    world.cryptshare.switches.methodSpelling = methodSpelling;
    const { calls } = newProcess();
    const { methods } = await askForOffer(calls, mailbox, undefined, world.clock.now().getTime() + 50_000);
    expect([...methods]).toEqual(['client_id', 'email']);
  });

  test.each([200, 401, 403] as const)(
    'of a token that does not hold is no error, though it answers %i',
    async (status) => {
      world.cryptshare.switches.verificationTokenStatus = status;
      const { calls } = newProcess();
      const offer = await askForOffer(calls, mailbox, 'stale-token', world.clock.now().getTime() + 50_000);
      expect(offer).toMatchObject({ isVerified: false, methods: new Set(['client_id', 'email']) });
    },
  );

  test('about its licence is passed on as such', async () => {
    world.cryptshare.switches.licensed = false;
    expect((await newProcess().list()).failure?.kind).toBe('not_licensed');
  });

  test.each([200, 400, 401, 403])('is not read from the page of a proxy with status %i', async (status) => {
    const page = '<html><title>Sign in to the proxy</title></html>';
    world.cryptshare.faults.inject({
      path: '/verification',
      times: 3,
      answer: { kind: 'response', status, body: page },
    });
    const { calls } = newProcess();
    const soon = world.clock.now().getTime() + 50_000;
    await expect(askForOffer(calls, mailbox, 'token', soon)).rejects.toMatchObject({ kind: 'malformed_answer' });
    await expect(obtainToken(calls, mailbox, undefined, soon)).rejects.toMatchObject({ kind: 'malformed_answer' });
    await expect(requestCode(calls, mailbox, soon)).rejects.toMatchObject({ kind: 'malformed_answer' });
  });
});
