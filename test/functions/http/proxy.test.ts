import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { connectionTo } from '#functions/cryptshare/connection.ts';
import { failureOfError } from '#functions/cryptshare/failure.ts';
import { proxyFor, proxyProblem, proxySettingsIn } from '#functions/http/proxy.ts';
import {
  clientOf,
  closeAll,
  closedPort,
  failureOf,
  receiver,
  tlsReceiver,
} from '#test/functions/webhooks/http/client-servers.ts';
import { startForwardProxy } from './forward-proxy.ts';

afterEach(closeAll);
afterEach(() => vi.unstubAllEnvs());

const proxy = 'http://proxy.example.com:3128';

describe('proxyFor', () => {
  test.each([
    'https://localhost/',
    'https://app.localhost/',
    'https://localhost./',
    'http://127.0.0.1:8080/',
    'http://127.1.2.3/',
    'http://[::1]/',
    'https://0.0.0.0/',
    'https://[::]/',
  ])('reaches this machine directly, whatever is set: %s', (url) => {
    expect(proxyFor(new URL(url), { proxy, except: undefined })).toBeUndefined();
  });

  test.each([
    ['*', 'https://example.com/'],
    ['example.com', 'https://example.com/'],
    ['example.com', 'https://hooks.EXAMPLE.com/'],
    ['.example.com', 'https://hooks.example.com/'],
    ['*.example.com', 'https://a.b.example.com/'],
    ['other.test, example.com', 'https://example.com/'],
    ['other.test example.com', 'https://example.com./'],
    ['example.com:8443', 'https://example.com:8443/'],
    ['example.com:443', 'https://example.com/'],
    ['192.0.2.7', 'https://192.0.2.7/'],
    ['10.0.0.0/8', 'https://10.1.2.3/'],
    ['example.com.', 'https://example.com/'],
    ['bücher.example', 'https://bücher.example/'],
    ['2001:0DB8:0::1', 'https://[2001:db8::1]/'],
    ['2001:db8::1', 'https://[2001:db8::1]/'],
    ['[2001:db8::1]:443', 'https://[2001:db8::1]/'],
    ['2001:db8::/32', 'https://[2001:db8:7::1]/'],
  ])('makes an exception by NO_PROXY %s for %s', (except, url) => {
    expect(proxyFor(new URL(url), { proxy, except })).toBeUndefined();
  });

  test.each([
    [undefined, 'https://example.com/'],
    ['', 'https://example.com/'],
    ['ample.com', 'https://example.com/'],
    ['example.com:8443', 'https://example.com/'],
    ['hooks.example.com', 'https://example.com/'],
    ['10.0.0.0/8', 'https://11.1.2.3/'],
    ['10.0.0.0/99, 10.0.0.0/x, /, :, ., <local>, [', 'https://10.1.2.3/'],
    ['1.2.3.4', 'https://1.2.3.4.example.com/'],
    ['localhost', 'https://localhost.example.com/'],
  ])('makes no exception by NO_PROXY %s for %s', (except, url) => {
    expect(proxyFor(new URL(url), { proxy, except })?.href).toBe(`${proxy}/`);
  });
});

test.each([
  [{ HTTPS_PROXY: 'http://a:1', https_proxy: 'http://b:2', NO_PROXY: 'c', no_proxy: 'd' }, 'http://b:2', 'd'],
  [{ HTTPS_PROXY: 'http://a:1', https_proxy: '', NO_PROXY: 'c' }, 'http://a:1', 'c'],
  [{ HTTP_PROXY: 'http://a:1', ALL_PROXY: 'http://a:1', NODE_USE_ENV_PROXY: '1' }, undefined, undefined],
])('proxySettingsIn finds in %j the proxy %s and the exceptions %s', (variables, named, except) => {
  expect(proxySettingsIn(variables)).toEqual({ proxy: named, except });
});

