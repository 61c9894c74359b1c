import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { operations } from '#functions/operator/operations.ts';
import { type CryptshareServer, startCryptshareServer } from '#infra/simulator/server.ts';
import { openApiDocument } from '#infra/stack/openapi.ts';
import manifest from '../../../package.json' with { type: 'json' };
import { LocalRun } from './local-run.ts';

const clientId = 'exampleclientid'.repeat(4);
const alice = 'alice@example.com';

let server: CryptshareServer;
let run: LocalRun;
let folder: string;
let url: string;
let token: string;

const addressFile = () => join(folder, 'data', 'operator.json');

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'local-operator-'));
  server = await startCryptshareServer();
  server.verifications.registerClientId(clientId);
  const file = join(folder, 'notifier.config.json');
  const config = { server: { url: server.url }, schedule: { every: '1h' }, watches: [{ mailbox: alice }] };
  writeFileSync(file, JSON.stringify(config));
  run = new LocalRun(['--json', '--config', file, '--data', join(folder, 'data')], {
    CRYPTSHARE_CLIENT_ID: clientId,
    CRYPTSHARE_VERIFICATION_TOKEN: 'example-token-1',
  });
  await run.line(({ kind }) => kind === 'ready');
  ({ url, token } = JSON.parse(readFileSync(addressFile(), 'utf8')));
});
afterAll(async () => {
  run.kill('SIGKILL');
  await run.exit();
  await server.close();
  rmSync(folder, { recursive: true });
});

/** Sends a request with just these headers. */
async function ask(method: string, path: string, headers = { authorization: `Bearer ${token}` }, body = '') {
  return new Promise<{ status: number; body: string }>((resolve, reject) => {
    const request = http.request(`${url}${path}`, { method, headers }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      resolve({ status: response.statusCode!, body: Buffer.concat(chunks).toString('utf8') });
    });
    request.on('error', reject).end(body);
  });
}

describe('the operator API of a local run', () => {
  test('is found by its address in the data folder, which only its owner can read', async () => {
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(statSync(addressFile()).mode & 0o777).toBe(0o600);
    const ready = JSON.stringify(await run.line(({ kind }) => kind === 'ready'));
    expect(ready).toContain(url);
    expect(ready).toContain(addressFile());
    expect(token).toMatch(/^[0-9a-f]{32}$/);
  });

  test('does what it does on AWS', async () => {
    const added = await ask('POST', '/watches', undefined, JSON.stringify({ mailbox: alice, direction: 'received' }));
    expect(added.status).toBe(201);
    const path = `/watches/received/${encodeURIComponent(alice)}`;
    // A tick may have stored the baseline before.
    const outcome = expect.stringMatching(/^(baseline|unchanged)$/);
    expect(JSON.parse((await ask('POST', `${path}/poll`)).body)).toMatchObject({ outcome, transfers: 0 });
    expect(JSON.parse((await ask('GET', '/watches?limit=1')).body).items).toMatchObject([{ direction: 'received' }]);
    expect((await ask('DELETE', path)).status).toBe(204);
    expect((await ask('GET', path)).status).toBe(404);
    expect((await ask('GET', '/status?limit=1&limit=2')).status).toBe(400);
    await run.line(({ kind, text = '' }) => kind === 'warning' && text === `operator: DELETE ${path}, answered 204`);
  });

  test('documents itself, and tells its version', async () => {
    const served = await ask('GET', '/openapi.json');
    expect(JSON.parse(served.body)).toEqual(JSON.parse(JSON.stringify(openApiDocument(operations))));
    expect(JSON.parse((await ask('GET', '/status')).body)).toMatchObject({ version: manifest.version });
  });

  test('adds an endpoint only where its webhooks may go', async () => {
    const body = JSON.stringify({ name: 'crm', url: 'http://127.0.0.1:1/' });
    const refused = await ask('POST', '/endpoints', undefined, body);
    expect(refused).toMatchObject({ status: 400, body: expect.stringContaining('expected https:') });
  });

  test.each<[string, number, (bearer: string) => Record<string, string>]>([
    ['without the token', 401, () => ({})],
    ['with another token', 401, () => ({ authorization: `Bearer ${'0'.repeat(32)}` })],
    ['with the header of earlier releases', 401, () => ({ 'x-notifier': '1' })],
    ['from a web page', 403, (authorization) => ({ authorization, origin: 'http://127.0.0.1' })],
    ['by a name that leads here by a trick', 403, (authorization) => ({ authorization, host: 'evil.example' })],
    [
      'by a name that only begins like this machine',
      403,
      (authorization) => ({ authorization, host: '127.0.0.1.evil.example:80' }),
    ],
  ])('refuses what comes %s', async (_, status, headersWith) => {
    const headers = headersWith(`Bearer ${token}`) as { authorization: string };
    expect((await ask('GET', '/status', headers)).status).toBe(status);
    expect((await ask('DELETE', `/watches/sent/${encodeURIComponent(alice)}`, headers)).status).toBe(status);
    expect((await ask('GET', `/watches/sent/${encodeURIComponent(alice)}`)).status).toBe(200);
  });

  test('says so when a body is too large', async () => {
    expect((await ask('POST', '/watches', undefined, ' '.repeat(2_000_000))).status).toBe(413);
  });

  test('takes its address away when the run stops', async () => {
    run.kill('SIGINT');
    expect(await run.exit()).toBe(0);
    expect(existsSync(addressFile())).toBe(false);
    expect(run.stderr).toBe('');
    expect(run.stdout).not.toContain(token);
  });
});
