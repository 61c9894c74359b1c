import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseOptions } from '#infra/local/options.ts';
import { areAllElsewhere, awsEndpointsOf } from '#infra/local/services/aws-endpoints.ts';
import { listenOnLoopback } from '#infra/loopback/loopback-guard.ts';
import { LocalRun } from '#test/infra/local/local-run.ts';

describe('awsEndpointsOf', () => {
  it('takes one address for all services', () => {
    const url = 'http://127.0.0.1:5000';
    expect(awsEndpointsOf(url)).toEqual({ dynamodb: url, sns: url, sqs: url });
    expect(areAllElsewhere(awsEndpointsOf(url)!)).toBe(true);
  });

  it('takes addresses of single services', () => {
    const found = awsEndpointsOf('dynamodb=http://127.0.0.1:8000,sqs=https://sqs.example.com');
    expect(found).toEqual({ dynamodb: 'http://127.0.0.1:8000', sqs: 'https://sqs.example.com' });
    expect(areAllElsewhere(found!)).toBe(false);
  });

  it.each([
    '',
    'moto',
    'ftp://127.0.0.1',
    'http://127.0.0.1/path',
    'http://user@127.0.0.1',
    'http://:secret@127.0.0.1',
    'http://127.0.0.1/#part',
    'dynamodb=',
    'lambda=http://127.0.0.1:1',
    'dynamodb=http://127.0.0.1:1,http://127.0.0.1:2',
  ])('refuses %j', (text) => {
    expect(awsEndpointsOf(text)).toBeUndefined();
  });
});

describe('--aws-endpoint', () => {
  it('is read from NOTIFIER_AWS_ENDPOINT where the command line does not name it', () => {
    process.env.NOTIFIER_AWS_ENDPOINT = 'dynamodb=http://127.0.0.1:8000';
    try {
      expect(parseOptions([]).awsEndpoints).toEqual({ dynamodb: 'http://127.0.0.1:8000' });
      expect(parseOptions(['--aws-endpoint', 'sns=http://127.0.0.1:1']).awsEndpoints).toEqual({
        sns: 'http://127.0.0.1:1',
      });
    } finally {
      delete process.env.NOTIFIER_AWS_ENDPOINT;
    }
    expect(parseOptions([]).awsEndpoints).toEqual({});
  });

  it('where nothing answers ends the run with exit code 1 and one sentence that says what to do', async () => {
    const closed = createServer();
    const url = await listenOnLoopback(closed);
    await new Promise((resolve) => closed.close(resolve));
    const run = new LocalRun(['--aws-endpoint', url]);
    expect(await run.exit()).toBe(1);
    expect(run.stderr).toBe(
      `no implementation of AWS answers at ${url} (ECONNREFUSED): start it first, or leave --aws-endpoint out to use the embedded services\n`,
    );
  });

  it('is asked without the proxy of the environment, which cannot reach this machine', async () => {
    const { url, asked } = await startService(403);
    const proxy = 'http://127.0.0.1:1';
    const run = new LocalRun(['--aws-endpoint', url], {
      NODE_USE_ENV_PROXY: '1',
      HTTP_PROXY: proxy,
      http_proxy: proxy,
    });
    await run.exit();
    expect(asked()).toBeGreaterThan(0);
  });

  it('where a page or another service answers ends the run with one sentence', async () => {
    const { url } = await startService(403);
    const run = new LocalRun(['--aws-endpoint', url]);
    expect(await run.exit()).toBe(1);
    expect(run.stderr).toBe(
      `what answers at ${url} is no implementation of AWS (HTTP 403 for dynamodb): correct the address, or leave --aws-endpoint out to use the embedded services\n`,
    );
  });

  it('where the data folder cannot be used ends the run with one sentence', async () => {
    const { url } = await startService(200);
    const folder = temporaryFolder();
    const config = join(folder, 'notifier.config.json');
    writeFileSync(config, '{"server": {"url": "http://127.0.0.1:1"}, "watches": [{"mailbox": "alice@example.com"}]}');
    const run = new LocalRun(['--config', config, '--data', config, '--aws-endpoint', url], {
      CRYPTSHARE_CLIENT_ID: 'c'.repeat(50),
    });
    expect(await run.exit()).toBe(1);
    expect(run.stderr).toMatch(/^the data folder .* cannot be used \(.*\); choose another one, or mend it\n$/);
  });

  it.each([
    { name: 'an address that is none', args: ['--aws-endpoint', 'moto'], says: 'Expected an address such as' },
    {
      name: 'some services alone for a real server, whose queues nothing would keep',
      args: ['--config', 'notifier.config.json', '--aws-endpoint', 'dynamodb=http://127.0.0.1:8000'],
      says: 'needs one address for all services',
    },
  ])('is a wrong command line with $name', async ({ args, says }) => {
    const run = new LocalRun(args);
    expect(await run.exit()).toBe(2);
    expect(run.stderr).toContain(says);
  });
});

/** What answers with a page, whatever is asked. */
async function startService(status: number) {
  let count = 0;
  const server = createServer((request, response) => {
    count += 1;
    request.resume();
    response.writeHead(status, { 'content-type': 'text/html' }).end('<html></html>');
  });
  const url = await listenOnLoopback(server);
  onTestFinished(() => void server.close());
  return { url, asked: () => count };
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'aws-endpoints-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}
