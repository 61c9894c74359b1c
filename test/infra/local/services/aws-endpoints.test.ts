import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { areAllElsewhere, awsEndpointsOf, startAwsServices } from '#infra/local/services/aws-endpoints.ts';
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
    ...['', 'moto', 'ftp://127.0.0.1', 'http://127.0.0.1/path', 'http://user@127.0.0.1', 'http://:secret@127.0.0.1'],
    ...['http://127.0.0.1/#part', 'dynamodb=', 'lambda=http://127.0.0.1:1'],
    ...['dynamodb=http://127.0.0.1:1=2', 'dynamodb=http://127.0.0.1:1,http://127.0.0.1:2'],
  ])('refuses %j', (text) => {
    expect(awsEndpointsOf(text)).toBeUndefined();
  });
});

describe('checkAwsEndpoints', () => {
  it('ends the run with exit code 1 and one sentence when nothing answers', async () => {
    const closed = createServer();
    const url = await listenOnLoopback(closed);
    await new Promise((resolve) => closed.close(resolve));
    const run = new LocalRun(['--aws-endpoint', url]);
    expect(await run.exit()).toBe(1);
    expect(run.stderr).toBe(
      `no implementation of AWS answers at ${url} (ECONNREFUSED): start it first, or leave --aws-endpoint out to use the embedded services\n`,
    );
  });

  it('ends the run with one sentence when another service answers, which it asks without a proxy', async () => {
    const service = createServer((request, response) => {
      request.resume();
      response.writeHead(403, { 'content-type': 'text/html' }).end('<html></html>');
    });
    const url = await listenOnLoopback(service);
    onTestFinished(() => void service.close());
    const [HTTP_PROXY, http_proxy] = ['http://127.0.0.1:1', 'http://127.0.0.1:1'];
    const run = new LocalRun(['--aws-endpoint', url], { NODE_USE_ENV_PROXY: '1', HTTP_PROXY, http_proxy });
    expect(await run.exit()).toBe(1);
    expect(run.stderr).toBe(
      `what answers at ${url} is no implementation of AWS (HTTP 403 for dynamodb): correct the address, or leave --aws-endpoint out to use the embedded services\n`,
    );
  });
});

describe('startAwsServices', () => {
  it('explains a data folder that cannot be used, also without embedded services', async () => {
    const umask = process.umask();
    const folder = mkdtempSync(join(tmpdir(), 'aws-endpoints-'));
    onTestFinished(() => {
      process.umask(umask);
      rmSync(folder, { recursive: true });
    });
    const file = join(folder, 'file');
    writeFileSync(file, '');
    await expect(startAwsServices(file, awsEndpointsOf('http://127.0.0.1:1')!)).rejects.toThrow(
      /^the data folder .* cannot be used \(.*\); choose another one, or mend it$/,
    );
  });
});