test.each(['http://proxy:3128', 'https://proxy.example.com', 'http://me:p%40ss@proxy:3128/', 'proxy.example.com:3128'])(
  'proxyProblem accepts %s',
  (address) => expect(proxyProblem(address)).toBeUndefined(),
);

test.each(['socks5://proxy:1080', 'http://', 'http://secret@', 'http://proxy/path', 'http://proxy?a=secret', ''])(
  'proxyProblem refuses %j without repeating it',
  (address) => {
    expect(proxyProblem(address)).toBe('expected a proxy such as http://proxy.example.com:3128');
    expect(() => proxyFor(new URL('https://example.com'), { proxy: address, except: undefined })).toThrow(
      'expected a proxy such as http://proxy.example.com:3128',
    );
  },
);

describe('Connection with a proxy', () => {
  const name = 'cryptshare.example.com';

  /** Asks the server by this name, as the environment says; rejects with the failure that operators are told. */
  async function ask(variables: Record<string, string>, ca?: string, timeout = 5000, origin = `https://${name}`) {
    for (const [variable, value] of Object.entries(variables)) vi.stubEnv(variable, value);
    const connection = connectionTo(origin, ca);
    onTestFinished(() => connection.close());
    return connection.send({ path: '/api/status', headers: {} }, timeout, 1000).catch((error: unknown) => {
      throw failureOfError(error);
    });
  }

  test('reaches the server by a tunnel that it keeps, and checks the certificate of the server', async () => {
    const { port, cert, seen } = await tlsReceiver(name);
    const { url, asked } = await startForwardProxy({ port });
    vi.stubEnv('HTTPS_PROXY', url);
    const connection = connectionTo(`https://${name}`, cert);
    onTestFinished(() => connection.close());
    for (let i = 0; i < 2; i += 1) {
      expect(await connection.send({ path: '/', headers: {} }, 5000, 1000)).toMatchObject({
        status: 200,
        body: 'hello',
      });
    }
    expect(asked).toEqual([`CONNECT ${name}:443`]);
    expect(seen).toEqual({ connections: 1, names: [name, name], hosts: [name, name] });
  });

  test('refuses another certificate behind a proxy', async () => {
    const { port } = await tlsReceiver('other.example.com');
    const { url } = await startForwardProxy({ port });
    await expect(ask({ HTTPS_PROXY: url })).rejects.toMatchObject({ kind: 'certificate_untrusted' });
  });

  test('sends user name and password to a proxy that wants them', async () => {
    const { port, cert } = await tlsReceiver(name);
    const { url, credentials } = await startForwardProxy({ port });
    const withPassword = url.replace('//', '//me:p%40ss@');
    expect(await ask({ https_proxy: withPassword }, cert)).toMatchObject({ status: 200 });
    expect(credentials).toEqual([`Basic ${Buffer.from('me:p@ss').toString('base64')}`]);
  });

  test('reaches a server directly that NO_PROXY names', async () => {
    const { url, asked } = await startForwardProxy({ status: 502 });
    await expect(
      ask({ HTTPS_PROXY: url, NO_PROXY: '.invalid' }, undefined, 5000, 'https://none.invalid'),
    ).rejects.toMatchObject({
      kind: 'unreachable',
    });
    expect(asked).toEqual([]);
  });

  test.each([
    ['wants user name and password', 407, 'HTTP 407'],
    ['forbids the server', 403, 'HTTP 403'],
    ['does not reach the server', 502, 'HTTP 502'],
  ])('fails where the proxy %s, and tells the proxy and what to do', async (_, status, says) => {
    const { url, port } = await startForwardProxy({ status });
    const failure = await ask({ HTTPS_PROXY: url.replace('//', '//me:hidden@') }).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      kind: 'proxy_failed',
      message: `the proxy on the way to the server does not lead there (127.0.0.1:${port}: ${says})`,
      remedy: expect.stringContaining('HTTPS_PROXY'),
    });
    expect(JSON.stringify([failure, String(failure)])).not.toContain('hidden');
  });

  test.each([
    ['is not there', async () => `http://127.0.0.1:${await closedPort()}`, /^127\.0\.0\.1:\d+: ECONNREFUSED$/],
    ['has no address', async () => 'http://proxy.invalid:3128', /^proxy\.invalid:3128: (ENOTFOUND|EAI_AGAIN)$/],
    ['says nothing', async () => (await startForwardProxy('silence')).url, /^127\.0\.0\.1:\d+: no answer$/],
    ['is none', async () => 'socks5://proxy.example.com', /^expected a proxy such as http:/],
  ])('fails where the proxy %s, and tells why', async (_, address, says) => {
    const failure = await ask({ HTTPS_PROXY: await address() }, undefined, 400).catch((error: unknown) => error);
    const { kind, message } = failure as { kind: string; message: string };
    expect([kind, /\((.*)\)$/.exec(message)?.[1]]).toEqual(['proxy_failed', expect.stringMatching(says)]);
  });
});

