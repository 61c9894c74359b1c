import { describe, expect, it } from 'vitest';
import { minorOfMajorOne, versionsIn } from '#functions/cryptshare/api-version.ts';
import { addressees, everything, mailbox, response, start } from './client-start.ts';

describe('versionsIn', () => {
  const offered = { apiVersions: { uiApiVersions: [{ major: 1, minor: 15 }] } };
  it.each([
    ['bare', offered],
    ['wrapped in data', { data: offered, meta: {} }],
    ['among others', { apiVersions: { a: [{ major: 2, minor: 0 }], b: [{ major: 1, minor: 15 }] } }],
    ['twice', { apiVersions: { a: [3, 15].map((minor) => ({ major: 1, minor })) } }],
  ])('reads versions that come %s', (_, answer) => {
    expect(minorOfMajorOne(versionsIn(JSON.stringify(answer)))).toBe(15);
  });

  it.each(['', 'null', '"x"', '{"apiVersions":null}', '{"apiVersions":{"a":[{"major":"1"}]}}', '<html>'])(
    'finds none in the answer %s',
    (body) => {
      expect(versionsIn(body)).toEqual([]);
    },
  );
});

/** A server whose version the client does not know. */
async function startUnknown(switches: Parameters<typeof start>[1], count = 250) {
  const started = await start(count, switches);
  started.clock.advance(2 * 3_600_000);
  return started;
}

const urls = (server: Awaited<ReturnType<typeof start>>['server']) =>
  server.requests.report().recent.map(({ url }) => url.split('?')[0]!.replace(/.*\/transfers/, '/transfers'));

describe('CryptshareClient.list', () => {
  it.each([{ statusWrapped: true }, { statusWrapped: false }, { minor: 12 }])(
    'uses the newer endpoint where the server offers it: %j',
    async (switches) => {
      const { server, client, list } = await startUnknown(switches);
      expect((await list(250)).listing.size).toBe(250);
      expect(new Set(urls(server))).toEqual(new Set(['/api/status', '/transfers/sent-transfers']));
      expect(client.isOld).toBe(false);
    },
  );

  it('requests the version once an hour', async () => {
    const { server, clock, list } = await startUnknown({});
    for (let half = 0; half < 4; half += 1) {
      await list(250);
      clock.advance(1_800_000);
    }
    expect(urls(server).filter((url) => url === '/api/status')).toHaveLength(2);
  });

  it.each([8, 11])('uses the older endpoint for sent transfers on REST API 1.%i', async (minor) => {
    const { server, client, list } = await startUnknown({ minor });
    const pass = await list(250);
    expect(pass.failure).toBeUndefined();
    expect(everything(pass).size).toBe(250);
    expect(client.takeWarning()).toContain('older than REST API 1.12');
    expect(client.takeWarning()).toBeUndefined();
    server.requests.reset();
    expect((await list(250)).listing.size).toBe(250);
    expect(new Set(urls(server))).toEqual(new Set(['/transfers']));
  });

  it('refuses received transfers on REST API 1.11, and names the version that it needs', async () => {
    const { client, inTime } = await startUnknown({ minor: 11 });
    const watch = { mailbox, direction: 'received' } as const;
    await client.list({ ...watch, direction: 'sent' }, 'all', 0, inTime());
    const { failure } = await client.list(watch, 'all', 0, inTime());
    expect(failure).toMatchObject({ kind: 'version_unsupported', message: expect.stringContaining('1.12') });
  });

  it('ends after one request when REST API 1 is gone', async () => {
    const { server, list } = await startUnknown({});
    const body = { apiVersions: { uiApiVersions: [{ major: 2, minor: 0 }] } };
    server.faults.inject({ path: '/api/status', times: 3, answer: response(200, body) });
    for (let polls = 1; polls <= 3; polls += 1) {
      expect((await list(250)).failure).toMatchObject({
        kind: 'major_version_gone',
        message: expect.stringContaining('2.0'),
        retryable: false,
      });
      expect(server.requests.total).toBe(polls);
    }
  });

  it('continues when the server does not tell its version', async () => {
    const { server, list } = await startUnknown({});
    server.faults.inject({ path: '/api/status', answer: { kind: 'dropped' } });
    server.faults.inject({ path: '/api/status', answer: response(502, '<html>') });
    expect((await list(250)).failure).toBeUndefined();
    expect((await list(250)).failure).toBeUndefined();
  });

  it('notices that the server was updated', async () => {
    const { server, clock, client, list } = await startUnknown({ minor: 11 });
    await list(250);
    server.switches.minor = 15;
    server.transfers.create(addressees);
    clock.advance(3_600_000);
    expect((await list(250)).listing.size).toBe(251);
    expect(client.isOld).toBe(false);
  });
});
