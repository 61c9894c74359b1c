import { performance } from 'node:perf_hooks';
import { describe, expect, it } from 'vitest';
import type { Fault } from '#infra/simulator/faults.ts';
import type { CryptshareServer } from '#infra/simulator/server.ts';
import type { Switches } from '#infra/simulator/switches.ts';
import { faultAnswers } from '#test/support/fault-answers.ts';
import {
  alice,
  bob,
  call,
  clientId,
  createTransfer,
  headers,
  outcome,
  receivedBy,
  sentBy,
  startServer,
  statusOf,
  verificationOf,
} from './client.ts';

async function startWithFaults(...faults: readonly Fault[]): Promise<CryptshareServer> {
  const server = await startServer();
  for (const fault of faults) server.faults.inject(fault);
  return server;
}

describe('Faults', () => {
  it('replaces an answer once, oldest fault first, with its headers', async () => {
    const answers = [faultAnswers.tooManyRequests('30'), faultAnswers.redirect('https://elsewhere.example/')];
    const server = await startWithFaults(...answers.map((answer) => ({ answer })));
    const limited = await call(server, sentBy(alice));
    expect(limited).toMatchObject({ status: 429, body: { errorCode: 2007 } });
    expect(limited.headers.get('retry-after')).toBe('30');
    const redirected = await call(server, sentBy(alice));
    expect([redirected.status, redirected.headers.get('location')]).toEqual([302, 'https://elsewhere.example/']);
    expect(await outcome(server, sentBy(alice))).toBe('200');
  });

  it('truncates a page to half of its JSON', async () => {
    const server = await startWithFaults({ answer: { kind: 'truncated' } });
    await expect(call(server, sentBy(alice))).rejects.toThrow(SyntaxError);
  });

  it('delays an answer, as the switch latencyMs does', async () => {
    const server = await startWithFaults({ answer: { kind: 'delayed', ms: 50 } });
    server.switches.latencyMs = 50;
    const began = performance.now();
    expect(await outcome(server, sentBy(alice))).toBe('200');
    expect(performance.now() - began).toBeGreaterThan(95);
  });

  it('drops a connection without an answer', async () => {
    const server = await startWithFaults({ answer: { kind: 'dropped' } });
    await expect(call(server, sentBy(alice))).rejects.toThrow(TypeError);
    expect(await outcome(server, sentBy(alice))).toBe('200');
    expect(server.requests.report().recent.map(({ status }) => status)).toEqual([null, 200]);
  });

  it('ends with the server, which closes connections that wait for an answer', async () => {
    const server = await startWithFaults({ answer: { kind: 'delayed', ms: 600_000 } });
    const answer = expect(call(server, sentBy(alice))).rejects.toThrow(TypeError);
    while (server.requests.total === 0) await new Promise(setImmediate);
    await server.close();
    await answer;
  });

  it('meets only requests of its path and page, as often as set', async () => {
    const server = await startWithFaults({
      ...{ path: 'sent-transfers', page: 2, times: 2 },
      answer: faultAnswers.serverError,
    });
    const outcomes = [];
    const second = [sentBy(alice, '?page=2'), sentBy(bob, '?page=2'), sentBy(alice, '?page=2')];
    for (const path of [sentBy(alice), receivedBy(alice, '?page=2'), ...second]) {
      outcomes.push(await outcome(server, path));
    }
    expect(outcomes).toEqual(['200', '200', '500/5000', '500/5000', '200']);
    expect(server.requests.report().recent.map(({ status }) => status)).toEqual([200, 200, 500, 500, 200]);
  });
});

