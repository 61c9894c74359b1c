import { describe, expect, it, test } from 'vitest';
import type { FailureCause } from '#functions/cryptshare/failure.ts';
import type { Fault } from '#infra/simulator/faults.ts';
import type { CryptshareServer } from '#infra/simulator/server.ts';
import { selfSigned } from '#test/infra/local/certificate.ts';
import { faultAnswers } from '#test/support/fault-answers.ts';
import type { TestClock } from '#test/support/poll-world.ts';
import { connect, errorAnswer, expectClear, type Options, response, start } from './client-start.ts';

describe('a page that is answered by', () => {
  test.each<{ what: string; answer: Fault['answer'] }>([
    { what: 'a page for people', answer: faultAnswers.signInPage },
    { what: 'a truncated page', answer: { kind: 'truncated' } },
    { what: 'a bad gateway', answer: faultAnswers.badGateway },
  ])('$what twice: the third attempt counts', async ({ answer }) => {
    const { server, waits, list } = await start(250);
    server.faults.inject({ page: 2, times: 2, answer });
    expect(await list(250)).toMatchObject({ failure: undefined, requests: 5, listing: { size: 250 } });
    expect(waits).toHaveLength(2);
    expect(waits[1]).toBeGreaterThan(waits[0]!);
  });

  it('a dropped connection twice: another connection brings it', async () => {
    const { server, list } = await start(250);
    server.faults.inject({ page: 2, times: 2, answer: { kind: 'dropped' } });
    expect(await list(250)).toMatchObject({ failure: undefined, listing: { size: 250 } });
  });

  test.each<{ what: string; answer: Fault['answer']; kind: FailureCause }>([
    { what: 'a page for people', answer: faultAnswers.signInPage, kind: 'malformed_answer' },
    { what: 'a truncated page', answer: { kind: 'truncated' }, kind: 'malformed_answer' },
    { what: 'a list of nothing', answer: response(200, { data: {} }), kind: 'malformed_answer' },
    { what: 'more than 4 MB', answer: response(200, '[]'.padEnd(5_000_000)), kind: 'answer_too_large' },
    { what: 'a bad gateway', answer: faultAnswers.badGateway, kind: 'server_fault' },
    { what: 'a server error', answer: faultAnswers.serverError, kind: 'server_fault' },
    { what: 'a dropped connection', answer: { kind: 'dropped' }, kind: 'unreachable' },
    { what: 'too many requests', answer: faultAnswers.tooManyRequests(), kind: 'throttled' },
  ])('$what for ever: it is incomplete, and the other pages arrive', async ({ answer, kind }) => {
    const { server, list } = await start(350);
    server.faults.inject({ page: 2, times: 1000, answer });
    const pass = await list(350);
    expect(pass).toMatchObject({ failure: { kind }, requests: 6, listing: { size: 250 } });
    expectClear(pass);
  });
});

test.each<{
  what: string;
  kind: FailureCause;
  says: RegExp;
  arrange?: (server: CryptshareServer, clock: TestClock) => void;
  options?: Options;
}>([
  {
    what: 'a wrong token',
    kind: 'token_invalid',
    says: /401, code 3002/,
    options: { verificationToken: 'example-token-2' },
  },
  {
    what: 'an expired token',
    kind: 'token_invalid',
    says: /verification/,
    arrange: ({ switches }, clock) => clock.advance(switches.idleTermMs + 1),
  },
  {
    what: 'a wrong token answered by 403',
    kind: 'token_invalid',
    says: /403, code 3002/,
    options: { verificationToken: 'x' },
    arrange: ({ switches }) => Object.assign(switches, { listTokenStatus: 403 }),
  },
  { what: 'a malformed client id', kind: 'client_id_rejected', says: /client id/, options: { clientId: 'short' } },
  {
    what: 'no licence',
    kind: 'not_licensed',
    says: /licence/,
    arrange: ({ switches }) => Object.assign(switches, { licensed: false }),
  },
  {
    what: 'API 1.11',
    kind: 'version_unsupported',
    says: /1\.12.*code 2004/,
    arrange: ({ switches }) => Object.assign(switches, { minor: 11 }),
  },
  {
    what: 'API 1.11 that takes the endpoint for a transfer',
    kind: 'version_unsupported',
    says: /1\.12/,
    arrange: ({ faults }) => faults.inject({ answer: errorAnswer(404, 2003) }),
  },
  {
    what: 'a missing endpoint',
    kind: 'endpoint_missing',
    says: /endpoint/,
    arrange: ({ faults }) => faults.inject({ answer: errorAnswer(404, 1006) }),
  },
  {
    what: 'an empty 401',
    kind: 'token_invalid',
    says: /HTTP 401/,
    arrange: ({ faults }) => faults.inject({ answer: faultAnswers.emptyUnauthorized }),
  },
])('$what ends the pass with one request, and says what to do', async ({ kind, says, arrange, options = {} }) => {
  const { server, clock, list } = await start(250, {}, options);
  arrange?.(server, clock);
  const pass = await list(250);
  expect(pass).toMatchObject({ failure: { kind, message: expect.stringMatching(says) }, listing: { size: 0 } });
  expect(server.requests.report().recent.filter(({ url }) => url.includes('/transfers/'))).toHaveLength(1);
  expectClear(pass);
});

