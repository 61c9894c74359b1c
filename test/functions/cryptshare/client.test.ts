import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { FailureCause } from '#functions/cryptshare/failure.ts';
import type { Fault } from '#infra/simulator/faults.ts';
import type { Switches } from '#infra/simulator/switches.ts';
import { faultAnswers } from '#test/support/fault-answers.ts';
import { clientId, token } from '#test/support/poll-world.ts';
import { connect, errorAnswer, everything, mailbox, response, start, watch } from './client-start.ts';

describe('CryptshareClient.list', () => {
  it('requests tracking ids and states, 100 in a page, with the headers of API 1.12 and no secret in the URL', async () => {
    const requests: { url: string; headers: IncomingHttpHeaders }[] = [];
    const recorder = createServer(({ url = '', headers }, answer) => {
      requests.push({ url, headers });
      answer.end('{"data":[],"meta":{}}');
    });
    await new Promise<void>((resolve) => recorder.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void recorder.close());
    const { list } = connect(`http://127.0.0.1:${(recorder.address() as AddressInfo).port}`);
    expect((await list()).failure).toBeUndefined();
    const [version, listing] = requests;
    expect(version!.url).toBe('/api/status');
    expect(Object.keys(version!.headers).filter((name) => name.startsWith('x-cs-'))).toEqual([]);
    const [path, query] = listing!.url.split('?');
    expect(path).toBe('/api/users/alice%2Bx%40example.com/transfers/sent-transfers');
    expect([...new URLSearchParams(query)]).toEqual([
      ['fields', 'trackingId,status(state)'],
      ['page', '1'],
      ['page-size', '100'],
    ]);
    expect(listing!.headers).toMatchObject({
      'x-cs-majorapiversion': '1',
      'x-cs-minimumminorapiversion': '12',
      'x-cs-productkey': 'api.rest',
      'x-cs-clientid': clientId,
      'x-cs-verificationtoken': token,
      accept: 'application/json',
    });
  });

  it('lists what a mailbox has received', async () => {
    const { server, client, inTime } = await start(2);
    const { trackingId } = server.transfers.create({ sender: 'bob@example.com', to: [mailbox] });
    const pass = await client.list({ mailbox, direction: 'received' }, 'all', 0, inTime());
    expect(everything(pass)).toEqual(new Map([[trackingId, 'PROCESSING']]));
  });

  it.each<{ how: string; switches: Partial<Switches>; count?: number }>([
    { how: 'as documented', switches: {} },
    { how: 'of a server that cuts pages to 10 rows', switches: { maximumPageSize: 10 }, count: 45 },
    { how: 'though a page beyond is an error', switches: { beyondLastPage: 'error' }, count: 200 },
    { how: 'in any order', switches: { order: 'shuffled' } },
    { how: 'with states spelt as in prose', switches: { stateSpelling: 'prose' } },
    { how: 'in flat rows', switches: { itemShape: 'flat' } },
  ])('lists every transfer $how', async ({ switches, count = 250 }) => {
    const { server, seeded, list } = await start(count, switches);
    const ids = seeded.map(({ trackingId }) => trackingId);
    server.transfers.setState(ids[7]!, 'DELETED_BY_EXPIRATION');
    for (const guess of [0, count]) {
      const pass = await list(guess);
      expect(pass.failure).toBeUndefined();
      expect(pass.listing.malformed).toBe(0);
      expect(everything(pass)).toEqual(
        new Map(ids.map((id) => [id, id === ids[7] ? 'DELETED_BY_EXPIRATION' : 'ACTIVE'])),
      );
    }
  });

  it('reads no more pages at once than configured, over all watches together', async () => {
    const { server, client, inTime } = await start(950, {}, { maxConcurrentPages: 3 });
    server.verifications.grantToken({ mailbox: 'carol@example.com', clientId }, token);
    server.transfers.seed({ sender: 'carol@example.com', to: ['bob@example.com'], count: 950, state: 'ACTIVE' });
    const watches = [watch, { ...watch, mailbox: 'carol@example.com' }];
    // An answer takes its time, so that as many requests as allowed are in flight.
    server.pageListeners.add(async () => {
      for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    });
    const passes = await Promise.all(watches.map((each) => client.list(each, 'all', 950, inTime())));
    expect(passes.map(({ listing }) => listing.size)).toEqual([950, 950]);
    expect(server.requests.greatestInFlight).toBe(3);
  });
});

describe('CryptshareClient.status', () => {
  it('returns the canonical state of a transfer, with no secret in the URL', async () => {
    const { server, seeded, status } = await start(1, { stateSpelling: 'prose' });
    server.transfers.setState(seeded[0]!.trackingId, 'DELETED_BY_ADMIN');
    expect(await status(seeded[0]!.trackingId)).toMatchObject({ state: 'DELETED_BY_ADMIN' });
    const urls = JSON.stringify(server.requests.report().recent);
    expect(urls).toContain(seeded[0]!.trackingId);
    expect(urls).not.toMatch(new RegExp(`${clientId}|${token}`));
  });

  it('returns undefined for a transfer that the server does not know', async () => {
    const { server, seeded, status } = await start(1);
    server.transfers.purge(seeded[0]!.trackingId);
    expect(await status(seeded[0]!.trackingId)).toBeUndefined();
  });

  it.each<{ what: string; answer: Fault['answer']; kind: FailureCause }>([
    { what: 'a 404 of the version', answer: errorAnswer(404, 2004), kind: 'version_unsupported' },
    { what: 'a 404 of the endpoint', answer: errorAnswer(404, 1006), kind: 'endpoint_missing' },
    { what: 'a 404 of a proxy', answer: response(404, '<h1>Not found</h1>'), kind: 'endpoint_missing' },
    { what: 'a token that has ended', answer: errorAnswer(401, 3002), kind: 'token_invalid' },
    { what: 'a server error', answer: faultAnswers.serverError, kind: 'server_fault' },
    { what: 'a page for people', answer: faultAnswers.signInPage, kind: 'malformed_answer' },
    { what: 'an answer without state', answer: response(200, { data: { status: {} } }), kind: 'malformed_answer' },
  ])('rejects $what, which does not say that the transfer is unknown', async ({ answer, kind }) => {
    const { server, seeded, status } = await start(1);
    server.faults.inject({ times: 3, answer });
    await expect(status(seeded[0]!.trackingId)).rejects.toMatchObject({ kind });
  });
});
