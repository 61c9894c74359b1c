import { beforeEach, describe, expect, it } from 'vitest';
import type { EndpointResource } from '#infra/cli/api/resources.ts';
import { exampleEvent, exampleEvents } from '#test/support/webhook-world.ts';
import { type ConsoleWorld, openConsole, startConsoleWorld, textIn } from './console-world.ts';
import { confirm, formIn } from './forms.ts';

let world: ConsoleWorld;
beforeEach(async () => {
  world = await startConsoleWorld({ mayChange: true });
  await world.ask('POST', '/endpoints', { body: { name: 'crm', url: world.urlOf('crm') } });
  return () => world.close();
});

const page = async (path: string) => textIn((await world.console.ask(path)).body);
type CircuitBreaker = NonNullable<EndpointResource['circuitBreaker']>;

const status = async () => (await world.ask('GET', '/endpoints/crm')).body.status;

/** Has the receiver fail with an answer, until its retries are some hours apart. */
async function fail(body: string): Promise<void> {
  world.setAnswer(() => ({ status: 500, body }));
  await world.fanOut(...exampleEvents('transfer', 3));
  await world.answerWakeUps();
  for (let tries = 0; tries < 2; tries += 1) {
    world.clock.advance(600_000);
    await world.sweep();
    await world.answerWakeUps();
  }
}

