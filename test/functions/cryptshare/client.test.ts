import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import type { FailureCause } from '#functions/cryptshare/failure.ts';
import { type Fault, faultAnswers } from '#infra/simulator/faults.ts';
import type { Switches } from '#infra/simulator/switches.ts';
import { clientId, token } from '#test/support/poll-world.ts';
import { addressees, connect, errorAnswer, everything, mailbox, response, start, watch } from './client-start.ts';

describe('a request', () => {
  it('asks for tracking id and state only, a hundred at a time, with the headers of API 1.12 and nothing secret in its URL', async () => {
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

  it('shows neither client id nor token in any URL', async () => {
    const { server, seeded, list, status } = await start(250);
    await list(250);
    await status(seeded[0]!.trackingId);
    const { recent } = server.requests.report();
    expect(recent).toHaveLength(4);
    expect(JSON.stringify(recent)).not.toMatch(new RegExp(`${clientId}|${token}`));
  });

  it('for the other direction lists what the mailbox has received', async () => {
    const { server, client, inTime } = await start(2);
    const { trackingId } = server.transfers.create({ sender: 'bob@example.com', to: [mailbox] });
    const pass = await client.list({ mailbox, direction: 'received' }, 'all', 0, inTime());
    expect(everything(pass)).toEqual(new Map([[trackingId, 'PROCESSING']]));
  });
});

test.each<{ how: string; switches: Partial<Switches>; count?: number }>([
  { how: 'as documented', switches: {} },
  { how: 'on a server of API 1.12', switches: { minor: 12 } },
  { how: 'when the server cuts pages to 10 rows', switches: { maximumPageSize: 10 }, count: 45 },
  { how: 'when a page beyond the last is an error', switches: { beyondLastPage: 'error' }, count: 200 },
  { how: 'in any order', switches: { order: 'shuffled' } },
  { how: 'when states are spelt as in prose', switches: { stateSpelling: 'prose' } },
  { how: 'when rows are flat', switches: { itemShape: 'flat' } },
])('lists every transfer $how', async ({ switches, count = 250 }) => {
  const { server, seeded, list } = await start(count, switches);
  server.transfers.setState(seeded[7]!.trackingId, 'DELETED_BY_EXPIRATION');
  const expected = new Map(
    seeded.map(({ trackingId }, index) => [trackingId, index === 7 ? 'DELETED_BY_EXPIRATION' : 'ACTIVE']),
  );
  for (const guess of [0, count]) {
    const pass = await list(guess);
    expect(pass.failure).toBeUndefined();
    expect(pass.listing.malformed).toBe(0);
    expect(everything(pass)).toEqual(expected);
  }
});

describe('a listing copes with', () => {
  it('rows that drift to the next page: each transfer counts once', async () => {
    const { server, seeded, list } = await start(150);
    server.onPage(({ page }) => void (page === 2 && server.transfers.create(addressees)));
    const pass = await list(150);
    expect(pass).toMatchObject({ failure: undefined, requests: 2 });
    expect([...everything(pass).keys()].sort()).toEqual(seeded.map(({ trackingId }) => trackingId).sort());
  });

  it('a state nobody documented', async () => {
    const { server, seeded, list } = await start(3);
    server.transfers.setState(seeded[1]!.trackingId, 'Quarantined');
    expect(everything(await list()).get(seeded[1]!.trackingId)).toBe('Quarantined');
  });

  it('rows without tracking id: the others and the other pages count', async () => {
    const { server, list } = await start(150);
    const rows = [{ status: { state: 'ACTIVE' } }, { trackingId: 'x-1', status: { state: 'ACTIVE' } }, null];
    server.faults.inject({ page: 2, answer: response(200, { data: rows }) });
    const pass = await list(150);
    expect(pass).toMatchObject({ failure: undefined, listing: { size: 101, malformed: 2 } });
  });
});

test('no more pages are read at once than allowed, over all watches together', async () => {
  const { server, client, inTime } = await start(950, {}, { maxConcurrentPages: 3 });
  server.grantToken('carol@example.com', clientId, token);
  server.transfers.seed({ sender: 'carol@example.com', to: ['bob@example.com'], count: 950, state: 'ACTIVE' });
  const watches = [watch, { ...watch, mailbox: 'carol@example.com' }];
  // An answer takes its time, so that as many requests as may are under way at once.
  server.onPage(async () => {
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  });
  const passes = await Promise.all(watches.map((each) => client.list(each, 'all', 950, inTime())));
  expect(passes.map(({ listing }) => listing.size)).toEqual([950, 950]);
  expect(server.requests.greatestInFlight).toBe(3);
});

test('when time is up, no request is sent', async () => {
  const { server, seeded, client, list, inTime } = await start(5);
  expect(await list(250, 0)).toMatchObject({ failure: { kind: 'out_of_time' }, listing: { size: 0 } });
  await expect(client.status(mailbox, seeded[0]!.trackingId, inTime(0))).rejects.toMatchObject({ kind: 'out_of_time' });
  expect(server.requests.total).toBe(0);
});

describe('the status of a transfer', () => {
  it('is its state in the one spelling', async () => {
    const { server, seeded, status } = await start(1, { stateSpelling: 'prose' });
    server.transfers.setState(seeded[0]!.trackingId, 'DELETED_BY_ADMIN');
    expect(await status(seeded[0]!.trackingId)).toBe('DELETED_BY_ADMIN');
  });

  it('is "not listed" when the server no longer knows it', async () => {
    const { server, seeded, status } = await start(1);
    server.transfers.purge(seeded[0]!.trackingId);
    expect(await status(seeded[0]!.trackingId)).toBeUndefined();
  });

  test.each<{ what: string; answer: Fault['answer']; kind: FailureCause }>([
    { what: '404 of the version', answer: errorAnswer(404, 2004), kind: 'version_unsupported' },
    { what: '404 of the endpoint', answer: errorAnswer(404, 1006), kind: 'endpoint_missing' },
    { what: '401', answer: errorAnswer(401, 3002), kind: 'token_invalid' },
    { what: 'a server error', answer: faultAnswers.serverError, kind: 'server_fault' },
    { what: 'a page for people', answer: faultAnswers.signInPage, kind: 'malformed_answer' },
    { what: 'an answer without state', answer: response(200, { data: { status: {} } }), kind: 'malformed_answer' },
    { what: 'null', answer: response(200, 'null'), kind: 'malformed_answer' },
  ])('is unknown, not "not listed", after $what', async ({ answer, kind }) => {
    const { server, seeded, status } = await start(1);
    server.faults.inject({ times: 3, answer });
    await expect(status(seeded[0]!.trackingId)).rejects.toMatchObject({ kind });
  });
});
