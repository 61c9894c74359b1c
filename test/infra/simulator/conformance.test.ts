import { describe, expect, it } from 'vitest';
import type { CryptshareServer } from '#infra/simulator/server.ts';
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

const carol = 'carol@example.com';
const day = 24 * 60 * 60 * 1000;
const without = (name: string) => Object.fromEntries(Object.entries(headers).filter(([header]) => header !== name));
const unverified = without('X-CS-VerificationToken');

const idsOn = async (server: CryptshareServer, path: string): Promise<string[]> =>
  (await call(server, path)).body.data.map(({ trackingId }: { trackingId: string }) => trackingId);

describe('the simulated REST API', () => {
  it.each([
    { what: 'no major version', given: without('X-CS-MajorApiVersion'), refusal: '400/1002' },
    { what: 'no minimum minor version', given: without('X-CS-MinimumMinorApiVersion'), refusal: '400/1002' },
    { what: 'no client id', given: without('X-CS-ClientId'), refusal: '400/1002' },
    { what: 'no token', given: unverified, refusal: '401/3002' },
    { what: 'a version that is no number', given: { ...headers, 'X-CS-MajorApiVersion': '1.0' }, refusal: '400/1004' },
    { what: 'major version 2', given: { ...headers, 'X-CS-MajorApiVersion': '2' }, refusal: '404/2004' },
    { what: 'minor version 16', given: { ...headers, 'X-CS-MinimumMinorApiVersion': '16' }, refusal: '404/2004' },
    { what: 'a client id of 49 letters', given: { ...headers, 'X-CS-ClientId': 'a'.repeat(49) }, refusal: '400/1004' },
    { what: 'a client id of 4,001', given: { ...headers, 'X-CS-ClientId': 'a'.repeat(4001) }, refusal: '400/1004' },
    { what: 'a client id of a hyphen', given: { ...headers, 'X-CS-ClientId': '-'.repeat(50) }, refusal: '400/1004' },
    { what: 'an unknown product', given: { ...headers, 'X-CS-ProductKey': 'api.soap' }, refusal: '400/1004' },
    { what: 'a wrong token', given: { ...headers, 'X-CS-VerificationToken': 'example-token-2' }, refusal: '401/3002' },
    { what: "another client's token", given: { ...headers, 'X-CS-ClientId': 'b'.repeat(50) }, refusal: '401/3002' },
  ])('refuses $what with $refusal', async ({ given, refusal }) => {
    const server = await startServer();
    for (const path of [sentBy(alice), statusOf(alice, 'any')]) {
      expect(await outcome(server, path, { headers: given })).toBe(refusal);
    }
  });

  it('answers an error with a code and a text, not wrapped in data', async () => {
    expect((await call(await startServer(), sentBy('alice'))).body).toEqual({
      errorCode: 1005,
      errorMessage: 'Bad path variable email.',
    });
  });

  it('takes query parameters in place of headers', async () => {
    const query =
      '?major-api-version=1&minimum-minor-api-version=12&product-key=api.rest' +
      `&client-id=${clientId}&verification-token=example-token-1`;
    const { body } = await call(await startServer(), sentBy(alice, query), { headers: {} });
    expect(body).toEqual({ data: [], meta: {} });
  });

  it('answers 404 for an endpoint that does not exist, or not yet', async () => {
    const server = await startServer({ minor: 11 });
    for (const path of ['/api/no-such-endpoint', '/api/status']) expect(await outcome(server, path)).toBe('404/1006');
    // Before 1.12, sent-transfers reads as a tracking id.
    const given = { ...headers, 'X-CS-MinimumMinorApiVersion': '8' };
    expect(await outcome(server, sentBy(alice), { headers: given })).toBe('404/2003');
  });
});

describe('GET /status', () => {
  it('tells the version to a client without headers, and the time', async () => {
    const server = await startServer();
    const answer = await call(server, '/api/status', { headers: {} });
    expect(answer.body).toEqual({ apiVersions: { uiApiVersions: [{ major: 1, minor: 15 }] } });
    server.switches.minor = 14;
    expect((await call(server, '/api/status')).body.apiVersions.uiApiVersions[0].minor).toBe(14);
    expect(answer.headers.get('date')).toBe('Tue, 01 Jan 2030 12:00:00 GMT');
  });
});

describe('GET /clients', () => {
  it('makes a new client id at each call', async () => {
    const server = await startServer();
    const [{ body: one }, { body: other }] = [await call(server, '/api/clients'), await call(server, '/api/clients')];
    expect(one).toEqual({ data: { clientId: expect.stringMatching(/^[a-zA-Z0-9]{50}$/) }, meta: {} });
    expect(other).not.toEqual(one);
  });
});

