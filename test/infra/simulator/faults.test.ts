import { performance } from 'node:perf_hooks';
import { describe, expect, it, test } from 'vitest';
import { type Fault, faultAnswers } from '#infra/simulator/faults.ts';
import { alice, bob, call, receivedBy, sentBy, startServer } from './client.ts';

describe('a fault', () => {
  test.each<{ description: string; answer: Fault['answer']; expected: object }>([
    {
      description: 'a 429 with Retry-After',
      answer: faultAnswers.tooManyRequests('30'),
      expected: { status: 429, body: { errorCode: 2007 } },
    },
    {
      description: 'a 429 without Retry-After',
      answer: faultAnswers.tooManyRequests(),
      expected: { status: 429, body: { errorCode: 2007 } },
    },
    {
      description: 'an unhandled server error',
      answer: faultAnswers.serverError,
      expected: { status: 500, body: { errorCode: 5000 } },
    },
    {
      description: "a proxy's error page",
      answer: faultAnswers.badGateway,
      expected: { status: 502, body: expect.stringContaining('<html>') },
    },
    { description: 'a 401 without body', answer: faultAnswers.emptyUnauthorized, expected: { status: 401, body: '' } },
    {
      description: 'a sign-in page with status 200',
      answer: faultAnswers.signInPage,
      expected: { status: 200, body: expect.stringContaining('<html>') },
    },
    {
      description: 'a redirect to another host',
      answer: faultAnswers.redirect('https://elsewhere.example/'),
      expected: { status: 302 },
    },
  ])('can be $description, once', async ({ answer, expected }) => {
    const server = await startServer();
    server.faults.inject({ answer });
    expect(await call(server, sentBy(alice))).toMatchObject(expected);
    expect((await call(server, sentBy(alice))).status).toBe(200);
  });

  it('carries its headers', async () => {
    const server = await startServer();
    server.faults.inject({ answer: faultAnswers.tooManyRequests('30') });
    server.faults.inject({ answer: faultAnswers.tooManyRequests() });
    server.faults.inject({ answer: faultAnswers.redirect('https://elsewhere.example/') });
    expect((await call(server, sentBy(alice))).headers.get('retry-after')).toBe('30');
    expect((await call(server, sentBy(alice))).headers.has('retry-after')).toBe(false);
    expect((await call(server, sentBy(alice))).headers.get('location')).toBe('https://elsewhere.example/');
  });

  it('can cut the JSON in half', async () => {
    const server = await startServer();
    server.transfers.create({ sender: alice, to: [bob] });
    server.faults.inject({ answer: { kind: 'truncated' } });
    await expect(call(server, sentBy(alice))).rejects.toThrow(SyntaxError);
  });

  it('can delay the real answer', async () => {
    const server = await startServer();
    server.faults.inject({ answer: { kind: 'delayed', ms: 100 } });
    const began = performance.now();
    expect((await call(server, sentBy(alice))).status).toBe(200);
    expect(performance.now() - began).toBeGreaterThan(95);
  });

  it('can drop the connection without an answer', async () => {
    const server = await startServer();
    server.faults.inject({ answer: { kind: 'dropped' } });
    await expect(call(server, sentBy(alice))).rejects.toThrow(TypeError);
    expect((await call(server, sentBy(alice))).status).toBe(200);
    expect(server.requests.report().recent.map(({ status }) => status)).toEqual([null, 200]);
  });

  it('befalls only requests that match its path and page, as often as it says', async () => {
    const server = await startServer();
    server.faults.inject({ path: 'sent-transfers', page: 2, times: 2, answer: faultAnswers.serverError });
    const statuses = [];
    for (const path of [
      sentBy(alice),
      receivedBy(alice, '?page=2'),
      sentBy(alice, '?page=2'),
      sentBy(bob, '?page=2'),
    ]) {
      statuses.push((await call(server, path)).status);
    }
    statuses.push((await call(server, sentBy(alice, '?page=2'))).status);
    expect(statuses).toEqual([200, 200, 500, 500, 200]);
  });

  it('waits for the one injected before it', async () => {
    const server = await startServer();
    server.faults.inject({ answer: faultAnswers.badGateway });
    server.faults.inject({ answer: faultAnswers.serverError });
    expect((await call(server, sentBy(alice))).status).toBe(502);
    expect((await call(server, sentBy(alice))).status).toBe(500);
  });

  it('can be taken back', async () => {
    const server = await startServer();
    server.faults.inject({ answer: faultAnswers.serverError });
    server.faults.clear();
    expect((await call(server, sentBy(alice))).status).toBe(200);
  });
});
