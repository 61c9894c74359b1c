import { request } from 'node:https';
import { describe, expect, it } from 'vitest';
import { selfSigned } from '#test/infra/local/certificate.ts';
import { alice, bob, call, clientId, headers, sentBy, startServer, token } from './client.ts';

const listing = 'GET /api/users/:email/transfers/sent-transfers';

describe('the request counters', () => {
  it('count requests by route, and the bytes sent', async () => {
    const server = await startServer();
    await call(server, sentBy(alice));
    await call(server, sentBy(bob, '?page=2'));
    await call(server, '/api/no-such-endpoint');
    await call(server, '/control/requests');
    expect(server.requests.report()).toMatchObject({
      total: 3,
      byRoute: { [listing]: 2, 'GET (no such endpoint)': 1 },
    });
    expect(server.requests.ofRoute(listing)).toBe(2);
    const { bytesSent } = server.requests;
    await call(server, sentBy(alice));
    expect(server.requests.bytesSent - bytesSent).toBe('{"data":[],"meta":{}}'.length);
  });

  it('tell the greatest number of requests in flight at once', async () => {
    const server = await startServer();
    await call(server, sentBy(alice));
    await call(server, sentBy(alice));
    expect(server.requests.greatestInFlight).toBe(1);

    server.switches.latencyMs = 100;
    await Promise.all([1, 2, 3].map((page) => call(server, sentBy(alice, `?page=${page}`))));
    expect(server.requests.greatestInFlight).toBe(3);
  });

  it('start again when reset', async () => {
    const server = await startServer();
    await call(server, sentBy(alice));
    server.requests.reset();
    expect(server.requests.report()).toEqual({ total: 0, byRoute: {}, greatestInFlight: 0, bytesSent: 0, recent: [] });
  });

  it('log a request without header values and without credentials in the query', async () => {
    const server = await startServer();
    await call(server, sentBy(alice, `?page=2&client-id=${clientId}&verification-token=${token}`));
    const { recent } = server.requests.report();
    expect(recent).toEqual([
      {
        at: expect.any(String),
        method: 'GET',
        url: sentBy(alice, '?page=2'),
        headerNames: expect.arrayContaining(['x-cs-clientid', 'x-cs-verificationtoken']),
        status: 200,
      },
    ]);
    expect(JSON.stringify(recent)).not.toContain(clientId);
    expect(JSON.stringify(recent)).not.toContain(token);
  });

  it('log the latest 200 requests', async () => {
    const server = await startServer();
    for (let page = 1; page <= 205; page += 1) await call(server, sentBy(alice, `?page=${page}`));
    const { recent } = server.requests.report();
    expect(recent).toHaveLength(200);
    expect(recent[0]?.url).toBe(sentBy(alice, '?page=6'));
  });
});

describe('closing', () => {
  it('ends a connection that still waits for its answer', async () => {
    const server = await startServer({ switches: { latencyMs: 600_000 } });
    const answer = expect(call(server, sentBy(alice))).rejects.toThrow(TypeError);
    const arrived = async () => {
      while (server.requests.total === 0) await new Promise(setImmediate);
    };
    await arrived();
    await server.close();
    await answer;
  });
});

describe('given a key and a certificate', () => {
  it('serves HTTPS', async () => {
    const server = await startServer({ tls: await selfSigned() });
    expect(server.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    const status = await new Promise((resolve, reject) => {
      const options = { headers, rejectUnauthorized: false, agent: false };
      request(server.url + sentBy(alice), options, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end();
    });
    expect(status).toBe(200);
  });
});