describe('CryptshareServer.switches', () => {
  const list = async (server: CryptshareServer, query: string) => {
    createTransfer(server);
    return (await call(server, sentBy(alice, query))).body.data;
  };
  const fields = async (server: CryptshareServer, query: string) => outcome(server, sentBy(alice, `?fields=${query}`));
  const verification = async (server: CryptshareServer) => (await call(server, verificationOf(alice))).body.data;
  const errorFor = async (server: CryptshareServer) => (await call(server, '/api/no-such-endpoint')).body;

  it.each<[Partial<Switches>, (server: Awaited<ReturnType<typeof startServer>>) => Promise<unknown>, unknown]>([
    [
      { newTokenVoidsOlder: false },
      (server) => {
        server.verifications.grantToken({ mailbox: alice, clientId }, 'example-token-2');
        return outcome(server, sentBy(alice));
      },
      '200',
    ],
    [
      { itemShape: 'swapped-recipients' },
      (server) => list(server, '?fields=status(recipients(mail,to)),transfer(recipients(mail,to))'),
      [{ status: { recipients: { to: [{ mail: bob }] } }, transfer: { recipients: [{ mail: bob }] } }],
    ],
    [{ itemShape: 'flat' }, (server) => list(server, '?fields=status(state)'), [{ state: 'ACTIVE' }]],
    [
      { maximumPageSize: 1, beyondLastPage: 'error' },
      async (server) => {
        const empty = [await outcome(server, sentBy(alice)), await outcome(server, sentBy(alice, '?page=2'))];
        createTransfer(server);
        return [...empty, (await list(server, '?page-size=100')).length];
      },
      ['200', '404/1004', 1],
    ],
    [
      { verificationsPerMinute: 0 },
      (server) => outcome(server, `${verificationOf(alice)}/token`, { method: 'POST' }),
      '429/2007',
    ],
    [
      { maximumTermMs: 86_400_000 },
      async (server) => {
        server.advance(80_000_000);
        createTransfer(server);
        server.advance(6_400_000);
        return outcome(server, sentBy(alice));
      },
      '401/3002',
    ],
    [{ validUntil: 'null' }, verification, { verified: true, validUntil: null, verificationMethods: ['EMAIL'] }],
    [{ validUntil: 'missing' }, verification, { verified: true, verificationMethods: ['EMAIL'] }],
    [{ clockOffsetMs: 60_000 }, async (server) => createTransfer(server).slice(0, 15), '20300101-140100'],
    [
      { redirectTo: 'https://elsewhere.example' },
      async (server) => (await call(server, '/api/status?a=b')).headers.get('location'),
      'https://elsewhere.example/api/status?a=b',
    ],
    [{ oversizedPage: 'clamp' }, async (server) => (await list(server, '?page-size=1000')).length, 1],
    [
      { unknownFields: 'reject' },
      async (server) => [
        await fields(server, 'trackingId,status(mood)'),
        await fields(server, 'status(recipients(fileDownloads(downloads(downloadDate))))'),
      ],
      ['400/1004', '200'],
    ],
    [
      { deletedUserKeepsRecipientId: false },
      async (server) => {
        const [before] = await list(server, '');
        server.transfers.deleteUserData(bob);
        const { body } = await call(server, sentBy(alice));
        return body.data[0].status.recipients[0].id === before.status.recipients[0].id;
      },
      false,
    ],
    [
      { purgeAfterDays: 1 },
      async (server) => {
        const trackingId = createTransfer(server);
        server.advance(31 * 86_400_000);
        server.verifications.grantToken({ mailbox: alice, clientId }, headers['X-CS-VerificationToken']!);
        const before = await outcome(server, statusOf(alice, trackingId));
        server.advance(86_400_000);
        return [before, await outcome(server, statusOf(alice, trackingId))];
      },
      ['200', '404/2003'],
    ],
    [{ errorBody: 'html-502' }, errorFor, expect.stringContaining('<h1>')],
    [{ errorBody: 'empty-401' }, errorFor, ''],
    [
      { utcOffsetMinutes: -210 },
      async (server) => {
        const [{ trackingId, transfer }] = await list(server, '?fields=trackingId,transfer(expirationDate)');
        return [trackingId.slice(0, 15), transfer.expirationDate];
      },
      ['20300101-083000', '2030-01-31T08:30:00-03:30'],
    ],
  ])('changes answers by %j while the server runs', async (switches, observe, seen) => {
    const server = await startServer();
    Object.assign(server.switches, switches);
    expect(await observe(server)).toEqual(seen);
  });
});

describe('RequestCounters', () => {
  it('logs the last 200 requests without header values and credentials', async () => {
    const server = await startServer();
    await call(server, sentBy(alice, `?page=2&client-id=${clientId}&verification-token=example-token-1`));
    expect(server.requests.report()).toEqual({
      total: 1,
      byRoute: { 'GET /api/users/:email/transfers/sent-transfers': 1 },
      greatestInFlight: 1,
      bytesSent: '{"data":[],"meta":{}}'.length,
      recent: [
        {
          at: '2030-01-01T12:00:00.000Z',
          method: 'GET',
          url: sentBy(alice, '?page=2'),
          headerNames: expect.arrayContaining(['x-cs-clientid', 'x-cs-verificationtoken']),
          status: 200,
        },
      ],
    });
    const [logged] = server.requests.report().recent;
    for (let count = 0; count < 201; count += 1) server.requests.began('GET /api/status', { ...logged! });
    expect(server.requests.report()).toMatchObject({ total: 202, recent: { length: 200 } });
    for (let count = 0; count < 200; count += 1) server.requests.ended();
    server.requests.began('GET /api/status', { ...logged! });
    expect(server.requests.report()).toMatchObject({ greatestInFlight: 201, byRoute: { 'GET /api/status': 202 } });
    server.requests.reset();
    expect(server.requests.report()).toEqual({ total: 0, byRoute: {}, greatestInFlight: 2, bytesSent: 0, recent: [] });
  });
});

