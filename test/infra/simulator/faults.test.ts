import { performance } from 'node:perf_hooks';
import { describe, expect, it } from 'vitest';
import type { Fault } from '#infra/simulator/faults.ts';
import type { CryptshareServer } from '#infra/simulator/server.ts';
import { faultAnswers } from '#test/support/fault-answers.ts';
import { alice, bob, call, outcome, receivedBy, sentBy, startServer } from './client.ts';

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

  it('delays an answer', async () => {
    const server = await startWithFaults({ answer: { kind: 'delayed', ms: 100 } });
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
  });
});

describe('RequestCounters', () => {
  it('logs requests without header values and credentials', async () => {
    const server = await startServer();
    await call(server, sentBy(alice, '?page=2'));
    expect(server.requests.report()).toEqual({
      total: 1,
      byRoute: { 'GET /api/users/:email/transfers/sent-transfers': 1 },
      greatestInFlight: 1,
      recent: [
        {
          method: 'GET',
          url: sentBy(alice, '?page=2'),
          status: 200,
        },
      ],
    });
    server.requests.reset();
    expect(server.requests.report()).toMatchObject({ total: 0, byRoute: {}, recent: [] });
  });
});

describe('/control', () => {
  it('changes what the REST API answers', async () => {
    const server = await startServer();
    const control = (method: string, path: string, body?: unknown) => call(server, `/control${path}`, { method, body });
    const listed = async () =>
      (await call(server, sentBy(alice, '?fields=status(state)'))).body.data.map(
        ({ status }: { status: { state: string } }) => status.state,
      );
    const { trackingId } = (await control('POST', '/transfers', { sender: alice, to: [bob] })).body;
    await control('PUT', `/transfers/${trackingId}/state`, { state: 'FAILED' });
    server.transfers.seed({ sender: alice, to: [bob], count: 1, state: 'ACTIVE' });
    await control('PATCH', '/switches', { stateSpelling: 'prose' });
    expect(await listed()).toEqual(['Failed', 'Active']);
    await control('POST', `/transfers/${trackingId}/purge`);
    expect(await listed()).toHaveLength(1);
    await control('POST', '/faults', { times: 2, answer: { kind: 'response', status: 503 } });
    expect(await outcome(server, sentBy(alice))).toBe('503');
    await control('DELETE', '/faults');
    await control('DELETE', '/requests');
    expect(await outcome(server, sentBy(alice))).toBe('200');
    expect((await control('GET', '/requests')).body.total).toBe(1);
    await control('DELETE', '/tokens');
    expect(await outcome(server, sentBy(alice))).toBe('401/3002');
    expect((await control('GET', '/switches')).body).toEqual(server.switches);
    expect((await control('PUT', `/transfers/${trackingId}/state`, { state: 'ACTIVE' })).status).toBe(409);
    expect((await control('POST', '/transfers/any/purge')).status).toBe(404);
  });

  it.each([
    { method: 'POST', path: '/transfers', body: { sender: alice, to: [] }, wrong: 'to' },
    { method: 'PUT', path: '/transfers/any/state', body: {}, wrong: 'state' },
    { method: 'PATCH', path: '/switches', body: { order: 'oldest-first' }, wrong: 'order' },
    { method: 'POST', path: '/faults', body: { answer: { kind: 'response', status: 99 } }, wrong: 'answer.status' },
  ])('answers $method $path with 400 for a wrong $wrong', async ({ method, path, body, wrong }) => {
    expect(await call(await startServer(), `/control${path}`, { method, body })).toMatchObject({
      status: 400,
      body: { problems: [{ path: wrong, message: expect.any(String) }] },
    });
  });
});
