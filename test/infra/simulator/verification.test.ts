import { describe, expect, it } from 'vitest';
import { alice, bob, call, clientId, headers, outcome, sentBy, startServer, startServerWithClock } from './client.ts';

const { 'X-CS-VerificationToken': _, ...unverified } = headers;
const carol = 'carol@example.com';
const verification = `/api/users/${carol}/verification`;
const claimant = { mailbox: carol, clientId };
const post = { method: 'POST', headers: unverified };
const day = 24 * 60 * 60 * 1000;

describe('verification by client id', () => {
  it('issues a token to a registered client id, without any code', async () => {
    const { server } = await startServerWithClock();
    server.verifications.registerClientId(clientId);
    expect((await call(server, verification, { headers: unverified })).body).toEqual({
      data: { verified: false, validUntil: null, verificationMethods: ['CLIENT_ID', 'EMAIL'] },
      meta: {},
    });

    const { status, body } = await call(server, `${verification}/token`, { ...post, body: {} });
    expect(status).toBe(200);
    expect(body).toEqual({ data: { token: expect.any(String), validUntil: '2030-01-31T14:00:00+02:00' }, meta: {} });

    const verified = { ...headers, 'X-CS-VerificationToken': body.data.token };
    expect((await call(server, verification, { headers: verified })).body.data).toMatchObject({
      verified: true,
      validUntil: '2030-01-31T14:00:00+02:00',
    });
    expect(await outcome(server, sentBy(carol), { headers: verified })).toBe('200');
  });

  it('takes a request without any body', async () => {
    const server = await startServer();
    server.verifications.registerClientId(clientId);
    expect((await call(server, `${verification}/token`, post)).status).toBe(200);
  });

  it('asks any other client id for the code', async () => {
    expect(await outcome(await startServer(), `${verification}/token`, { ...post, body: {} })).toBe('400/1002');
  });
});

describe('verification by e-mail', () => {
  it('issues a token for the code mailed, once', async () => {
    const server = await startServer();
    const sent = await call(server, `${verification}/code/email`, post);
    expect(sent).toMatchObject({ status: 200, body: '' });

    const code = server.verifications.codeFor(claimant);
    expect(code).toMatch(/^[A-Za-z0-9]{10}$/);
    const redeem = () => call(server, `${verification}/token`, { ...post, body: { verificationCode: code } });
    expect((await redeem()).body.data.token).toEqual(expect.any(String));
    expect(await redeem()).toMatchObject({ status: 403, body: { errorCode: 3002 } });
  });

  it('refuses a wrong code, and one that a newer code replaced', async () => {
    const server = await startServer();
    await call(server, `${verification}/code/email`, post);
    const older = server.verifications.codeFor(claimant);
    await call(server, `${verification}/code/email`, post);
    for (const verificationCode of ['WrongCode1', older]) {
      expect(await outcome(server, `${verification}/token`, { ...post, body: { verificationCode } })).toBe('403/3002');
    }
  });

  it('mails the code for no other mailbox and no other client id', async () => {
    const { verifications } = await startServer();
    verifications.sendCode(claimant);
    expect(verifications.codeFor({ ...claimant, mailbox: bob })).toBeUndefined();
    expect(verifications.codeFor({ ...claimant, clientId: 'b'.repeat(50) })).toBeUndefined();
  });

  it('refuses a body of another kind', async () => {
    const server = await startServer();
    for (const body of [[], { verificationCode: 1 }]) {
      expect(await outcome(server, `${verification}/token`, { ...post, body })).toBe('400/1004');
    }
  });
});

describe('a token', () => {
  it('is refused with 403/3002 by verification calls when it does not hold', async () => {
    expect(await outcome(await startServer(), verification, { headers })).toBe('403/3002');
  });

  it('lapses after the idle term however often it is used to poll', async () => {
    const { server, advance } = await startServerWithClock();
    const polls = [];
    for (let days = 0; days < 30; days += 1) {
      polls.push((await call(server, sentBy(alice))).status);
      advance(day);
    }
    expect(new Set(polls)).toEqual(new Set([200]));
    expect(await outcome(server, sentBy(alice))).toBe('401/3002');
  });

  it('starts a new idle term when its owner sends a transfer, and for nobody else', async () => {
    const { server, advance } = await startServerWithClock();
    advance(29 * day);
    server.transfers.create({ sender: alice, to: [bob] });
    advance(29 * day);
    expect(await outcome(server, sentBy(alice))).toBe('200');
    expect(await outcome(server, sentBy(bob))).toBe('401/3002');
  });

  it('does not revive once it has lapsed', async () => {
    const { server, advance } = await startServerWithClock();
    advance(31 * day);
    server.transfers.create({ sender: alice, to: [bob] });
    expect(await outcome(server, sentBy(alice))).toBe('401/3002');
  });

  it('ends with the maximum term even if its owner keeps sending', async () => {
    const { server, advance } = await startServerWithClock({ maximumTermMs: 40 * day });
    advance(29 * day);
    server.transfers.create({ sender: alice, to: [bob] });
    advance(11 * day);
    expect(await outcome(server, sentBy(alice))).toBe('401/3002');
  });

  it("is void after an administrator's reset", async () => {
    const server = await startServer();
    server.verifications.reset();
    expect(await outcome(server, sentBy(alice))).toBe('401/3002');
  });
});
