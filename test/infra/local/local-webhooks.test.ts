import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newSecret } from '#functions/webhooks/http/signature.ts';
import { type Receipt, startWebhookReceiver } from '#infra/local/demo/webhook-receiver.ts';
import { startForwardProxy } from '#test/functions/http/forward-proxy.ts';
import { closeAll } from '#test/functions/webhooks/http/client-servers.ts';
import type { LocalRun } from './local-run.ts';
import { alice, LocalWorld, people } from './local-world.ts';

const world = await LocalWorld.start({ share: true });
const receipts: Receipt[] = [];
const receiver = await startWebhookReceiver(
  () => false,
  (receipt) => receipts.push(receipt),
);
const [own, foreign] = [await startForwardProxy({ status: 502 }), await startForwardProxy({ status: 502 })];
afterAll(async () => {
  closeAll();
  await receiver.close();
});

const secret = newSecret();
const proxyNames = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'ALL_PROXY'];
const proxies = Object.fromEntries(proxyNames.map((name) => [name, foreign.url]));

/** Starts a run in a foreign proxy's environment: a webhook for each way to a secret, one through a proxy. */
const start = (): LocalRun =>
  world.startReal({
    config: {
      watches: [{ mailbox: alice }],
      webhooks: [
        { name: 'crm', url: receiver.urlOf('crm'), secretFrom: 'CRM_SECRET' },
        { name: 'ops', url: receiver.urlOf('ops'), types: ['watch.*'] },
        { name: 'outside', url: 'https://hooks.example.com/', secretFrom: 'CRM_SECRET' },
      ],
      proxy: own.url,
    },
    args: ['--notify-existing', '--allow-private-webhooks'],
    environment: { NODE_USE_ENV_PROXY: '1', CRM_SECRET: secret, ...proxies },
  });

describe('webhooks of npm start --config', () => {
  let run: LocalRun;

  beforeAll(async () => {
    receiver.trust('crm', secret);
    world.server.transfers.seed({ ...people, count: 5, state: 'ACTIVE' });
    run = start();
    const delivered = () => run.lines.filter(({ endpoint, status }) => endpoint === 'crm' && status === 'DELIVERED');
    await run.line(() => delivered().length === 5);
    await run.line(({ kind, endpoint }) => kind === 'delivery' && endpoint === 'outside');
    run.kill('SIGINT');
    expect(await run.exit()).toBe(0);
  });

  it('are signed by the secret of the environment, which is neither stored in clear nor printed', () => {
    expect(receipts.map(({ endpoint, status }) => `${endpoint} ${status}`)).toEqual(Array(5).fill('crm 204'));
    expect(run.stdout + run.stderr).not.toContain(secret.slice(6));
    const files = readdirSync(world.path('data'), { recursive: true, withFileTypes: true });
    for (const file of files.filter((entry) => entry.isFile())) {
      expect(readFileSync(join(file.parentPath, file.name), 'latin1')).not.toContain(secret.slice(6));
    }
  });

  it('pass the proxy of the configuration, and reach this machine without any proxy', () => {
    expect([...new Set(own.asked)]).toEqual(['CONNECT hooks.example.com:443']);
    expect(foreign.asked).toEqual([]);
  });

  it('get a new secret that is shown once, and not after a restart', async () => {
    const shown = run.lines.flatMap(({ text = '' }) => (text.includes('whsec_') ? [text] : []));
    expect(shown).toEqual([expect.stringMatching(/^secret of the webhook ops, shown this once: whsec_\S{44}$/)]);
    const next = start();
    await next.line(({ outcome }) => outcome !== undefined);
    expect(next.stdout).not.toContain('whsec_');
  });
});
