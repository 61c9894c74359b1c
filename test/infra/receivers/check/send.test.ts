import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { generate } from 'selfsigned';
import { expect, it, onTestFinished, vi } from 'vitest';
import { send } from '#infra/receivers/check/send.ts';

it('sends no request to a server whose certificate no authority has issued, even if Node is told to trust any', async () => {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }]);
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  onTestFinished(() => void vi.unstubAllEnvs());
  let requests = 0;
  const server = createServer({ cert, key }, (_, response) => {
    requests += 1;
    response.end();
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const url = new URL(`https://localhost:${(server.address() as AddressInfo).port}/`);
  const answer = await send(url, { method: 'POST', headers: {}, body: '{}' }, 15_000);
  expect(answer).toEqual({ none: 'failed', code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  expect(requests).toBe(0);
});
