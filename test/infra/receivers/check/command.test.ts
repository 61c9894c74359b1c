import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { newSecret } from '#functions/webhooks/http/signature.ts';
import { block, receivingWebhooks } from '#test/docs/document-blocks.ts';
import { run } from '#test/infra/cli/run-cli.ts';
import { type Fault, plantedReceiver } from './planted-receiver.ts';

async function started(fault?: Fault) {
  const secret = newSecret();
  const receiver = await plantedReceiver(secret, fault);
  onTestFinished(() => receiver.close());
  return { receiver, url: receiver.url.href, environment: { WEBHOOK_SECRET: secret } };
}

it('ends with 0 where nothing is broken, and prints lines of at most 100 characters', async () => {
  const { url, environment } = await started();
  const { code, stdout } = await run(['check', url], { environment });
  expect(code, stdout).toBe(0);
  expect(stdout).toContain('18 kinds of requests: 15 good, 0 broken, 3 not judged without --processed\n');
  expect(Math.max(...stdout.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(100);
});

it('ends with 1 where a duty is broken, as JSON and as JUnit, too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'check-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const { url, environment } = await started('400 on unknown type');
  const junit = join(folder, 'receiver.xml');
  const { code, stdout } = await run(['check', url, '--json', '--junit', junit], { environment });
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ url, summary: { good: 14, broken: 1, notJudged: 3 } });
  const xml = readFileSync(junit, 'utf8');
  expect(xml).toContain('tests="18" failures="1" errors="0" skipped="3"');
  expect(xml).toContain('<failure message="answers an unknown type with a failure');
  expect(xml).not.toContain(environment.WEBHOOK_SECRET);
});

it('does not ask for --processed where it judges nothing, since the good request fails', async () => {
  const { url } = await started();
  const { code, stdout } = await run(['check', url], { environment: { WEBHOOK_SECRET: newSecret() } });
  expect(code).toBe(1);
  expect(stdout).toContain('18 kinds of requests: 0 good, 1 broken, 17 not judged\n');
});

it('asks for the secret without an echo where the environment has none', async () => {
  const { url, environment } = await started();
  const { code, questions } = await run(['check', url], { answers: [environment.WEBHOOK_SECRET] });
  expect({ code, questions }).toEqual({ code: 0, questions: ['Secret of the receiver (whsec_…):'] });
});

it('takes the number of processed events from a command, and ends with 2 where it prints none', async () => {
  const { receiver, url, environment } = await started();
  const { code, stderr } = await run(['check', url, '--processed', 'echo many'], { environment });
  expect(code).toBe(2);
  expect(receiver.arrived).toEqual([]);
  expect(stderr).toContain('expected a whole number, or JSON such as {"count": 3}; got many');
});

it.each([
  { args: ['https://hooks.example.com/webhooks'], says: '--i-own-this' },
  { args: ['http://127.0.0.1.example.com/'], says: '--i-own-this' },
  { args: ['http://localhost:1/', '--processed', 'https://count.example.com'], says: '--i-own-this' },
  { args: ['ftp://localhost/'], says: 'expected a URL' },
  { args: ['http://user:password@localhost/'], says: 'without user and password' },
])('refuses $args with exit code 2, before any request', async ({ args, says }) => {
  const { code, stderr } = await run(['check', ...args], { environment: { WEBHOOK_SECRET: newSecret() } });
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(says) });
});

it.each([{}, { WEBHOOK_SECRET: 'whsec_short' }, { WEBHOOK_SECRET: 'whsk_AAAA' }])(
  'refuses the environment %j with exit code 2',
  async (environment) => {
    expect((await run(['check', 'http://localhost:1/'], { environment })).code).toBe(2);
  },
);

it.each(['{"count": NUMBER}', 'NUMBER'])('judges repetitions and order by a URL that answers %s', async (text) => {
  const { receiver, url, environment } = await started();
  const counter = createServer((_, response) => response.end(text.replace('NUMBER', String(receiver.processed()))));
  await new Promise<void>((listening) => counter.listen(0, '127.0.0.1', listening));
  onTestFinished(() => void counter.close());
  const count = `http://127.0.0.1:${(counter.address() as AddressInfo).port}/count`;
  const { code, stdout } = await run(['check', url, '--processed', count], { environment });
  expect(code, stdout).toBe(0);
  expect(stdout).toContain('18 kinds of requests: 18 good, 0 broken, 0 not judged\n');
});

it('refuses a JUnit file that cannot be written, before any request', async () => {
  const { receiver, url, environment } = await started();
  const { code, stderr } = await run(['check', url, '--junit', '/dev/null/receiver.xml'], { environment });
  expect({ code, arrived: receiver.arrived }).toEqual({ code: 2, arrived: [] });
  expect(stderr).toContain('cannot be written');
});

it('prints what docs/receiving-webhooks.md shows', async () => {
  const { url, environment } = await started('400 on unknown type');
  const { code, stdout } = await run(['check', url], { environment });
  expect(code).toBe(1);
  expect(block('text check')).toBe(stdout);
});

it('has an example in its help for each way to be used, and the page names all its options', async () => {
  const { stdout } = await run(['check', '--help'], { columns: 1000 });
  for (const [option] of stdout.matchAll(/--(?:processed|i-own-this|junit|json)/g)) {
    expect(receivingWebhooks).toContain(option);
  }
});
