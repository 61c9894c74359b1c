import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { childEnvironment } from '#test/support/child-process.ts';
import { block, receivingWebhooks } from './document-blocks.ts';

/** Below the project, as the page says, so that the receiver finds the library. */
const folder = fileURLToPath(new URL(`../../node_modules/.cache/first-receiver-${process.pid}/`, import.meta.url));
const secrets = [...receivingWebhooks.matchAll(/^export WEBHOOK_SECRET=(whsec_\S+)/gm)].map(([, secret]) => secret!);

describe('the first receiver of docs/receiving-webhooks.md', () => {
  const printed: string[] = [];
  let receiver: ChildProcess;
  let url: string;

  beforeAll(async () => {
    mkdirSync(folder, { recursive: true });
    const shown = block('js receiver first');
    const onAnyPort = shown.replace(
      "listen(8080, '127.0.0.1')",
      "listen(0, '127.0.0.1', function () { console.log(this.address().port) })",
    );
    expect(onAnyPort).not.toBe(shown);
    writeFileSync(`${folder}receiver.mjs`, onAnyPort);
    const env = { ...childEnvironment, WEBHOOK_SECRET: secrets[0]! };
    receiver = spawn(process.execPath, ['receiver.mjs'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: receiver.stdout! });
    const [port] = await once(lines, 'line');
    lines.on('line', (line) => printed.push(line));
    url = `http://127.0.0.1:${port}/webhooks`;
  });

  afterAll(async () => {
    receiver.kill();
    await once(receiver, 'exit');
    rmSync(folder, { recursive: true });
  });

  async function post(secret: string): Promise<number> {
    const [id, at, body] = ['evt_1', new Date(), '{"type":"transfer.active"}'];
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': new Webhook(secret).sign(id, at, body),
    };
    return (await fetch(url, { method: 'POST', headers, body })).status;
  }

  it('gets the secret with which the commands beside it sign', () => {
    expect(secrets.length).toBeGreaterThan(1);
    expect(new Set(secrets).size).toBe(1);
  });

  it('prints a verified event, and refuses one that another has signed', async () => {
    expect(await post(`whsec_${Buffer.alloc(32, 7).toString('base64')}`)).toBe(401);
    expect(await post(secrets[0]!)).toBe(204);
    await expect.poll(() => printed.join()).toContain("type: 'transfer.active'");
    expect(printed.join().match(/type/g)).toHaveLength(1);
  });
});
