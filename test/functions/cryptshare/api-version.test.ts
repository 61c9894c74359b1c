import { describe, expect, test } from 'vitest';
import { minorOfMajorOne, versionsIn } from '#functions/cryptshare/api-version.ts';
import { addressees, everything, mailbox, response, start } from './client-start.ts';

describe('the versions a server says it offers', () => {
  const offered = { apiVersions: { uiApiVersions: [{ major: 1, minor: 15 }] } };
  test.each([
    ['bare', offered],
    ['wrapped in data', { data: offered, meta: {} }],
    ['among others', { apiVersions: { a: [{ major: 2, minor: 0 }], b: [{ major: 1, minor: 15 }] } }],
    [
      'twice',
      {
        apiVersions: {
          a: [
            { major: 1, minor: 3 },
            { major: 1, minor: 15 },
          ],
        },
      },
    ],
  ])('are read when they come %s', (_, answer) => {
    expect(minorOfMajorOne(versionsIn(JSON.stringify(answer)))).toBe(15);
  });

  test.each(['', 'null', '[]', '"x"', '{}', '{"apiVersions":null}', '{"apiVersions":{"a":[{"major":"1"}]}}', '<html>'])(
    'are none when the answer is %s',
    (body) => {
      expect(versionsIn(body)).toEqual([]);
    },
  );
});

/** A server whose version has not been asked for. */
async function startUnknown(switches: Parameters<typeof start>[1], count = 250) {
  const started = await start(count, switches);
  started.clock.advance(2 * 3_600_000);
  return started;
}

const urls = (server: Awaited<ReturnType<typeof start>>['server']) =>
  server.requests.report().recent.map(({ url }) => url.split('?')[0]!.replace(/.*\/transfers/, '/transfers'));

describe('a listing', () => {
  test.each([{ statusWrapped: true }, { statusWrapped: false }, { minor: 12 }])(
    'of a server that has what is asked for takes the newer endpoint: %j',
    async (switches) => {
      const { server, client, list } = await startUnknown(switches);
      expect((await list(250)).listing.size).toBe(250);
      expect(new Set(urls(server))).toEqual(new Set(['/api/status', '/transfers/sent-transfers']));
      expect(client.isOld).toBe(false);
    },
  );

  test('asks for the version once an hour', async () => {
    const { server, clock, list } = await startUnknown({});
    for (let half = 0; half < 4; half += 1) {
      await list(250);
      clock.advance(1_800_000);
    }
    expect(urls(server).filter((url) => url === '/api/status')).toHaveLength(2);
  });

  test.each([8, 11])('of sent transfers falls back to the older endpoint on REST API 1.%i', async (minor) => {
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

  test('of received transfers is refused there, with the version that is needed', async () => {
    const { client, inTime } = await startUnknown({ minor: 11 });
    const watch = { mailbox, direction: 'received' } as const;
    await client.list({ ...watch, direction: 'sent' }, 'all', 0, inTime());
    const { failure } = await client.list(watch, 'all', 0, inTime());
    expect(failure).toMatchObject({ kind: 'version_unsupported', message: expect.stringContaining('1.12') });
  });

  test('is refused for good, without a loop, when REST API 1 is gone', async () => {
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

  test('goes on when the version cannot be asked for', async () => {
    const { server, list } = await startUnknown({});
    server.faults.inject({ path: '/api/status', answer: { kind: 'dropped' } });
    server.faults.inject({ path: '/api/status', answer: response(502, '<html>') });
    expect((await list(250)).failure).toBeUndefined();
    expect((await list(250)).failure).toBeUndefined();
  });

  test('notices that the server was updated', async () => {
    const { server, clock, client, list } = await startUnknown({ minor: 11 });
    await list(250);
    server.switches.minor = 15;
    server.transfers.create(addressees);
    clock.advance(3_600_000);
    expect((await list(250)).listing.size).toBe(251);
    expect(client.isOld).toBe(false);
  });
});
