import { existsSync, statSync } from 'node:fs';
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, it } from 'vitest';
import { operations } from '#functions/operator/operations.ts';
import { openApiDocument } from '#infra/stack/openapi.ts';
import manifest from '../../../package.json' with { type: 'json' };
import type { LocalRun } from './local-run.ts';
import { alice, LocalWorld } from './local-world.ts';

const world = await LocalWorld.start({ share: true });
const addressFile = world.path('data', 'operator.json');
const watch = (direction: string) => `/watches/${direction}/${encodeURIComponent(alice)}`;

let run: LocalRun;
let url: string;
let token: string;
beforeAll(async () => {
  run = world.startReal({
    config: { schedule: { every: '1h' }, retention: { events: 7 } },
    environment: { CRYPTSHARE_VERIFICATION_TOKEN: 'example-token-1' },
  });
  await run.line(({ kind }) => kind === 'ready');
  ({ url, token } = world.operator());
});

/** Sends a request with these headers alone. */
async function ask(method: string, path: string, body = '', headers: object = { authorization: `Bearer ${token}` }) {
  return new Promise<{ status: number; body: string }>((resolve, reject) => {
    const request = http.request(`${url}${path}`, { method, headers: { ...headers } }, async (response) =>
      resolve({ status: response.statusCode!, body: await text(response) }),
    );
    request.on('error', reject).end(body);
  });
}

describe('operator API of a local run', () => {
  it('writes its address for the owner of the data folder alone', async () => {
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(statSync(addressFile).mode & 0o777).toBe(0o600);
    const ready = JSON.stringify(await run.line(({ kind }) => kind === 'ready'));
    expect(ready).toContain(url);
    expect(ready).toContain(addressFile);
    expect(token).toMatch(/^[0-9a-f]{32}$/);
  });

  it('does what it does on AWS, and has each change printed', async () => {
    const added = await ask('POST', '/watches', JSON.stringify({ mailbox: alice, direction: 'received' }));
    expect(added.status).toBe(201);
    const path = watch('received');
    // Until it is polled, the new watch is due at each tick. Such a tick may store the baseline first.
    const outcome = expect.stringMatching(/^(baseline|unchanged)$/);
    expect(JSON.parse((await ask('POST', `${path}/poll`)).body)).toMatchObject({ outcome, transfers: 0 });
    expect(JSON.parse((await ask('GET', '/watches?limit=1')).body).items).toMatchObject([{ direction: 'received' }]);
    expect((await ask('DELETE', path)).status).toBe(204);
    expect((await ask('GET', path)).status).toBe(404);
    expect((await ask('GET', '/status?limit=1&limit=2')).status).toBe(400);
    await run.line(({ kind, text }) => kind === 'warning' && text === `operator: DELETE ${path}, answered 204`);
  });

  it('serves its documentation and its version', async () => {
    const served = await ask('GET', '/openapi.json');
    expect(JSON.parse(served.body)).toEqual(JSON.parse(JSON.stringify(openApiDocument(operations))));
    expect(JSON.parse((await ask('GET', '/status')).body)).toMatchObject({ version: manifest.version });
  });

  it('keeps events as long as the configuration says', async () => {
    const { status, body } = await ask('GET', '/events/evt_unknown');
    expect(status).toBe(404);
    expect(body).toContain('events are kept for 7 days');
  });

  it('refuses an endpoint on this machine, unless private webhooks are allowed', async () => {
    const refused = await ask('POST', '/endpoints', JSON.stringify({ name: 'crm', url: 'http://127.0.0.1:1/' }));
    expect(refused).toMatchObject({ status: 400, body: expect.stringContaining('expected https:') });
  });

  it.each<[string, number, (authorization: string) => object]>([
    ['without the token', 401, () => ({})],
    ['with another token', 401, () => ({ authorization: `Bearer ${'0'.repeat(32)}` })],
    ['of a web page', 403, (authorization) => ({ authorization, origin: 'http://127.0.0.1' })],
  ])('refuses requests %s', async (_, status, headersWith) => {
    const headers = headersWith(`Bearer ${token}`);
    expect((await ask('GET', '/status', '', headers)).status).toBe(status);
    expect((await ask('DELETE', watch('sent'), '', headers)).status).toBe(status);
    expect((await ask('GET', watch('sent'))).status).toBe(200);
  });

  it('answers 413 to a body that is too large', async () => {
    expect((await ask('POST', '/watches', ' '.repeat(2_000_000))).status).toBe(413);
  });

  it('removes its address when the run stops', async () => {
    run.kill('SIGINT');
    expect(await run.exit()).toBe(0);
    expect(existsSync(addressFile)).toBe(false);
    expect(run.stderr).toBe('');
    expect(run.stdout).not.toContain(token);
  });
});
