import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiClient, path } from '#infra/cli/api/client.ts';
import { findTarget } from '#infra/cli/api/target.ts';

const silent = createServer(() => {});

beforeEach(() => new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve)));
afterEach(() => {
  silent.closeAllConnections();
  silent.close();
});

describe('ApiClient', () => {
  it('reports an operator API that does not answer in time, with exit code 4', async () => {
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const client = new ApiClient(await findTarget({ url }, {}), { proxy: undefined, except: undefined });
    await expect(client.send({ method: 'GET', path: '/status', timeoutMs: 50 })).rejects.toMatchObject({
      exitCode: 4,
      message: `the operator API at ${url} did not answer within 0.05 s: look at its log, then try again`,
    });
  });
});

describe('path', () => {
  it('percent-encodes every inserted part, so that none can lead elsewhere', () => {
    expect(path`/watches/${'sent'}/${"../o'brien+x@example.com?y#z"}`).toBe(
      '/watches/sent/..%2Fo%27brien%2Bx%40example.com%3Fy%23z',
    );
  });

  it.each(['.', '..'])('refuses %s, which would lead to another resource, as what is not there', (part) => {
    const made = () => path`/endpoints/${part}`;
    expect(made).toThrow(`no address can name '${part}'`);
    expect(made).toThrow(expect.objectContaining({ status: 404 }));
  });
});
