import { describe, expect, it } from 'vitest';
import type { FailureCause } from '#functions/cryptshare/failure.ts';
import type { Fault } from '#infra/simulator/faults.ts';
import type { CryptshareServer } from '#infra/simulator/server.ts';
import { selfSigned } from '#test/infra/local/certificate.ts';
import { faultAnswers } from '#test/support/fault-answers.ts';
import type { TestClock } from '#test/support/poll-world.ts';
import { connect, errorAnswer, expectClear, type Options, response, start, watch } from './client-start.ts';

describe('CryptshareClient.list', () => {
  it.each<{ what: string; answer: Fault['answer'] }>([
    { what: 'a truncated page', answer: { kind: 'truncated' } },
    { what: 'a bad gateway', answer: faultAnswers.badGateway },
  ])('repeats a page twice after $what, after a longer pause each time', async ({ answer }) => {
    const { server, waits, list } = await start(250);
    server.faults.inject({ page: 2, times: 2, answer });
    expect(await list(250)).toMatchObject({ failure: undefined, requests: 5, listing: { size: 250 } });
    expect(waits).toHaveLength(2);
    expect(waits[1]).toBeGreaterThan(waits[0]!);
  });

  it.each<{ what: string; answer: Fault['answer']; kind: FailureCause }>([
    { what: 'a page for people', answer: faultAnswers.signInPage, kind: 'malformed_answer' },
    { what: 'a list of nothing', answer: response(200, { data: {} }), kind: 'malformed_answer' },
    { what: 'more than 4 MB', answer: response(200, '[]'.padEnd(5_000_000)), kind: 'answer_too_large' },
    { what: 'a dropped connection', answer: { kind: 'dropped' }, kind: 'unreachable' },
    { what: 'too many requests', answer: faultAnswers.tooManyRequests(), kind: 'throttled' },
  ])('is incomplete after $what three times, but lists the other pages', async ({ answer, kind }) => {
    const { server, list } = await start(350);
    server.faults.inject({ page: 2, times: 1000, answer });
    const pass = await list(350);
    expect(pass).toMatchObject({ failure: { kind }, requests: 6, listing: { size: 250 } });
    expectClear(pass);
  });

  it.each<{
    what: string;
    kind: FailureCause;
    says: RegExp;
    arrange?: (server: CryptshareServer, clock: TestClock) => void;
    options?: Options;
  }>([
    {
      what: 'a wrong token',
      ...{ kind: 'token_invalid', says: /401, code 3002/, options: { verificationToken: 'example-token-2' } },
    },
    {
      what: 'an expired token',
      ...{ kind: 'token_invalid', says: /verification/ },
      arrange: ({ switches }, clock) => clock.advance(switches.idleTermMs + 1),
    },
    { what: 'a malformed client id', kind: 'client_id_rejected', says: /client id/, options: { clientId: 'short' } },
    {
      what: 'API 1.11',
      ...{ kind: 'version_unsupported', says: /1\.12.*code 2004/ },
      arrange: ({ switches }) => Object.assign(switches, { minor: 11 }),
    },
    {
      what: 'API 1.11 without the endpoint',
      ...{ kind: 'version_unsupported', says: /1\.12/ },
      arrange: ({ faults }) => faults.inject({ answer: errorAnswer(404, 2003) }),
    },
  ])('ends after one request because of $what, and says what to do', async ({ kind, says, arrange, options = {} }) => {
    const { server, clock, list } = await start(250, {}, options);
    arrange?.(server, clock);
    const pass = await list(250);
    expect(pass).toMatchObject({ failure: { kind, message: expect.stringMatching(says) }, listing: { size: 0 } });
    expect(server.requests.report().recent.filter(({ url }) => url.includes('/transfers/'))).toHaveLength(1);
    expectClear(pass);
  });

  it.each<{ how: string; header: string | undefined; wait: number }>([
    { how: '3 seconds', header: '3', wait: 3_000 },
    { how: 'until a date', header: 'Tue, 24 Nov 2026 00:00:07 GMT', wait: 7_000 },
    { how: 'without a time', header: undefined, wait: 500 },
  ])('waits exactly $wait ms for a server that asks to wait $how', async ({ header, wait }) => {
    const { server, waits, list } = await start(5);
    server.faults.inject({ answer: faultAnswers.tooManyRequests(header) });
    expect(await list()).toMatchObject({ failure: undefined, requests: 2, listing: { size: 5 } });
    expect(waits).toEqual([wait]);
  });

  it('leaves a server to the next poll that asks to wait more than ten seconds', async () => {
    const { server, waits, list } = await start(5);
    server.faults.inject({ answer: faultAnswers.tooManyRequests('11') });
    expect(await list()).toMatchObject({ failure: { kind: 'throttled' }, listing: { size: 0 } });
    expect(waits).toEqual([]);
  });

  it('sends nothing, for as long as the server asked to wait', async () => {
    const { server, clock, waits, list, status } = await start(5);
    server.faults.inject({ answer: faultAnswers.tooManyRequests('120') });
    expect(await list()).toMatchObject({ failure: { kind: 'throttled' } });
    clock.advance(119_000);
    expect(await list(0, 500)).toMatchObject({ failure: { kind: 'throttled' } });
    await expect(status('t-1').finally(() => expect(waits).toEqual([1_000]))).resolves.toBeUndefined();
    expect(server.requests.total).toBe(2);
    expect(await list()).toMatchObject({ failure: undefined, listing: { size: 5 } });
  });

  it('names the error code of a network that leads nowhere', async () => {
    const { server, list } = await start();
    await server.close();
    const pass = await list();
    expect(pass).toMatchObject({
      failure: { kind: 'unreachable', message: expect.stringContaining('ECONNREFUSED') },
      requests: 3,
    });
    expectClear(pass);
  });

  it('sends nothing after its deadline, and counts no request', async () => {
    const { server, seeded, client, list, inTime } = await start(5);
    expect(await list(250, 0)).toMatchObject({ failure: { kind: 'out_of_time' }, requests: 0, listing: { size: 0 } });
    const status = client.status(watch, seeded[0]!.trackingId, inTime(0));
    await expect(status).rejects.toMatchObject({ kind: 'out_of_time' });
    expect(server.requests.total).toBe(0);
  });

  it('follows no redirect, which would hand credentials to another host', async () => {
    const [{ server, list, status }, { server: other }] = [await start(5), await start(5)];
    server.switches.redirectTo = other.url;
    expect(await list()).toMatchObject({ failure: { kind: 'redirected' }, listing: { size: 0 } });
    await expect(status('t-1')).rejects.toMatchObject({ kind: 'redirected' });
    expect(other.requests.total).toBe(0);
  });

  it('trusts the certificate of a private authority only if that is configured', async () => {
    const tls = await selfSigned();
    const { server, list } = await start(5, {}, {}, tls);
    const refused = await list();
    expect(refused).toMatchObject({ failure: { kind: 'certificate_untrusted' }, requests: 1 });
    expectClear(refused);
    expect(server.requests.total).toBe(0);
    for (const ca of [tls.cert, `\ufeff${tls.cert}`]) {
      const { list: trusting } = connect(server.url, undefined, { ca });
      expect(await trusting()).toMatchObject({ failure: undefined, listing: { size: 5 } });
    }
  });

  it.each([
    ['a proxy', response(404, '<h1>Not found</h1>')],
    ['an endpoint', errorAnswer(404, 1006)],
    ['a version', errorAnswer(404, 2004)],
  ])('does not take a 404 of %s for the end of the listing', async (_, answer) => {
    const { server, list } = await start(450);
    server.faults.inject({ page: 5, times: 3, answer });
    const pass = await list(450);
    expect(pass.failure).toBeDefined();
    expect(pass.listing.size).toBe(400);
  });
});