describe('the page of a webhook', () => {
  it('says why it fails, with the answer of its receiver as text, and what to do', async () => {
    await fail('<script>alert("x")</script> \u202eevil');
    const { body } = await world.console.ask('/endpoint?name=crm');
    const text = textIn(body);
    expect(text).toMatch(/crm (retries|fails)/);
    expect(text).toMatch(/\d+ failed attempts since 24 Nov 2026, 00:00:00/);
    expect(text).toContain('Last attempt: HTTP 500 <script>alert("x")</script> evil');
    expect(body).not.toContain('<script>alert');
    expect(text).toContain('its log says why');
    expect(text).toContain('Deliveries waiting 3');
    expect(await page('/webhooks')).toMatch(/crm (retries|fails) \d+ failed attempts since/);
  });

  it('says so too after hundreds of newer events, none of which was tried', async () => {
    await fail('database is locked');
    const timestamp = '2026-11-24T01:00:00.000Z';
    await world.fanOut(...exampleEvents('newer', 101).map((event) => ({ ...event, timestamp })));
    const text = await page('/endpoint?name=crm');
    expect(text).toContain('Last attempt: HTTP 500 database is locked');
  });

  it('names the time to which an open circuit breaker puts the next attempt, on each page with deliveries', async () => {
    world.setAnswer(() => ({ status: 429, headers: { 'retry-after': '3600' } }));
    await world.fanOut(exampleEvent('transfer'));
    await world.answerWakeUps();
    await world.fanOut(exampleEvent('newer'));
    const { state, openUntil } = (await world.ask('GET', '/endpoints/crm')).body.circuitBreaker as CircuitBreaker;
    expect(state).toBe('open');
    const until = `<time datetime="${openUntil}">`;
    const list = (await world.console.ask('/deliveries?endpoint=crm')).body;
    const one = /href="(\/delivery\?[^"]*)"/.exec(list)![1]!.replaceAll('&amp;', '&');
    for (const path of ['/endpoint?name=crm', '/deliveries?endpoint=crm', one]) {
      const { body } = await world.console.ask(path);
      expect([path, body.includes(until)]).toEqual([path, true]);
    }
    expect(textIn(list)).toContain('(the circuit breaker is open)');
  });

  it('leads from a delivery to its transfer, whose page says why', async () => {
    await world.fanOut(exampleEvent('transfer'));
    await world.settleAll();
    const list = (await world.console.ask('/deliveries?endpoint=crm')).body;
    const one = /href="(\/delivery\?[^"]*)"/.exec(list)![1]!.replaceAll('&amp;', '&');
    expect((await world.console.ask(one)).body).toContain('href="/transfer?id=transfer"');
  });

  it('says in English and German why it fails, once operators are told', async () => {
    await fail('no');
    world.clock.advance(3 * 3_600_000);
    await world.sweep();
    await world.answerWakeUps();
    expect(await world.console.read('/endpoint?name=crm')).toContain('it answers with an error; look at its own log');
    expect(await world.console.read('/endpoint?name=crm', 'de')).toContain('er antwortet mit einem Fehler');
  });

  it('counts no attempt in flight once the time of each is over', async () => {
    await world.fanOut(exampleEvent('transfer'));
    await world.answerWakeUps();
    world.clock.advance(60_000);
    expect(await page('/endpoint?name=crm')).toContain('In flight 0 of at most 10');
  });

  it('explains in English what the system said, marked as such on a German page', async () => {
    await world.ask('PATCH', '/endpoints/crm', { body: { url: 'http://127.0.0.1:9/' } });
    await fail('');
    const { body } = await world.console.ask('/endpoint?name=crm', { headers: { 'accept-language': 'de' } });
    expect(textIn(body)).toContain('Letzter Versuch:');
    expect(body).toMatch(/<p class="said" lang="en">see whether it runs/);
  });

  it('counts deliveries by hour and result', async () => {
    await fail('no');
    world.setAnswer(() => ({ status: 204 }));
    await world.fanOut(...exampleEvents('good', 2));
    await world.answerWakeUps();
    world.clock.advance(3_600_000);
    await world.settleAll();
    expect(await page('/endpoint?name=crm')).toContain('5 delivered, 0 failed and 0 neither yet');
  });

  /** Sends a test while other processes do their work. */
  const test = () =>
    confirm(world.console, '/endpoint/test?name=crm', {}, async () => {
      while (world.received.length === 0) await world.answerWakeUps();
    });

  it('sends a test, waits for the answer, and shows it', async () => {
    const { shown } = await test();
    expect(textIn(shown.body)).toContain('crm took the test.');
    expect(textIn(shown.body)).toContain('HTTP 204');
    expect(shown.body).toContain('class="outcome good"');
  });

  it('says that a test was not taken, with the answer', async () => {
    world.setAnswer(() => ({ status: 410, body: '<i>gone</i>' }));
    const { shown } = await test();
    expect(textIn(shown.body)).toContain('crm did not take the test.');
    expect(textIn(shown.body)).toContain('HTTP 410');
    expect(textIn(shown.body)).toContain('<i>gone</i>');
    expect(shown.body).toContain('class="outcome warn"');
  });

  it('does not wait for a test that an open circuit breaker holds up, and says so', async () => {
    world.setAnswer(() => ({ status: 429, headers: { 'retry-after': '3600' } }));
    await world.fanOut(...exampleEvents('transfer', 1));
    await world.answerWakeUps();
    expect((await world.ask('GET', '/endpoints/crm')).body.circuitBreaker).toMatchObject({ state: 'open' });
    const { shown } = await confirm(world.console, '/endpoint/test?name=crm');
    expect(textIn(shown.body)).toContain('The test for crm has not been attempted yet. Reload this page');
    expect(textIn(shown.body)).toContain('There was no attempt yet.');
  });

  it('pauses, resumes and recovers it: what was held arrives', async () => {
    expect(textIn((await confirm(world.console, '/endpoint/pause?name=crm')).shown.body)).toContain('crm is paused');
    expect(await status()).toBe('paused');
    const again = await confirm(world.console, '/endpoint/pause?name=crm');
    expect([again.sent.status, textIn(again.sent.body).includes('crm is paused already')]).toEqual([409, true]);
    await world.fanOut(...exampleEvents('transfer', 2));
    await world.answerWakeUps();
    // Paused, it cannot be recovered, and the page says what comes first.
    const refused = await world.console.ask('/endpoint/recover?name=crm');
    expect([refused.status, textIn(refused.body).includes('resume it first')]).toEqual([409, true]);
    await confirm(world.console, '/endpoint/resume?name=crm');
    expect(world.received).toEqual([]);
    const { asked, shown } = await confirm(world.console, '/endpoint/recover?name=crm');
    expect(textIn(asked.body)).toContain('2 events are held.');
    expect(textIn(shown.body)).toContain('2 held events are on their way.');
    await world.settleAll();
    expect(world.received).toHaveLength(2);
  });

  it('disables it with a reason, which is shown as text, and enables it again', async () => {
    const reason = encodeURIComponent('<b>moved</b> "away"');
    await confirm(world.console, `/endpoint/disable?name=crm&because=${reason}&ask=1`);
    expect((await world.ask('GET', '/endpoints/crm')).body.disabledBecause).toBe('<b>moved</b> "away"');
    const { body } = await world.console.ask('/endpoint?name=crm');
    expect(textIn(body)).toContain('Because: <b>moved</b> "away"');
    expect(body).not.toContain('<b>moved');
    await confirm(world.console, '/endpoint/enable?name=crm');
    expect(await status()).toBe('active');
  });

  it('replays events after a dry run has counted them, of the times that were counted', async () => {
    await world.fanOut(...exampleEvents('transfer', 3));
    await world.settleAll();
    expect(world.received).toHaveLength(3);
    world.clock.advance(60_000);
    const asked = await world.console.ask('/endpoint/replay?name=crm&from=2h&until=&ask=1');
    expect(textIn(asked.body)).toMatch(/3 events from .* to .* are sent to crm again/);
    expect(world.received).toHaveLength(3);
    const { action, fields } = formIn(asked.body)!;
    // The end of the time is that of the question, not of the answer.
    world.clock.advance(60_000);
    const sent = await world.console.ask(action, { form: fields });
    expect(textIn((await world.console.ask(sent.headers.location!)).body)).toContain(
      '3 events are on their way again.',
    );
    await world.settleAll();
    expect(world.received).toHaveLength(6);
    expect(new URL(action, world.console.url).searchParams.get('until')).toBe('2026-11-24T00:01:00.000Z');
  });

  it.each([
    ['from=tomorrow', 'Name a time'],
    ['from=', 'Name a time'],
    ['from=1h&until=2h', 'Name an end after the beginning'],
  ])('asks for the times of a replay again after %s, and keeps them', async (query, said) => {
    const { status: code, body } = await world.console.ask(`/endpoint/replay?name=crm&${query}&ask=1`);
    expect([code, textIn(body).includes(said)]).toEqual([400, true]);
    expect(body).toContain(`name="from" value="${new URLSearchParams(query).get('from')}"`);
  });

  it('shows a new secret once: in no address, and on no later page', async () => {
    const { sent, form } = await confirm(world.console, '/endpoint/rotate?name=crm&overlap=0s&ask=1');
    expect(sent.status).toBe(200);
    expect(sent.headers['cache-control']).toBe('no-store');
    const [secret] = /whsec_[\w+/=]+/.exec(sent.body)!;
    expect(textIn(sent.body)).toContain('The secret is shown this once');
    const later = [
      await world.console.ask('/endpoint?name=crm'),
      await world.console.ask(form.action, { form: form.fields }),
    ];
    for (const { body, headers } of later) expect(JSON.stringify([body, headers])).not.toContain(secret.slice(6));
    expect(later.map((one) => one.status)).toEqual([200, 409]);
    expect(JSON.stringify(world.lines)).not.toContain(secret.slice(6));
  });

  it('sends a failed delivery again, and cancels one that is held', async () => {
    await world.fanOut(...exampleEvents('transfer', 1));
    await world.settleAll();
    const { body } = await world.console.ask('/deliveries?endpoint=crm');
    const [, delivery] = /href="\/delivery\?([^"]*)"/.exec(body)!;
    const query = delivery!.replaceAll('&amp;', '&');
    expect(await page(`/delivery?${query}`)).toContain('HTTP 204');
    await confirm(world.console, `/delivery/resend?${query}`);
    const twice = await confirm(world.console, `/delivery/resend?${query}`);
    expect([twice.sent.status, textIn(twice.sent.body).includes('still on its way')]).toEqual([409, true]);
    await confirm(world.console, `/delivery/cancel?${query}`);
    await world.settleAll();
    expect(world.received).toHaveLength(1);
    expect(await page(`/delivery?${query}`)).toContain('cancelled');
  });

  it('says that there is no such webhook or delivery', async () => {
    for (const path of [
      '/endpoint?name=none',
      '/endpoint/pause?name=none',
      '/endpoint/rotate?name=none&overlap=1h&ask=1',
    ])
      expect([path, (await world.console.ask(path)).status]).toEqual([path, 404]);
    expect((await world.console.ask('/delivery?event=evt_0&endpoint=crm')).status).toBe(404);
    for (const path of ['/endpoint', '/endpoint?name=A%20B', '/delivery?event=evt_0', '/deliveries?endpoint=A'])
      expect([path, (await world.console.ask(path)).status]).toEqual([path, 400]);
  });

  it('shows commands instead where the console only shows', async () => {
    const readOnly = await openConsole(world.api, { now: world.clock.now });
    const { body } = await readOnly.ask('/endpoint?name=crm');
    await readOnly.close();
    expect(textIn(body)).toContain('Rotate the secret: npm run notifier -- endpoint rotate crm');
    expect(formIn(body)).toBeUndefined();
    expect(body).not.toContain('/endpoint/rotate');
  });
});