describe('a server that asks to slow down', () => {
  test.each<{ how: string; header: string | undefined; wait: number }>([
    { how: 'by 3 seconds', header: '3', wait: 3_000 },
    { how: 'until a date', header: 'Tue, 24 Nov 2026 00:00:07 GMT', wait: 7_000 },
    { how: 'without saying for how long', header: undefined, wait: 500 },
  ])('$how is asked again after exactly $wait ms', async ({ header, wait }) => {
    const { server, waits, list } = await start(5);
    server.faults.inject({ answer: faultAnswers.tooManyRequests(header) });
    expect(await list()).toMatchObject({ failure: undefined, requests: 2, listing: { size: 5 } });
    expect(waits).toEqual([wait]);
  });

  it('for longer than a poll should wait is left to the next poll, though there would be time', async () => {
    const { server, waits, list } = await start(5);
    server.faults.inject({ answer: faultAnswers.tooManyRequests('11') });
    expect(await list()).toMatchObject({ failure: { kind: 'throttled' }, listing: { size: 0 } });
    expect(waits).toEqual([]);
  });

  it('for longer than the poll is not asked at all until then', async () => {
    const { server, clock, waits, list, status } = await start(5);
    server.faults.inject({ answer: faultAnswers.tooManyRequests('120') });
    expect(await list()).toMatchObject({ failure: { kind: 'throttled' } });
    clock.advance(119_000);
    expect(await list(0, 500)).toMatchObject({ failure: { kind: 'throttled' } });
    await expect(status('t-1').finally(() => expect(waits).toEqual([1_000]))).resolves.toBeUndefined();
    expect(server.requests.total).toBe(2);
    expect(await list()).toMatchObject({ failure: undefined, listing: { size: 5 } });
  });
});

describe('the network', () => {
  it('that leads nowhere is told by its error code', async () => {
    const { server, list } = await start();
    await server.close();
    const pass = await list();
    expect(pass).toMatchObject({
      failure: { kind: 'unreachable', message: expect.stringContaining('ECONNREFUSED') },
      requests: 3,
    });
    expectClear(pass);
  });

  it('that brings no answer is given up when the poll has to end', async () => {
    const { server, list } = await start(5);
    server.faults.inject({ times: 9, answer: { kind: 'delayed', ms: 600_000 } });
    expect(await list(0, 40)).toMatchObject({ failure: { kind: 'timeout' }, requests: 1 });
  });

  it('that leads to another host gets no credentials: redirects are not followed', async () => {
    const [{ server, list, status }, { server: other }] = [await start(5), await start(5)];
    server.switches.redirectTo = other.url;
    expect(await list()).toMatchObject({ failure: { kind: 'redirected' }, listing: { size: 0 } });
    await expect(status('t-1')).rejects.toMatchObject({ kind: 'redirected' });
    expect(other.requests.total).toBe(0);
  });

  it('over TLS takes the certificate of a private authority only if it is told to', async () => {
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
});

describe('a page that is not there', () => {
  test.each([
    ['a proxy says so', response(404, '<h1>Not found</h1>')],
    ['the endpoint is said to be missing', errorAnswer(404, 1006)],
    ['the version is said to be missing', errorAnswer(404, 2004)],
  ])('is no end of the listing when %s', async (_, answer) => {
    const { server, list } = await start(450);
    server.faults.inject({ page: 5, times: 3, answer });
    const pass = await list(450);
    expect(pass.failure).toBeDefined();
    expect(pass.listing.size).toBe(400);
  });
});

describe('a throttling server', () => {
  it('that names two times is left alone for the longer one', async () => {
    const { server, clock, list } = await start(450);
    server.faults.inject({ page: 2, answer: faultAnswers.tooManyRequests('60') });
    server.faults.inject({ page: 3, answer: faultAnswers.tooManyRequests('1') });
    await list(450);
    const before = server.requests.total;
    clock.advance(5_000);
    await list(450);
    expect(server.requests.total).toBe(before);
  });

  it('that asks for centuries is asked again after an hour', async () => {
    const { server, clock, list } = await start(5);
    server.faults.inject({ answer: faultAnswers.tooManyRequests('99999999999') });
    await list();
    clock.advance(3_600_000);
    expect((await list()).failure).toBeUndefined();
  });

  it('that does not say for how long is left alone for half a minute once it keeps doing so', async () => {
    const { server, clock, list } = await start(5);
    server.faults.inject({ times: 3, answer: faultAnswers.tooManyRequests() });
    expect((await list()).failure).toMatchObject({ kind: 'throttled' });
    expect(await list()).toMatchObject({ failure: { kind: 'throttled' }, requests: 0 });
    clock.advance(30_000);
    expect((await list()).failure).toBeUndefined();
  });
});

test('requests that were never sent are not counted', async () => {
  const { server, list } = await start(5);
  expect(await list(0, 0)).toMatchObject({ failure: { kind: 'out_of_time' }, requests: 0 });
  expect(server.requests.total).toBe(0);
});