describe('GET /users/{email}/transfers/{sent,received}-transfers', () => {
  it('lists a transfer for its sender and each recipient, under the same tracking id of a seed', async () => {
    const server = await startServer();
    const { trackingId } = server.transfers.create({ sender: alice, to: [carol], bcc: [bob] });
    expect(trackingId).toBe('20300101-140000-vbHHJMkq');
    expect(await idsOn(server, sentBy(alice))).toEqual([trackingId]);
    expect(await idsOn(server, receivedBy(bob))).toEqual([trackingId]);
    for (const path of [receivedBy(alice), sentBy(bob)]) expect(await idsOn(server, path)).toEqual([]);
  });

  it('lists newest first, in pages of ten by default, and nothing beyond the last page', async () => {
    const server = await startServer();
    const sent = Array.from({ length: 12 }, () => createTransfer(server)).toReversed();
    const old = server.transfers.seed({ sender: alice, to: [bob], count: 1, state: 'ACTIVE' })[0]!.trackingId;
    expect(await idsOn(server, sentBy(alice))).toEqual(sent.slice(0, 10));
    expect(await idsOn(server, sentBy(alice, '?page=2'))).toEqual([...sent.slice(10), old]);
    expect(await idsOn(server, sentBy(alice, '?page=3'))).toEqual([]);
    expect(await idsOn(server, sentBy(alice, '?page=2&page-size=5'))).toEqual(sent.slice(5, 10));
    expect(await idsOn(server, sentBy(alice, '?page-size=100'))).toEqual([...sent, old]);
  });

  it('filters by active', async () => {
    const server = await startServer();
    const [processing, active, expired] = ['PROCESSING', 'ACTIVE', 'DELETED_BY_EXPIRATION'].map((state) =>
      createTransfer(server, state),
    );
    expect(await idsOn(server, sentBy(alice, '?active=true'))).toEqual([active]);
    expect(await idsOn(server, sentBy(alice, '?active=false'))).toEqual([expired, processing]);
    expect(await idsOn(server, sentBy(alice, '?active='))).toEqual([expired, active, processing]);
    server.transfers.setState(processing!, 'ACTIVE');
    expect(await idsOn(server, sentBy(alice, '?active=true'))).toEqual([active, processing]);
  });

  it.each(['page=0', 'page=two', 'page-size=0', 'page-size=101', 'active=yes', 'fields=', 'fields=status.state'])(
    'refuses %s with 400/1004',
    async (query) => {
      const server = await startServer();
      expect(await outcome(server, sentBy(alice, `?${query}`))).toBe('400/1004');
      expect(await outcome(server, receivedBy(alice, `?${query}`))).toBe('400/1004');
    },
  );

  it('answers the documented default fields', async () => {
    const server = await startServer();
    const { trackingId } = server.transfers.create({ sender: alice, to: [bob], cc: [carol] });
    expect((await call(server, sentBy(alice))).body).toEqual({
      data: [
        {
          trackingId,
          status: {
            sender: { email: alice },
            recipients: [
              expect.objectContaining({ mail: bob, downloadUrl: expect.stringContaining('confidential') }),
              expect.objectContaining({ mail: carol }),
            ],
            state: 'PROCESSING',
          },
          transfer: { recipients: { to: [{ mail: bob }], cc: [{ mail: carol }], bcc: [] } },
        },
      ],
      meta: {},
    });
  });

  it.each([
    { fields: 'trackingId,status(state)', item: { trackingId: expect.any(String), status: { state: 'ACTIVE' } } },
    { fields: 'transfer(expirationDate)', item: { transfer: { expirationDate: '2030-01-31T14:00:00+02:00' } } },
    { fields: 'notificationMailLink,status(constructor)', item: { status: {} } },
  ])('selects fields=$fields', async ({ fields, item }) => {
    const server = await startServer();
    createTransfer(server);
    expect((await call(server, sentBy(alice, `?fields=${fields}`))).body.data).toEqual([item]);
  });

  it('hides from a recipient the download links and file ids of others', async () => {
    const server = await startServer();
    server.transfers.create({ sender: alice, to: [bob], bcc: [carol] });
    const query = '?fields=status,transfer(recipients)';
    const [received] = (await call(server, receivedBy(bob, query))).body.data;
    const [own, other] = received.status.recipients;
    expect(own).toMatchObject({ downloadUrl: expect.any(String), fileDownloads: [{ id: expect.any(String) }] });
    expect(other).not.toHaveProperty('downloadUrl');
    expect(other.fileDownloads).toEqual([{ downloads: [] }]);
    expect(received.transfer.recipients.bcc).toEqual([{ mail: carol }]);
    const [sent] = (await call(server, sentBy(alice, query))).body.data;
    expect(sent.status.recipients[1]).toHaveProperty('downloadUrl');
  });

  it('drops a purged transfer, and lists it in its place once restored', async () => {
    const server = await startServer();
    const ids = [1, 2, 3].map(() => createTransfer(server)).toReversed();
    server.transfers.purge(ids[1]!);
    for (const path of [sentBy(alice), receivedBy(bob)]) expect(await idsOn(server, path)).toEqual([ids[0], ids[2]]);
    server.transfers.restore(ids[1]!);
    for (const path of [sentBy(alice), receivedBy(bob)]) expect(await idsOn(server, path)).toEqual(ids);
  });
});

