import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closedPort } from '#test/functions/webhooks/http/client-servers.ts';
import { type ConsoleProcess, ConsoleWorld } from './console-world.ts';
import { visit } from './visitor.ts';

const world = await ConsoleWorld.start();
let shown: ConsoleProcess;
beforeAll(async () => {
  await world.run();
  shown = await world.console();
});

/** A web page of another origin, which answers whatever it is asked with this script. */
const strangers: http.Server[] = [];
async function stranger(script: string): Promise<string> {
  const server = http.createServer((_, response) =>
    response.setHeader('content-type', 'text/html').end(`<!doctype html><title>…</title><script>${script}</script>`),
  );
  strangers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://stranger.example:${(server.address() as AddressInfo).port}/`;
}
afterAll(() => {
  for (const server of strangers) {
    server.closeAllConnections();
    server.close();
  }
});

describe('the first address of a console', () => {
  it('lets a browser in, and leaves no token in the address and no script that could read the cookie', async () => {
    const { page, faults } = await visit();
    await page.goto(shown.firstAddress);
    expect(page.url()).toBe(`${shown.url}/`);
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toMatch(/^The notifier/);
    expect(await page.evaluate('document.cookie')).toBe('');
    const cookies = await page.context().cookies();
    expect(cookies).toHaveLength(1);
    expect(cookies[0]).toMatchObject({ httpOnly: true, sameSite: 'Strict' });
    expect(faults).toEqual([]);
  });

  it('keeps out a browser that has no token or a wrong one, and says where the right one is', async () => {
    for (const address of [`${shown.url}/`, `${shown.url}/?token=${'0'.repeat(32)}`, `${shown.url}/transfers`]) {
      const { page } = await visit();
      const answer = await page.goto(address);
      expect(answer!.status(), address).toBe(403);
      expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('This browser is not admitted');
      expect(await page.getByRole('alert').innerText()).toContain('Open the address that the console printed');
      expect(await page.context().cookies()).toEqual([]);
    }
  });

  it('lets the browser of one console into no other', async () => {
    const { page } = await visit();
    await page.goto(shown.firstAddress);
    const other = await world.console();
    expect((await page.goto(`${other.url}/`))!.status()).toBe(403);
    expect((await page.goto(`${shown.url}/`))!.status()).toBe(200);
  });
});

describe('a name that DNS rebinding has led to this machine', () => {
  it('gets no page, not even with the token', async () => {
    const { port } = new URL(shown.url);
    const { search } = new URL(shown.firstAddress);
    const { page } = await visit();
    const answer = await page.goto(`http://rebound.example:${port}/${search}`);
    expect(answer!.status()).toBe(403);
    expect(await page.content()).toContain('expected this machine in the header Host');
    expect(await page.context().cookies()).toEqual([]);
  });
});

describe('a web page of another origin, in a browser that is admitted', () => {
  it('cannot read a page of the console', async () => {
    const { page } = await visit();
    await page.goto(shown.firstAddress);
    const requests = ['cors', 'no-cors'].map(
      (mode) => `fetch('${shown.url}/', { mode: '${mode}', credentials: 'include' })`,
    );
    await page.goto(
      await stranger(
        `Promise.all([${requests}].map((one) => one.then((answer) => answer.text(), () => 'refused')))
          .then((read) => { document.title = JSON.stringify(read); });`,
      ),
    );
    await expect.poll(() => page.title()).toBe('["refused",""]');
  });

  it('cannot show a page of the console in a frame', async () => {
    const { page } = await visit();
    await page.goto(shown.firstAddress);
    await page.goto(
      await stranger(
        `onload = () => { const frame = document.createElement('iframe'); frame.onload = () => { document.title = 'loaded'; };
          frame.src = '${shown.url}/'; document.body.append(frame); };`,
      ),
    );
    await expect.poll(() => page.title()).toBe('loaded');
    const texts = await Promise.all(page.frames().map((frame) => frame.content()));
    expect(texts.join()).not.toContain('The notifier');
  });

  it('cannot send a form, with or without the browser’s cookie', async () => {
    const { page } = await visit();
    await page.goto(shown.firstAddress);
    const address = `${shown.url}/`;
    await page.goto(
      await stranger(
        `onload = () => { const form = document.createElement('form'); form.method = 'post'; form.action = '${address}';
          document.body.append(form); form.submit(); };`,
      ),
    );
    await page.waitForURL(address);
    expect(await page.content()).toContain('expected a page of this address');
  });

  it('opens the console by a link only for a browser that is sent the address by a person', async () => {
    const { page } = await visit();
    await page.goto(shown.firstAddress);
    await page.goto(await stranger(`onload = () => { location.href = '${shown.url}/'; };`));
    await page.waitForURL(`${shown.url}/`);
    expect(await page.content()).toContain('expected a page of this address');
  });
});

describe('console --port', () => {
  it('says that another program uses the port, and what to do', async () => {
    const { port } = new URL(shown.url);
    const second = world.startConsole(['--port', port]);
    expect(await second.exit()).toBe(1);
    expect(second.stderr).toContain(`cannot listen on port ${port} (EADDRINUSE): another program uses it`);
    expect(second.stderr).toContain('leave --port out');
    expect(second.stdout).not.toContain('token');
  });

  it('serves on the port that is named', async () => {
    const port = String(await closedPort());
    const { url, firstAddress } = await world.console(['--port', port]);
    expect(new URL(url).port).toBe(port);
    const { page } = await visit();
    expect((await page.goto(firstAddress))!.status()).toBe(200);
  });
});