describe('/control', () => {
  it('changes what the REST API answers', async () => {
    const server = await startServer();
    const control = (method: string, path: string, body?: unknown) => call(server, `/control${path}`, { method, body });
    const listed = async () =>
      (await call(server, sentBy(alice, '?fields=status(state,recipients(mail))'))).body.data.map(
        ({ status }: { status: { state: string; recipients: { mail: string }[] } }) => [
          status.state,
          status.recipients[0]?.mail,
        ],
      );
    const { trackingId } = (await control('POST', '/transfers', { sender: alice, to: [bob] })).body;
    await control('PUT', `/transfers/${trackingId}/state`, { state: 'DELETED_BY_ADMIN' });
    await control('POST', '/seed', { sender: alice, to: [bob], count: 1, state: 'ACTIVE' });
    const { proxyAddress } = (await control('DELETE', `/users/${bob}`)).body;
    const page = { page: 1, pageSize: 10 };
    const countOf = (mailbox: string) => server.transfers.page({ mailbox, direction: 'received' }, page).length;
    expect([countOf(bob), countOf(proxyAddress)]).toEqual([0, 2]);
    await control('PATCH', '/switches', { stateSpelling: 'prose' });
    expect(await listed()).toEqual([
      ['Deleted_by_admin', proxyAddress],
      ['Active', proxyAddress],
    ]);
    await control('POST', `/transfers/${trackingId}/purge`);
    expect(await listed()).toHaveLength(1);
    await control('POST', `/transfers/${trackingId}/restore`);
    expect(await listed()).toHaveLength(2);
    await control('POST', '/faults', { times: 2, answer: { kind: 'response', status: 503 } });
    expect(await outcome(server, sentBy(alice))).toBe('503');
    await control('DELETE', '/faults');
    await control('DELETE', '/requests');
    expect(await outcome(server, sentBy(alice))).toBe('200');
    expect((await control('GET', '/requests')).body.total).toBe(1);
    await control('DELETE', '/tokens');
    expect(await outcome(server, sentBy(alice))).toBe('401/3002');
    await control('POST', '/tokens', { mailbox: alice, clientId, token: headers['X-CS-VerificationToken'] });
    expect(await outcome(server, sentBy(alice))).toBe('200');
    await control('POST', '/clients', { clientId });
    expect(server.verifications.isRegistered(clientId)).toBe(true);
    expect((await control('GET', '/switches')).body).toEqual(server.switches);
    expect((await control('PUT', `/transfers/${trackingId}/state`, { state: 'ACTIVE' })).status).toBe(409);
    expect((await control('POST', '/transfers/any/purge')).status).toBe(404);
    const proxySender = server.transfers.deleteUserData(alice);
    expect(server.transfers.find(trackingId)?.sender).toBe(proxySender);
  });

  it.each([
    { method: 'POST', path: '/transfers', body: { sender: alice, to: [] }, wrong: 'to' },
    { method: 'POST', path: '/seed', body: { sender: alice, to: [bob], count: 0, state: 'ACTIVE' }, wrong: 'count' },
    { method: 'PUT', path: '/transfers/any/state', body: {}, wrong: 'state' },
    { method: 'PATCH', path: '/switches', body: { order: 'oldest-first' }, wrong: 'order' },
    { method: 'POST', path: '/faults', body: { answer: { kind: 'response', status: 99 } }, wrong: 'answer.status' },
    { method: 'POST', path: '/clients', body: { clientId: 'short' }, wrong: 'clientId' },
    { method: 'POST', path: '/tokens', body: { mailbox: bob, clientId, token: '' }, wrong: 'token' },
  ])('answers $method $path with 400 for a wrong $wrong', async ({ method, path, body, wrong }) => {
    expect(await call(await startServer(), `/control${path}`, { method, body })).toMatchObject({
      status: 400,
      body: { problems: [{ path: wrong, message: expect.any(String) }] },
    });
  });
});
