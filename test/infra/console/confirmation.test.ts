import http from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { afterEach, describe, expect, it } from 'vitest';
import { refused } from '#infra/cli/terminal/cli-error.ts';
import { Admission } from '#infra/console/admission.ts';
import { consoleApp } from '#infra/console/app.ts';
import { html } from '#infra/console/html/html.ts';
import type { ChangeRoute } from '#infra/console/html/page.ts';
import { LiveFeed } from '#infra/console/live-feed.ts';
import { serveOnLoopback, withAny } from '#infra/loopback/loopback-guard.ts';
import { type Asked, ask, type Shown, textIn } from './console-world.ts';

let done: Readonly<Record<string, string>>[] = [];
let close = async () => {};
afterEach(async () => {
  await close();
  done = [];
});

const change: ChangeRoute = {
  path: '/things/:name/end',
  ask: ({ params }) => ({
    title: 'End a thing',
    section: 'overview',
    question: `End ${params.name}? It cannot be undone.`,
    command: `thing end ${params.name}`,
    label: 'End it',
    back: '/',
    fields: html`<input name="reason">`,
  }),
  async run({ params }, form) {
    if (form.reason === 'fault') throw refused('the thing is busy');
    done.push({ ...form, ...params });
    return form.reason === 'show' ? { title: 'Ended', main: html`<h1>Ended: ${'s3cret'}</h1>` } : '/';
  },
};

/** A console with that change, and with a browser that it has admitted. */
async function start(mayChange: boolean) {
  const admission = new Admission();
  const unused = () => Promise.reject(new Error('unused'));
  const source = {
    ...{ mayChange, now: () => new Date(), hint: (command: string) => `npm run notifier -- ${command}` },
    ...{ api: { address: '', get: unused, send: unused }, runChecks: unused },
  };
  const feed = new LiveFeed({ read: unused, sleep: unused, intervalMs: 1, steady: () => 0, onNews: () => {} });
  const routes = { pages: [], documents: [], changes: [change] };
  const app = consoleApp({ source, admission, feed, routes, timeZone: 'UTC', onFault: () => {} });
  const server = http.createServer(getRequestListener(app.fetch, { overrideGlobalObjects: false }));
  const served = await serveOnLoopback(server, withAny, undefined, 'own');
  close = served.close;
  const admitted = await ask(served.url, `/?token=${admission.token}`);
  const cookie = admitted.headers['set-cookie']![0]!.split(';')[0]!;
  return {
    csrf: admission.csrf,
    ask: (path: string, asked: Asked = {}): Promise<Shown> =>
      ask(served.url, path, { ...asked, headers: { cookie, ...asked.headers } }),
  };
}

const path = '/things/a%20b/end';

describe('a change', () => {
  it('asks first, names the command that does the same, and changes nothing by that', async () => {
    const console = await start(true);
    const { status, body } = await console.ask(path);
    expect(status).toBe(200);
    expect(textIn(body)).toContain('End a b? It cannot be undone.');
    expect(textIn(body)).toContain('npm run notifier -- thing end a b');
    expect(body).toContain('<form method="post" action="/things/a%20b/end">');
    expect(body).toContain('Leave it as it is');
    expect(done).toEqual([]);
  });

  it('is made by the form of that page, whose fields it gets', async () => {
    const console = await start(true);
    const csrf = /name="csrf" value="(\w+)"/.exec((await console.ask(path)).body)![1]!;
    const { status, headers } = await console.ask(path, { form: { csrf, reason: 'x' } });
    expect([status, headers.location]).toEqual([303, '/']);
    expect(done).toEqual([{ name: 'a b', reason: 'x' }]);
  });

  it('may answer with a page that is shown once, kept by no browser, and never renewed', async () => {
    const console = await start(true);
    const { status, body, headers } = await console.ask(path, { form: { csrf: console.csrf, reason: 'show' } });
    expect([status, headers['cache-control']]).toEqual([200, 'no-store']);
    expect(body).toContain('Ended: s3cret');
    expect(body).not.toContain('data-live');
  });

  it('says why it was refused', async () => {
    const console = await start(true);
    const { status, body } = await console.ask(path, { form: { csrf: console.csrf, reason: 'fault' } });
    expect(status).toBe(502);
    expect(textIn(body)).toContain('the thing is busy');
    expect(body).not.toContain('data-live');
  });

  it.each<[string, Asked]>([
    ['no proof of its page', { form: { reason: 'x' } }],
    ['a wrong proof', { form: { csrf: '0'.repeat(32), reason: 'x' } }],
    ['the proof in the address', { form: { reason: 'x' }, headers: {} }],
    ['no form', { method: 'POST' }],
    ['another body', { form: { csrf: '' }, headers: { 'content-type': 'application/json' } }],
  ])('is not made with %s', async (_name, asked) => {
    const console = await start(true);
    const { status, body } = await console.ask(`${path}?csrf=${console.csrf}`, asked);
    expect(status).toBe(403);
    expect(textIn(body)).toContain('Nothing was changed.');
    expect(done).toEqual([]);
  });

  it('is not made by a form of another site, even with the proof', async () => {
    const console = await start(true);
    const form = { csrf: console.csrf, reason: 'x' };
    const { status } = await console.ask(path, { form, headers: { origin: 'https://evil.example' } });
    expect([status, done]).toEqual([403, []]);
  });

  it('is neither made nor prepared in a console that only shows', async () => {
    const console = await start(false);
    for (const asked of [{}, { form: { csrf: console.csrf, reason: 'x' } }]) {
      const { status, body } = await console.ask(path, asked);
      expect(status).toBe(403);
      expect(textIn(body)).toContain('Start the console with --allow-changes');
    }
    expect(done).toEqual([]);
  });
});
