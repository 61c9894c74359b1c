import { describe, expect, it, test } from 'vitest';
import { alice, call, clientId, headers, outcome, sentBy, startServer, statusOf, token } from './client.ts';

const without = (name: string) => Object.fromEntries(Object.entries(headers).filter(([header]) => header !== name));

describe('a call of the REST API', () => {
  test.each([
    { description: 'no major version', given: without('X-CS-MajorApiVersion'), refusal: '400/1002' },
    { description: 'no minimum minor version', given: without('X-CS-MinimumMinorApiVersion'), refusal: '400/1002' },
    { description: 'no client id', given: without('X-CS-ClientId'), refusal: '400/1002' },
    { description: 'no token', given: without('X-CS-VerificationToken'), refusal: '401/3002' },
  ])('is refused with $refusal for $description', async ({ given, refusal }) => {
    const server = await startServer();
    expect(await outcome(server, sentBy(alice), { headers: given })).toBe(refusal);
    expect(await outcome(server, statusOf(alice, 'any'), { headers: given })).toBe(refusal);
  });

  test.each([
    { description: 'a version that is no number', wrong: { 'X-CS-MajorApiVersion': '1.0' }, refusal: '400/1004' },
    { description: 'major version 2', wrong: { 'X-CS-MajorApiVersion': '2' }, refusal: '404/2004' },
    { description: 'a newer minor version', wrong: { 'X-CS-MinimumMinorApiVersion': '16' }, refusal: '404/2004' },
    { description: 'a client id of 49 characters', wrong: { 'X-CS-ClientId': 'a'.repeat(49) }, refusal: '400/1004' },
    { description: 'a client id of 4,001', wrong: { 'X-CS-ClientId': 'a'.repeat(4001) }, refusal: '400/1004' },
    { description: 'a client id with a hyphen', wrong: { 'X-CS-ClientId': `-${'a'.repeat(50)}` }, refusal: '400/1004' },
    { description: 'an unknown product key', wrong: { 'X-CS-ProductKey': 'api.soap' }, refusal: '400/1004' },
    { description: 'an empty token', wrong: { 'X-CS-VerificationToken': '' }, refusal: '401/3002' },
    { description: 'a wrong token', wrong: { 'X-CS-VerificationToken': 'example-token-2' }, refusal: '401/3002' },
    { description: 'the token of another client', wrong: { 'X-CS-ClientId': 'b'.repeat(50) }, refusal: '401/3002' },
  ])('is refused with $refusal for $description', async ({ wrong, refusal }) => {
    const server = await startServer();
    const given = { ...headers, ...wrong };
    expect(await outcome(server, sentBy(alice), { headers: given })).toBe(refusal);
    expect(await outcome(server, statusOf(alice, 'any'), { headers: given })).toBe(refusal);
  });

  it('is refused with a code and a text, not wrapped in data', async () => {
    expect((await call(await startServer(), sentBy('alice'))).body).toEqual({
      errorCode: 1005,
      errorMessage: 'Bad path variable email.',
    });
  });

  it('is refused with 400/1005 for an address that is none', async () => {
    expect(await outcome(await startServer(), sentBy('alice'))).toBe('400/1005');
  });

  it('is refused with 401/3002 for a mailbox that its token was not made for', async () => {
    expect(await outcome(await startServer(), sentBy('carol@example.com'))).toBe('401/3002');
  });

  it('may carry what stands in its headers as query parameters', async () => {
    const query = new URLSearchParams({
      'major-api-version': '1',
      'minimum-minor-api-version': '12',
      'product-key': 'api.rest',
      'client-id': clientId,
      'verification-token': token,
    });
    expect(await call(await startServer(), sentBy(alice, `?${query}`), { headers: {} })).toMatchObject({
      status: 200,
      body: { data: [], meta: {} },
    });
  });

  it('is answered with 404/1006 if there is no such endpoint', async () => {
    expect(await outcome(await startServer(), '/api/no-such-endpoint')).toBe('404/1006');
  });
});

describe('/api/status', () => {
  it('tells the version to a client that sends no headers', async () => {
    expect(await call(await startServer(), '/api/status', { headers: {} })).toMatchObject({
      status: 200,
      body: { apiVersions: { uiApiVersions: [{ major: 1, minor: 15 }] } },
    });
  });

  it('does not exist before 1.13', async () => {
    expect(await outcome(await startServer({ switches: { minor: 12 } }), '/api/status')).toBe('404/1006');
  });
});

describe('/api/clients', () => {
  it('makes a new client id for a client that has none', async () => {
    const server = await startServer();
    const first = await call(server, '/api/clients', { headers: without('X-CS-ClientId') });
    const second = await call(server, '/api/clients', { headers: without('X-CS-ClientId') });
    expect(first.body).toEqual({ data: { clientId: expect.stringMatching(/^[a-zA-Z0-9]{50}$/) }, meta: {} });
    expect(second.body.data.clientId).not.toBe(first.body.data.clientId);
  });
});

describe('a server older than 1.12', () => {
  it('takes sent-transfers for a tracking id that it does not know', async () => {
    const server = await startServer({ switches: { minor: 11 } });
    const given = { ...headers, 'X-CS-MinimumMinorApiVersion': '8' };
    expect(await outcome(server, sentBy(alice), { headers: given })).toBe('404/2003');
    expect(await outcome(server, sentBy(alice))).toBe('404/2004');
  });
});