describe('WebhookClient with a proxy', () => {
  const name = 'hooks.example.com';
  const never = vi.fn(async () => ['192.0.2.1']);
  const only = (proxy: string) => ({ allowPrivate: false, resolve: never, proxy: { proxy, except: undefined } });

  test('sends through the proxy of the configuration, and looks no name up itself', async () => {
    const { port, cert, seen } = await tlsReceiver(name);
    const { url, asked } = await startForwardProxy({ port });
    const client = clientOf({ ca: cert, ...only(url) });
    for (let i = 0; i < 2; i += 1) {
      expect(await client.post(`https://${name}/`, {}, '{}')).toMatchObject({ status: 200, body: 'hello' });
    }
    expect([asked, seen.connections]).toEqual([[`CONNECT ${name}:443`], 1]);
    expect(never).not.toHaveBeenCalled();
  });

  test.each([
    'https://127.0.0.1/',
    'https://169.254.169.254/',
    'https://[::1]/',
    'https://localhost/',
    'https://db.internal/',
    'https://hooks.example.com:22/',
    'http://hooks.example.com/',
  ])('gives the proxy no forbidden target: %s', async (target) => {
    const { url, asked } = await startForwardProxy({ status: 502 });
    const client = clientOf(only(url));
    expect(await failureOf(client.post(target, {}, ''))).toBe('forbidden_target');
    expect(asked).toEqual([]);
  });

  test('sends to this machine directly, where that is allowed', async () => {
    const { url, asked } = await startForwardProxy({ status: 502 });
    const local = await receiver();
    const client = clientOf({ proxy: { proxy: url, except: undefined } });
    expect(await client.post(`http://localhost:${local.port}/`, {}, '')).toMatchObject({ status: 200 });
    expect(asked).toEqual([]);
  });

  test('sends to an excepted host directly, to addresses that it has checked', async () => {
    const { url, asked } = await startForwardProxy({ status: 502 });
    const resolve = async () => ['10.0.0.1'];
    const client = clientOf({ allowPrivate: false, resolve, proxy: { proxy: url, except: name } });
    expect(await failureOf(client.post(`https://${name}/`, {}, ''))).toBe('forbidden_target');
    expect(asked).toEqual([]);
  });

  test('throws proxy where the proxy does not let a request through', async () => {
    const { url } = await startForwardProxy({ status: 403 });
    const client = clientOf(only(url));
    expect(await failureOf(client.post(`https://${name}/`, {}, ''))).toBe('proxy');
  });

  test('throws proxy where the proxy says nothing within the time for connecting', async () => {
    const { url } = await startForwardProxy('silence');
    const client = clientOf({ connectTimeoutMs: 50, resolve: never, proxy: { proxy: url, except: undefined } });
    expect(await failureOf(client.post(`https://${name}/`, {}, ''))).toBe('proxy');
  });
});
