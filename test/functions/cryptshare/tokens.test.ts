import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { askForOffer, obtainToken, requestCode } from '#functions/cryptshare/verification-api.ts';
import {
  codeInMail,
  hour,
  mailbox,
  minute,
  newProcess,
  startMailbox,
  startTokenWorld,
  strangeClientId,
  tokenRequests,
  verifications,
  verifiedByMail,
  world,
} from './token-start.ts';

beforeAll(startTokenWorld);
beforeEach(() => {
  startMailbox();
  world.cryptshare.switches.idleTermMs = 10 * hour;
});

const proxyPage = (status: number) =>
  ({ kind: 'response', status, body: '<html><title>Sign in to the proxy</title></html>' }) as const;

describe('Tokens of a registered client id', () => {
  it('obtains a token for the first listing, stores it encrypted, and needs no other', async () => {
    const { pass, list } = newProcess();
    expect(await list()).toBeUndefined();
    expect((await pass()).listing.size).toBe(1);
    expect(await newProcess().list()).toBeUndefined();
    expect(tokenRequests()).toBe(1);
    const stored = await verifications().find(mailbox);
    expect(stored).toMatchObject({ method: 'client_id', encrypted: expect.stringMatching(/^encrypted1\./) });
    expect(JSON.stringify(stored)).not.toContain('simulated-token');
  });

  it('replaces a rejected token once, within the same listing', async () => {
    const { pass, list } = newProcess();
    await list();
    world.cryptshare.verifications.reset();
    world.clock.advance(2 * hour);
    expect(await pass()).toMatchObject({ failure: undefined, listing: { size: 1 } });
    expect(tokenRequests()).toBe(2);
  });

  it.each([401, 403])('obtains ever fewer tokens when each is rejected with %i', async (status) => {
    const body = JSON.stringify({ errorCode: 3002, errorMessage: 'not verified' });
    world.cryptshare.faults.inject({
      ...{ path: 'sent-transfers', times: 1000 },
      answer: { kind: 'response', status, body },
    });
    const { list } = newProcess();
    for (let polls = 0; polls < 60; polls += 1) {
      world.clock.advance(minute);
      expect((await list())?.kind).toBe('token_invalid');
    }
    expect(tokenRequests()).toBeLessThan(12);
  });

  it.each([401, 407])('keeps its token when the page of a proxy answers the listing with %i', async (status) => {
    const { list } = newProcess();
    await list();
    const before = await verifications().find(mailbox);
    world.cryptshare.faults.inject({ path: 'sent-transfers', times: 6, answer: proxyPage(status) });
    expect((await list())?.kind).toBe('malformed_answer');
    expect((await list())?.kind).toBe('malformed_answer');
    expect(await list()).toBeUndefined();
    expect(tokenRequests()).toBe(1);
    expect(await verifications().find(mailbox)).toEqual(before);
  });

  it('has one process renew a token, and the others use it', async () => {
    await newProcess().list();
    world.clock.advance(9.5 * hour);
    const failures = await Promise.all(Array.from({ length: 8 }, () => newProcess().list()));
    expect(failures).toEqual(Array(8).fill(undefined));
    expect(tokenRequests()).toBe(2);
  });

  it('continues with the old token while its renewal fails', async () => {
    const { list } = newProcess();
    await list();
    world.clock.advance(9.5 * hour);
    world.cryptshare.switches.verificationsPerMinute = 0;
    expect(await list()).toBeUndefined();
    world.cryptshare.switches.verificationsPerMinute = null;
    world.clock.advance(10 * minute);
    expect(await list()).toBeUndefined();
    expect(tokenRequests()).toBe(3);
  });

  it.each(['null', 'missing'] as const)(
    'replaces an ended token of a server whose validUntil is %s',
    async (validUntil) => {
      world.cryptshare.switches.validUntil = validUntil;
      const { pass, list } = newProcess();
      await list();
      world.clock.advance(11 * hour);
      expect(await pass()).toMatchObject({ failure: undefined, listing: { size: 1 } });
      expect(tokenRequests()).toBe(2);
    },
  );

  it('reports a missing license', async () => {
    world.cryptshare.switches.licensed = false;
    expect((await newProcess().list())?.kind).toBe('not_licensed');
  });
});

describe('Tokens of a mailbox verified by a code', () => {
  it('lists from the code to the end of the verification, in every process', async () => {
    expect((await newProcess(strangeClientId).list())?.kind).toBe('not_verified');
    const { pass, list } = await verifiedByMail();
    expect((await pass()).listing.size).toBe(1);
    expect(await newProcess(strangeClientId).list()).toBeUndefined();
    world.clock.advance(11 * hour);
    expect(await list()).toMatchObject({
      kind: 'verification_ended',
      remedy: expect.stringContaining('watch verify'),
    });
  });

  it.each([
    ['a wrong code', 'WrongCode1'],
    ['a code of another form', 'short'],
  ])('rejects %s, and takes the right one after it', async (_, code) => {
    const { calls, tokens, list, soon } = newProcess(strangeClientId);
    await requestCode(calls, mailbox, soon());
    await expect(tokens.verify(mailbox, code, soon())).rejects.toMatchObject({ kind: 'code_rejected' });
    await tokens.verify(mailbox, codeInMail(), soon());
    expect(await list()).toBeUndefined();
  });

  it('says how long to wait when too many codes were requested', async () => {
    const { calls, soon } = newProcess(strangeClientId);
    world.cryptshare.switches.verificationsPerMinute = 0;
    const refused = await requestCode(calls, mailbox, soon()).catch((error) => error);
    expect(refused).toMatchObject({ kind: 'throttled', retryAfterMs: 60_000 });
  });
});

describe('askForOffer', () => {
  it.each(['upper', 'camel'] as const)('understands methods in the spelling: %s', async (methodSpelling) => {
    world.cryptshare.switches.methodSpelling = methodSpelling;
    const { calls, soon } = newProcess();
    const { methods } = await askForOffer(calls, mailbox, undefined, soon());
    expect([...methods]).toEqual(['client_id', 'email']);
  });

  it.each([200, 401, 403] as const)('returns the offer for a stale token though the answer is %i', async (status) => {
    world.cryptshare.switches.verificationTokenStatus = status;
    const { calls, soon } = newProcess();
    const offer = await askForOffer(calls, mailbox, 'stale-token', soon());
    expect(offer).toMatchObject({ isVerified: false, methods: new Set(['client_id', 'email']) });
  });

  it.each([200, 401])('reads nothing from the page of a proxy with status %i, as all requests', async (status) => {
    world.cryptshare.faults.inject({ path: '/verification', times: 3, answer: proxyPage(status) });
    const { calls, soon } = newProcess();
    const malformed = { kind: 'malformed_answer' };
    await expect(askForOffer(calls, mailbox, 'token', soon())).rejects.toMatchObject(malformed);
    await expect(obtainToken(calls, mailbox, undefined, soon())).rejects.toMatchObject(malformed);
    await expect(requestCode(calls, mailbox, soon())).rejects.toMatchObject(malformed);
  });
});
