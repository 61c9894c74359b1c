import { once } from 'node:events';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startOperatorApi } from '#test/infra/cli/scripted-api.ts';
import { ask, type OpenConsole, openConsole, startedConsole } from './console-world.ts';

const api = await startOperatorApi();
let console: OpenConsole;
beforeAll(async () => {
  console = await openConsole(api.url, { mayChange: true });
});
afterAll(() => console.close());

describe('the first address of a console', () => {
  it('leads to the address without token, and admits this browser by a cookie that no script and no other site gets', () => {
    expect(console.admitted.status).toBe(303);
    expect(console.admitted.headers.location).toBe('/');
    const port = new URL(console.url).port;
    expect(console.admitted.headers['set-cookie']).toEqual([
      expect.stringMatching(new RegExp(`^notifier-console-${port}=[0-9a-f]{32}; Path=/; HttpOnly; SameSite=Strict$`)),
    ]);
  });

  it('has another secret than the cookie', () => {
    expect(console.cookie).not.toContain(new URL(console.firstAddress).searchParams.get('token'));
  });

  it.each(['//evil.example/', '/\\evil.example/', '///evil.example', '/%2F/evil.example'])(
    'does not lead to another site, as %s',
    async (path) => {
      const token = new URL(console.firstAddress).searchParams.get('token');
      for (const query of [`token=${token}`, 'language=de']) {
        const { headers } = await console.ask(`${path}?${query}`);
        expect(new URL(headers.location!, console.url).origin).toBe(console.url);
      }
      const { body } = await console.ask(path);
      for (const [, address] of body.matchAll(/(?:href|action)="([^"]*)"/g))
        expect(new URL(address!, console.url).origin).toBe(console.url);
    },
  );
});

describe('the address for the browser that the console opens', () => {
  const enter = async (address: string) => {
    const { origin, pathname, search } = new URL(address);
    return (await ask(origin, pathname + search)).status;
  };

  it('admits one browser, and no other program that has read it in the list of processes', async () => {
    const { firstAddress, browserAddress, url, close } = await startedConsole(api.url);
    expect(browserAddress.startsWith(`${url}/?token=`)).toBe(true);
    expect(browserAddress).not.toBe(firstAddress);
    const statuses = [await enter(browserAddress), await enter(browserAddress), await enter(firstAddress)];
    await close();
    expect(statuses).toEqual([303, 403, 303]);
  });

  it('leads the browser that it has admitted to the console again, as after a restored session', async () => {
    const { browserAddress, url, close } = await startedConsole(api.url);
    const path = browserAddress.slice(url.length);
    const [cookie = ''] = (await ask(url, path)).headers['set-cookie'] ?? [];
    const again = await ask(url, path, { headers: { cookie: cookie.split(';')[0] } });
    await close();
    expect([again.status, again.headers.location]).toEqual([303, '/']);
  });

  it('is void once a browser was admitted by the printed address, as after an opener that failed', async () => {
    const { firstAddress, browserAddress, close } = await startedConsole(api.url);
    const statuses = [await enter(firstAddress), await enter(browserAddress), await enter(firstAddress)];
    await close();
    expect(statuses).toEqual([303, 403, 303]);
  });
});

describe('a browser that is not admitted', () => {
  it.each([
    ['no cookie', {}],
    ['a wrong cookie', { cookie: 'notifier-console=0' }],
  ])('gets a page that says what to do, with %s', async (_name, headers) => {
    for (const path of [
      '/',
      '/transfers',
      '/live',
      '/nothing',
      '/?token=',
      '/?token=00000000000000000000000000000000',
    ]) {
      const { status, body } = await ask(console.url, path, { headers });
      expect([path, status]).toEqual([path, 403]);
      expect(body).toContain('This browser is not admitted');
      expect(body).toContain('Open the address that the console printed');
      expect(body).not.toContain('set-cookie');
    }
    expect(api.calls).toEqual([]);
  });

  it('gets the same with the cookie of another console', async () => {
    const other = await openConsole(api.url);
    const { status } = await ask(console.url, '/transfers', { headers: { cookie: other.cookie } });
    await other.close();
    expect(status).toBe(403);
  });

  it('gets style and script of that page, and nothing else', async () => {
    for (const path of ['/style.css', '/console.js', '/icon.svg'])
      expect((await ask(console.url, path)).status).toBe(200);
  });
});