describe('GET /users/{email}/transfers', () => {
  it('lists flat items of the sender alone', async () => {
    const server = await startServer();
    const trackingId = createTransfer(server);
    const href = `/api/users/alice%40example.com/transfers/${trackingId}`;
    const { body } = await call(server, `/api/users/${alice}/transfers?page=1&page-size=100`);
    const item = { trackingId, state: 'ACTIVE', recipients: [expect.objectContaining({ mail: bob })], href };
    expect(body).toEqual({ data: [item], meta: {} });
    expect(await idsOn(server, `/api/users/${bob}/transfers`)).toEqual([]);
  });
});

describe('GET /users/{email}/transfers/{tracking-id}', () => {
  it('answers status and details without the tracking id', async () => {
    const server = await startServer();
    const { body } = await call(server, statusOf(alice, createTransfer(server, 'FAILED')));
    expect(body).toEqual({
      data: {
        status: expect.objectContaining({ state: 'FAILED', files: [expect.objectContaining({ removed: true })] }),
        transfer: expect.objectContaining({ files: [expect.objectContaining({ state: 'REMOVED' })] }),
      },
      meta: {},
    });
  });

  it('answers 404/2003 to all but the sender, and once the transfer is purged', async () => {
    const server = await startServer();
    const trackingId = createTransfer(server);
    const others = [statusOf(bob, trackingId), statusOf(alice, '20300101-000000-00000000')];
    for (const path of others) expect(await outcome(server, path)).toBe('404/2003');
    server.transfers.purge(trackingId);
    expect(await outcome(server, statusOf(alice, trackingId))).toBe('404/2003');
  });
});

describe('/users/{email}/verification', () => {
  const path = verificationOf(carol);
  const request = (body: unknown) => ({ headers: unverified, body });

  it('issues a token to a registered client id without a code, for its mailbox alone', async () => {
    const server = await startServer();
    server.verifications.registerClientId(clientId);
    const verificationMethods = ['CLIENT_ID', 'EMAIL'];
    const before = { data: { verified: false, validUntil: null, verificationMethods }, meta: {} };
    expect((await call(server, path, { headers: unverified })).body).toEqual(before);
    expect(await outcome(server, path)).toBe('403/3002');
    const { body: issued } = await call(server, `${path}/token`, request({}));
    const validUntil = '2030-01-31T14:00:00+02:00';
    expect(issued).toEqual({ data: { token: expect.any(String), validUntil }, meta: {} });
    const verified = { headers: { ...headers, 'X-CS-VerificationToken': issued.data.token } };
    expect((await call(server, path, verified)).body.data).toEqual({ verified: true, validUntil, verificationMethods });
    expect(await outcome(server, sentBy(carol), verified)).toBe('200');
    expect(await outcome(server, `${path}/token`, { method: 'POST', headers: unverified })).toBe('200');
    const noJson = { method: 'POST', headers: { ...unverified, 'content-type': 'application/json' } };
    expect(await outcome(server, `${path}/token`, noJson)).toBe('400/1004');
  });

  it('issues a token for the last mailed code, once', async () => {
    const server = await startServer();
    const mailCode = async () => {
      const mailed = await call(server, `${path}/code/email`, { method: 'POST', headers: unverified });
      expect(mailed).toMatchObject({ status: 200, body: '' });
      return server.verifications.codeFor({ mailbox: carol, clientId });
    };
    const older = await mailCode();
    const code = await mailCode();
    expect(code).toMatch(/^[A-Za-z0-9]{10}$/);
    const outcomes = [];
    server.verifications.registerClientId('c'.repeat(50));
    for (const verificationCode of [undefined, 1, older, code, code])
      outcomes.push(await outcome(server, `${path}/token`, request({ verificationCode })));
    expect(outcomes).toEqual(['400/1002', '400/1004', '403/3002', '200', '403/3002']);
  });

  it('keeps a token valid for 30 days after the last transfer sent, whatever is polled', async () => {
    const server = await startServer();
    const polls = async () => [await outcome(server, sentBy(alice)), await outcome(server, sentBy(bob))];
    server.advance(29 * day);
    createTransfer(server);
    expect(await polls()).toEqual(['200', '200']);
    server.advance(29 * day);
    expect(await polls()).toEqual(['200', '401/3002']);
    server.advance(day);
    createTransfer(server);
    expect(await polls()).toEqual(['401/3002', '401/3002']);
  });

  it("mails a code to one client and mailbox, and voids it and all tokens at an administrator's reset", async () => {
    const { verifications, ...server } = await startServer();
    const claimant = { mailbox: alice, clientId };
    verifications.sendCode(claimant);
    expect(verifications.codeFor(claimant)).toHaveLength(10);
    expect(verifications.codeFor({ ...claimant, mailbox: bob })).toBeUndefined();
    expect(verifications.codeFor({ ...claimant, clientId: 'b'.repeat(50) })).toBeUndefined();
    verifications.reset();
    expect(verifications.codeFor(claimant)).toBeUndefined();
    expect(await outcome({ ...server, verifications }, sentBy(alice))).toBe('401/3002');
  });
});
