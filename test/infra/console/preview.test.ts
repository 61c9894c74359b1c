import { beforeEach, describe, expect, it } from 'vitest';
import { addEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { run } from '#test/infra/cli/run-cli.ts';
import { exampleEvent, exampleEvents } from '#test/support/webhook-world.ts';
import { type ConsoleWorld, startConsoleWorld, textIn } from './console-world.ts';
import { confirm } from './forms.ts';

let world: ConsoleWorld;
beforeEach(async () => {
  world = await startConsoleWorld({ mayChange: true });
  const reader = {
    ...({ language: 'de', timeZone: 'Europe/Berlin', when: 'daily at 07:30' } as const),
    ...{ urgent: [], quiet: ['tuesday'], evenIfEmpty: false },
  };
  const mail = { url: 'mailto:team@example.com', format: 'email' as const, types: ['transfer.*'], reader };
  await addEndpoint(world.deps, 'team', mail, {}, true);
  await world.ask('POST', '/endpoints', { body: { name: 'chat', url: world.urlOf('chat'), format: 'slack' } });
  await world.ask('POST', '/endpoints', { body: { name: 'crm', url: world.urlOf('crm') } });
  return () => world.close();
});

const get = (path: string, language = 'en') => world.console.ask(path, { headers: { 'accept-language': language } });

/** What the command line prints of the same message. */
async function printed(reader: string): Promise<{ subject: string; body: unknown }> {
  const { stdout } = await run(
    ['notice', 'preview', '--reader', reader, '--period', '24h', '--json', '--url', world.api],
    {
      now: world.clock.now,
    },
  );
  return JSON.parse(stdout);
}

const hostile = '<img/src=x/onerror=alert(1)>';

describe('the list of readers', () => {
  it('has people alone, each with the time of the next digest', async () => {
    const text = textIn((await get('/notices')).body);
    // Tuesday is quiet, so the digest of 07:30 in Berlin waits for its end.
    expect(text).toMatch(/team active email daily at 07:30 \(Europe\/Berlin\) 24 Nov 2026, 23:00:00/);
    expect(text).toMatch(/chat active slack at once \(UTC\) with the next event/);
    expect(text).not.toContain('crm');
    const webhooks = textIn((await get('/webhooks')).body);
    expect(webhooks).toContain('crm');
    expect(webhooks).not.toMatch(/team|chat/);
  });

  it('says that nothing comes while a reader is paused', async () => {
    await confirm(world.console, '/endpoint/pause?name=team');
    expect(textIn((await get('/notices')).body)).toContain('none: what is due is held');
  });
});

describe('the preview of a message', () => {
  beforeEach(async () => {
    world.clock.advance(60_000);
    await world.fanOut(...exampleEvents('transfer', 3), exampleEvent(hostile));
    await world.answerWakeUps();
  });

  it('is the message that the command line prints, in the language of the reader', async () => {
    const { body } = await get('/notice?reader=team&period=24h');
    const { subject, body: text } = await printed('team');
    const words = (some: string) => some.replaceAll(/\s+/g, ' ').trim();
    expect(textIn(body)).toContain(words(subject));
    expect(textIn(body)).toContain(words(text as string));
    expect(subject).toContain('fehlgeschlagen');
    expect(body).toContain('<section class="card" lang="de"');
    expect(textIn(body)).toContain('notice preview --reader team --period 24h');
    expect(body).not.toContain('<img');
  });

  it('is that of a chat in words, and as it is sent', async () => {
    const { body } = await get('/notice?reader=chat&period=24h');
    const text = JSON.stringify((await printed('chat')).body);
    const [, sent] = /<details>.*?<pre>(.*?)<\/pre>/s.exec(body)!;
    expect(JSON.stringify(JSON.parse(textIn(`<main>${sent}`).replace('<main>', '')))).toBe(text);
    expect(body).not.toContain('<iframe');
  });

  it('shows the mail in a frame in which nothing runs, loads or leads anywhere', async () => {
    const page = await get('/notice?reader=team&period=24h&as=html');
    const [, source] = /<iframe sandbox title="Message" src="([^"]*)"><\/iframe>/.exec(page.body)!;
    expect(page.headers['content-security-policy']).toContain("; frame-src 'self'");
    expect(page.headers['content-security-policy']).toContain(
      "default-src 'none'; style-src 'self'; script-src 'self'",
    );
    const mail = await get(source!.replaceAll('&amp;', '&'));
    expect(mail.headers).toMatchObject({
      'content-type': 'text/html; charset=UTF-8',
      'content-security-policy':
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox",
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    expect(mail.body).toContain('fehlgeschlagen');
    expect(mail.body).toContain('&lt;img/src=x/onerror=alert(1)&gt;');
    expect(mail.body).not.toMatch(/<(?:img|script|a|link|iframe)\b|<[^>]*\s(?:href|src)=|url\(/);
    const other = await get('/notice?reader=team');
    expect(other.headers['content-security-policy']).not.toContain('frame-src');
  });

  it('sends nothing; a test does, and its answer is shown', async () => {
    await get('/notice?reader=chat');
    const chatted = () => world.received.filter(({ path }) => path === '/chat').length;
    expect(chatted()).toBe(0);
    const { shown, asked } = await confirm(world.console, '/endpoint/test?name=chat', {}, async () => {
      while (chatted() === 0) await world.answerWakeUps();
    });
    expect(textIn(asked.body)).toContain('npm run notifier -- notice test chat');
    expect(textIn(shown.body)).toContain('chat took the test.');
    expect(chatted()).toBe(1);
  });

  it('has none of a webhook, or of a reader that is not there', async () => {
    for (const path of ['/notice?reader=crm', '/notice/mail?reader=crm', '/notice?reader=none'])
      expect([path, (await get(path)).status]).toEqual([path, 404]);
    expect(textIn((await get('/notice')).body)).toContain('2 readers on this page');
  });
});