it('makes few pages for requests of one connection that come together, read or not', async () => {
  const socket = net.connect(Number(new URL(console.url).port), '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'.repeat(500));
  let answered = '';
  for await (const chunk of socket) {
    answered += chunk;
    if (answered.match(/HTTP\/1\.1 /g)?.length === 500) break;
  }
  expect(answered.match(/HTTP\/1\.1 403/g)).toHaveLength(100);
});

describe('the guard', () => {
  const allowed = { cookie: () => console.cookie };
  const origin = () => console.url;

  it.each<[string, () => Record<string, string>]>([
    ['a typed address', () => ({ 'sec-fetch-site': 'none' })],
    ['a link of the console', () => ({ 'sec-fetch-site': 'same-origin' })],
    ['a form of the console', () => ({ origin: origin(), 'sec-fetch-site': 'same-origin' })],
    ['a form in an older browser', () => ({ origin: origin() })],
  ])('lets through %s', async (_name, headers) => {
    const { status } = await ask(console.url, '/doctor', { headers: { cookie: allowed.cookie(), ...headers() } });
    expect(status).toBe(200);
  });

  it.each<[string, () => Record<string, string>]>([
    ['a page of another site', () => ({ 'sec-fetch-site': 'cross-site' })],
    ['a page of another port', () => ({ 'sec-fetch-site': 'same-site' })],
    ['a foreign origin', () => ({ origin: 'https://evil.example' })],
    ['the origin of another port', () => ({ origin: 'http://127.0.0.1:1' })],
    ['an origin that a browser hides', () => ({ origin: 'null' })],
    ['a foreign origin that claims to be the same', () => ({ origin: 'http://x', 'sec-fetch-site': 'same-origin' })],
    ['a host of DNS rebinding', () => ({ host: `evil.example:${new URL(console.url).port}` })],
    ['a host under localhost', () => ({ host: 'console.localhost' })],
    ['an upgrade to WebSocket', () => ({ connection: 'upgrade', upgrade: 'websocket' })],
  ])('refuses %s (P23)', async (_name, headers) => {
    for (const path of ['/doctor', '/live', '/style.css']) {
      const { status, body } = await ask(console.url, path, { headers: { cookie: allowed.cookie(), ...headers() } });
      expect(status).toBe(403);
      expect(body).toContain('expected');
    }
    const token = new URL(console.firstAddress).search;
    const { status, headers: answered } = await ask(console.url, `/${token}`, { headers: headers() });
    expect([status, answered['set-cookie']]).toEqual([403, undefined]);
  });

  it('refuses a request whose target names a host', async () => {
    const socket = net.connect(Number(new URL(console.url).port), '127.0.0.1');
    await once(socket, 'connect');
    socket.end(
      `GET http://evil.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: ${console.cookie}\r\nConnection: close\r\n\r\n`,
    );
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('every answer', () => {
  it.each(['/doctor', '/nothing', '/style.css', '/console.js', '/live', '/?language=de'])(
    'lets nothing run or show but what this address serves as a file: %s',
    async (path) => {
      const { headers } = await console.ask(path, { method: path === '/live' ? 'HEAD' : 'GET' });
      expect(headers).toMatchObject({
        'cache-control': 'no-store',
        'content-security-policy':
          "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        'referrer-policy': 'same-origin',
        'x-content-type-options': 'nosniff',
      });
      expect(headers).not.toHaveProperty('access-control-allow-origin');
    },
  );

  it('has no script and no style of its own in a page', async () => {
    const { body } = await console.ask('/doctor');
    expect(body.match(/<script[^>]*>/g)).toEqual(['<script src="/console.js" defer>']);
    expect(body).not.toMatch(/<style|\sstyle=|\son[a-z]+=|javascript:/i);
    expect(
      [...body.matchAll(/(?:src|href|action)="([^"]*)"/g)].filter(([, address]) => !/^\/[^/]|^\/$|^#/.test(address!)),
    ).toEqual([]);
  });
});
