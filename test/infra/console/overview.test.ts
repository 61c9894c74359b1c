import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endpointEvent } from '#functions/events/endpoint-event.ts';
import { clientId } from '#test/support/poll-world.ts';
import { exampleEvent, exampleEvents } from '#test/support/webhook-world.ts';
import { bytesOf, type ConsoleWorld, startConsoleWorld, textIn } from './console-world.ts';

let world: ConsoleWorld;
beforeEach(async () => {
  world = await startConsoleWorld();
});
afterEach(() => world.close());

const watchAlice = async () => {
  world.cryptshare.verifications.registerClientId(clientId);
  await world.ask('POST', '/watches', { body: { mailbox: 'alice@example.com' } });
};
const addEndpoint = (name: string) => world.ask('POST', '/endpoints', { body: { name, url: world.urlOf(name) } });

/** The state that the page tells first. */
async function verdict(): Promise<string | undefined> {
  const { status, body } = await world.console.ask('/');
  expect(status).toBe(200);
  return /<h1>([^<]*)</.exec(body)?.[1];
}

const good = 'The notifier works';
const warn = 'The notifier works, with something to look at';
const bad = 'The notifier needs help';

describe('the overview', () => {
  it('says that nothing is watched, with the command that watches a mailbox', async () => {
    expect(await verdict()).toBe(warn);
    const text = await world.console.read('/');
    expect(text).toContain('Nothing is watched, so nothing is announced.');
    expect(text).toContain('npm run notifier -- watch add MAILBOX');
  });

  it('does not call a notifier well before its first poll', async () => {
    await watchAlice();
    expect(await verdict()).toBe(warn);
    const text = await world.console.read('/');
    expect(text).toContain('No watch has been polled yet.');
    expect(text).toContain('Complete listings none yet');
  });

  it('says that it works, with the time of the last poll', async () => {
    await watchAlice();
    await world.tick();
    expect(await verdict()).toBe(good);
    const { body } = await world.console.ask('/');
    expect(body).toContain(`<dt>Last poll</dt><dd><time datetime="${world.clock.now().toISOString()}">`);
    expect(textIn(body)).toContain('Complete listings 1 watch, by its last poll');
    expect(textIn(body)).toContain('Watches 1, 0 failing, 0 paused');
  });

  it('does not call a notifier well that lets a watch rest', async () => {
    await watchAlice();
    await world.tick();
    await world.ask('POST', '/watches', { body: { mailbox: 'bob@example.com' } });
    await world.ask('POST', '/watches/sent/bob@example.com/pause');
    expect(await verdict()).toBe(warn);
    expect(await world.console.read('/')).toContain('1 watch is paused.');
  });

  it('does not call a notifier well that lets a webhook rest', async () => {
    await watchAlice();
    await world.tick();
    await addEndpoint('crm');
    await world.ask('POST', '/endpoints/crm/pause');
    expect(await verdict()).toBe(warn);
    expect(await world.console.read('/', 'de')).toContain('1 Webhook oder Leser ist angehalten');
  });

  it('says that polls have stopped, though no poll failed', async () => {
    await watchAlice();
    await world.tick();
    world.clock.advance(10 * 60_000);
    expect(await verdict()).toBe(bad);
    expect(await world.console.read('/')).toContain('1 watch has not been polled for five minutes');
  });

  it('names the causes for which watches fail from the first failed poll on, and needs help after three', async () => {
    await watchAlice();
    await world.cryptshare.close();
    await world.tick();
    expect(await verdict()).toBe(warn);
    expect(await world.console.read('/')).toMatch(/1 watch fails since .* the server cannot be reached/);
    expect(await world.console.read('/', 'de')).toMatch(/1 Überwachung scheitert seit .* nicht erreichbar/);
    for (let polls = 0; polls < 2; polls += 1) {
      world.clock.advance(60_000);
      await world.tick();
    }
    expect(await verdict()).toBe(bad);
    expect(await world.console.read('/')).toMatch(/Complete listings 0 of 1 watches; one is without since 24 Nov/);
  });

  it('names failing webhooks with their failed attempts, and what waits', async () => {
    await watchAlice();
    await world.tick();
    await addEndpoint('crm');
    world.setAnswer(() => ({ status: 500 }));
    await world.fanOut(exampleEvent('one'));
    await world.answerWakeUps();
    expect(await verdict()).toBe(warn);
    const text = await world.console.read('/');
    expect(text).toContain('crm: 1 failed attempt since');
    expect(text).toContain('delivery list --endpoint crm');
    expect((await world.console.ask('/')).body).toContain('<a href="/endpoint?name=crm">crm</a>');
    expect(text).toContain('Deliveries waiting 1');
  });

  it('leads from the event about a failing webhook to the page of that webhook', async () => {
    const at = world.clock.now().toISOString();
    const data = { endpoint: 'crm', cause: 'timeout', message: 'no answer', failingSince: at } as const;
    await world.fanOut(endpointEvent('endpoint.failing', data, at));
    const { body } = await world.console.ask('/');
    expect(body).toContain('<a href="/endpoint?name=crm">Endpoint crm is failing</a>');
  });

  it('tells since when a delivery is overdue', async () => {
    await watchAlice();
    await world.tick();
    await addEndpoint('crm');
    world.setAnswer(() => ({ status: 500 }));
    await world.fanOut(exampleEvent('one'));
    await world.answerWakeUps();
    world.clock.advance(3 * 3_600_000);
    await world.tick();
    expect(await world.console.read('/')).toMatch(/A delivery has been due for 2 hours\./);
    expect(await world.console.read('/', 'de')).toMatch(/seit 2 Stunden/);
  });

  it('tells what is held, and which command sends it', async () => {
    await watchAlice();
    await world.tick();
    await addEndpoint('crm');
    await world.ask('POST', '/endpoints/crm/pause');
    await world.fanOut(exampleEvent('one'));
    await world.answerWakeUps();
    expect(await verdict()).toBe(warn);
    expect(await world.console.read('/')).toContain('1 delivery is held until it is recovered.');
  });

  it('shows the last twenty events, each with a link to its transfer', async () => {
    await world.fanOut(...exampleEvents('t', 25));
    const { body } = await world.console.ask('/');
    const links = [...body.matchAll(/href="\/transfer\?id=([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(links).size).toBe(20);
    expect(textIn(body)).toContain('failed was active');
    expect(await world.console.read('/', 'de')).toContain('fehlgeschlagen zuvor aktiv');
  });

  it('counts the events of each hour, and says when it has not counted all', async () => {
    await world.fanOut(...exampleEvents('t', 3));
    world.clock.advance(3_600_000);
    const { body } = await world.console.ask('/');
    expect(body).toContain('3 events in the last 24 hours');
    expect(body.match(/<rect /g)).toHaveLength(24);
    expect(body.match(/<title>\d\d:\d\d: 3 events<\/title>/g)).toHaveLength(1);
  });

  it('is well below 60 KB, in all languages, with long names', async () => {
    await watchAlice();
    const long = 'x'.repeat(180);
    await world.fanOut(...exampleEvents(long, 30));
    for (const language of ['en', 'de']) expect(await bytesOf(world.console, '/', language)).toBeLessThan(60_000);
  });
});
