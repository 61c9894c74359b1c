import { once } from 'node:events';
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import type { Check } from '#infra/cli/doctor/check.ts';
import { unreachable } from '#infra/cli/terminal/cli-error.ts';
import type { RunChecks } from '#infra/console/html/page.ts';
import { type OpenConsole, openConsole, textIn } from './console-world.ts';

let console: OpenConsole;
afterEach(() => console.close());

const start = async (runChecks: RunChecks) => {
  console = await openConsole('http://127.0.0.1:9', { runChecks });
};

const checks: Check[] = [
  { name: 'server', outcome: 'ok', message: 'it answers' },
  { name: 'clock', outcome: 'warn', message: 'is late\nby <b>1 s</b>', remedy: 'set it' },
  { name: 'TLS', outcome: 'fail', message: 'no certificate', remedy: 'npm run notifier -- doctor' },
];

describe('the doctor', () => {
  it('checks nothing before it is asked to', async () => {
    let runs = 0;
    await start(async () => {
      runs += 1;
      return [];
    });
    const { status, body } = await console.ask('/doctor');
    expect([status, runs]).toEqual([200, 0]);
    expect(body).toContain('<form method="get" action="/doctor/run">');
    expect(textIn(body)).toContain('npm run notifier -- doctor');
  });

  it('shows the checks with their words and remedies', async () => {
    await start(async () => checks);
    const text = await console.read('/doctor/run');
    expect(text).toContain('3 checks: 1 ok, 1 to look at, 1 failed');
    expect(text).toContain('clock is late by <b>1 s</b> → set it');
    expect(await console.read('/doctor/run', 'de')).toContain('3 Prüfungen: 1 gut, 1 zu beachten, 1 gescheitert');
  });

  it('shows each step while it is made', async () => {
    const { promise: told, resolve: tell } = Promise.withResolvers<void>();
    await start(async (onStep) => {
      onStep('asks <something>');
      await told;
      return checks;
    });
    const request = http.get(`${console.url}/doctor/run`, { headers: { cookie: console.cookie }, agent: false });
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    let page = '';
    for await (const chunk of response) {
      page += chunk;
      // Nothing is told before the step has arrived.
      if (page.includes('<li>asks &lt;something&gt;</li>')) tell();
    }
    expect(page.indexOf('asks')).toBeLessThan(page.indexOf('3 checks'));
    expect(page).toMatch(/<\/main>[\s\S]*<\/html>\s*$/);
  });

  it('says where it has stopped, and ends the page', async () => {
    await start(async (onStep) => {
      onStep('asks');
      throw unreachable('cannot reach it: start it');
    });
    const { body } = await console.ask('/doctor/run');
    expect(textIn(body)).toContain('cannot reach it: start it');
    expect(body).toMatch(/<\/main>[\s\S]*<\/html>\s*$/);
    expect(console.faults).toEqual([]);
  });

  it('shows no text of an error of its own', async () => {
    await start(async () => {
      throw new TypeError('s3cret');
    });
    const { body } = await console.ask('/doctor/run');
    expect(textIn(body)).toContain('The console has made a mistake');
    expect(body).not.toContain('s3cret');
    expect(console.faults).toEqual([expect.any(TypeError)]);
  });

  it('runs once for pages that ask at the same time, and again afterwards', async () => {
    let runs = 0;
    const { promise: told, resolve: tell } = Promise.withResolvers<void>();
    await start(async (onStep) => {
      runs += 1;
      onStep(`run ${runs}`);
      await told;
      return checks;
    });
    const begun = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const request = http.get(`${console.url}/doctor/run`, { headers: { cookie: console.cookie }, agent: false });
        const [response] = (await once(request, 'response')) as [http.IncomingMessage];
        return response;
      }),
    );
    tell();
    for (const response of begun) expect(textIn(await text(response))).toContain('3 checks');
    expect(runs).toBe(1);
    await console.ask('/doctor/run');
    expect(runs).toBe(2);
  });
});
