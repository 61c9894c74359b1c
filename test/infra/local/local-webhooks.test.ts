import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { newSecret } from '#functions/webhooks/http/signature.ts';
import { type Receipt, startWebhookReceiver, type WebhookReceiver } from '#infra/local/demo/webhook-receiver.ts';
import { type CryptshareServer, startCryptshareServer } from '#infra/simulator/server.ts';
import { startForwardProxy } from '#test/functions/http/forward-proxy.ts';
import { closeAll } from '#test/functions/webhooks/http/client-servers.ts';
import { LocalRun } from './local-run.ts';

const clientId = 'exampleclientid'.repeat(4);
const alice = 'alice@example.com';
const credentials = { CRYPTSHARE_CLIENT_ID: clientId };

let server: CryptshareServer;
let receiver: WebhookReceiver;
let folder: string;
const receipts: Receipt[] = [];
let onReceipt = () => {};
const running: LocalRun[] = [];

beforeAll(async () => {
  server = await startCryptshareServer();
  server.verifications.registerClientId(clientId);
  server.transfers.seed({ sender: alice, to: ['bob@example.com'], count: 5, state: 'ACTIVE' });
  receiver = await startWebhookReceiver(
    () => false,
    (receipt) => {
      receipts.push(receipt);
      onReceipt();
    },
  );
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'local-webhooks-'));
  receipts.length = 0;
  return async () => {
    for (const run of running.splice(0)) {
      run.kill('SIGKILL');
      await run.exit();
    }
    rmSync(folder, { recursive: true });
  };
});
afterAll(() => Promise.all([server.close(), receiver.close()]));

function start(args: readonly string[], environment: Record<string, string> = {}): LocalRun {
  const run = new LocalRun(args, environment);
  running.push(run);
  return run;
}

/** Starts a real run with a webhook to this process's receiver. */
function startReal(
  webhook: object,
  args: readonly string[],
  environment: Record<string, string> = {},
  { proxy, more = [] }: { readonly proxy?: string; readonly more?: readonly object[] } = {},
): LocalRun {
  const file = join(folder, 'notifier.config.json');
  const webhooks = [{ name: 'crm', url: receiver.urlOf('crm'), ...webhook }, ...more];
  writeFileSync(
    file,
    JSON.stringify({
      server: { url: server.url },
      schedule: { every: '1s' },
      watches: [{ mailbox: alice }],
      webhooks,
      proxy,
    }),
  );
  const data = join(folder, 'data');
  return start(['--json', '--config', file, '--data', data, ...args], { ...credentials, ...environment });
}

/** Resolves when the receiver has had so many requests. */
async function received(count: number): Promise<void> {
  while (receipts.length < count) {
    await new Promise<void>((resolve) => {
      onReceipt = resolve;
    });
  }
}

describe('the demo', () => {
  test('shows webhooks that arrive with a good signature, and one that is retried until it does', async () => {
    const run = start(['--json']);
    await run.line(
      ({ kind, endpoint, status, type }) => kind === 'receipt' && endpoint === 'crm' && status === 204 && !!type,
    );
    const failed = await run.line(
      ({ kind, endpoint, status }) => kind === 'receipt' && endpoint === 'archive' && status === 500,
    );
    await run.line(
      ({ kind, endpoint, id, status }) =>
        kind === 'receipt' && endpoint === 'archive' && id === failed.id && status === 204,
    );
    run.kill('SIGINT');
    expect(await run.exit()).toBe(0);
    expect(run.stderr).toBe('');
    expect(run.stdout).not.toContain('whsec_');
  });
});

describe('a real run', () => {
  const existing = ['--notify-existing', '--allow-private-webhooks'];

  test('delivers what it announces, signed by the secret of the environment, and keeps it out of folder and output', async () => {
    const secret = newSecret();
    receiver.trust('crm', secret);
    const run = startReal({ secretFrom: 'CRM_SECRET' }, existing, { CRM_SECRET: secret });
    await received(5);
    run.kill('SIGINT');
    expect(await run.exit()).toBe(0);
    expect(receipts.map(({ status }) => status)).toEqual([204, 204, 204, 204, 204]);
    expect(run.stdout + run.stderr).not.toContain(secret.slice(6));
    const files = readdirSync(join(folder, 'data'), { recursive: true, withFileTypes: true }).filter((file) =>
      file.isFile(),
    );
    for (const { parentPath, name } of files) {
      expect(readFileSync(join(parentPath, name), 'latin1')).not.toContain(secret.slice(6));
    }
  });

  test('sends webhooks through the proxy of the configuration, and reaches this machine without any proxy', async () => {
    const [own, foreign] = [await startForwardProxy({ status: 502 }), await startForwardProxy({ status: 502 })];
    onTestFinished(closeAll);
    const names = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'ALL_PROXY'];
    const environment = { NODE_USE_ENV_PROXY: '1', ...Object.fromEntries(names.map((name) => [name, foreign.url])) };
    const run = startReal(
      { secretFrom: 'CRM_SECRET' },
      existing,
      { ...environment, CRM_SECRET: newSecret() },
      {
        proxy: own.url,
        more: [{ name: 'outside', url: 'https://hooks.example.com/', secretFrom: 'CRM_SECRET' }],
      },
    );
    await received(5);
    await run.line(({ kind, endpoint }) => kind === 'delivery' && endpoint === 'outside');
    run.kill('SIGINT');
    expect(await run.exit()).toBe(0);
    expect([[...new Set(own.asked)], foreign.asked]).toEqual([['CONNECT hooks.example.com:443'], []]);
  });

  test('shows a secret that it made once, and not again after a restart', async () => {
    const first = startReal({}, existing);
    const { text } = await first.line(({ kind, text: said }) => kind === 'warning' && said!.includes('whsec_'));
    expect(text).toMatch(/^secret of the webhook crm, shown this once: whsec_\S{44}$/);
    await received(5);
    first.kill('SIGINT');
    await first.exit();
    receiver.trust('crm', /whsec_\S+/.exec(text!)![0]);
    receipts.length = 0;
    const second = startReal({}, existing);
    server.transfers.create({ sender: alice, to: ['bob@example.com'] });
    await received(1);
    expect(receipts[0]).toMatchObject({ status: expect.any(Number) });
    expect(second.stdout).not.toContain('whsec_');
  });

  test('refuses webhooks to this machine unless that was allowed, and secrets that are not there', async () => {
    const run = startReal({ secretFrom: 'CRM_SECRET' }, []);
    expect(await run.exit()).toBe(2);
    expect(run.stderr).toContain('CRM_SECRET: this environment variable is missing');
    expect(run.stderr).toMatch(/webhooks\[0\]\.url: expected https:.*--allow-private-webhooks/);
  });
});
