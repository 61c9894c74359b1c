import { beforeEach, describe, expect, it } from 'vitest';
import type { LocalRun } from '#test/infra/local/local-run.ts';
import { alice, people } from '#test/infra/local/local-world.ts';
import { faultsByAxe } from './axe.ts';
import { type ConsoleProcess, ConsoleWorld } from './console-world.ts';
import { type Visitor, visit } from './visitor.ts';

const world = await ConsoleWorld.start();
let notifier: LocalRun;
let shown: ConsoleProcess;
let visitor: Visitor;

const start = () => world.run({ config: { watches: [{ mailbox: alice }], webhooks: [webhook] } });
const webhook = { name: 'crm', url: world.receiver.urlOf('crm'), retryDelays: ['8s', '1h'] };

notifier = await start();
await notifier.line(({ outcome }) => outcome === 'baseline');
shown = await world.console([]);

/** Words of the live region, which screen readers speak. */
const said = () => visitor.page.locator('p[role=status]').innerText();
const heading = () => visitor.page.locator('h1').innerText();
const newest = () => visitor.page.locator('#events tbody tr').first().innerText();

beforeEach(async () => {
  visitor = await visit();
  await visitor.page.goto(shown.firstAddress);
  // A page that is loaded anew forgets this.
  await visitor.page.evaluate('window.isTheSame = true');
});

const isTheSame = () => visitor.page.evaluate('window.isTheSame === true');

describe('an open overview', () => {
  it('shows a new event without being loaded again', async () => {
    const { trackingId } = world.server.transfers.create(people);
    await expect.poll(newest).toContain(trackingId);
    expect(await visitor.page.locator('#hours figcaption').innerText()).toBe('1 event in the last 24 hours');
    expect(await isTheSame()).toBe(true);
    expect(visitor.faults).toEqual([]);
  });

  it('keeps the focus where a person has put it', async () => {
    const { trackingId } = world.server.transfers.create(people);
    const link = visitor.page.getByRole('link', { name: trackingId }).last();
    await link.focus();
    const { trackingId: next } = world.server.transfers.create(people);
    await expect.poll(newest).toContain(next);
    expect(await visitor.page.evaluate('document.activeElement.textContent')).toBe(trackingId);
  });

  it('says to a screen reader what there is to look at, and that all works again', async () => {
    await expect.poll(heading).toBe('The notifier works');
    world.receiver.answer('crm', 500);
    world.server.transfers.create(people);
    await expect.poll(heading).toBe('The notifier works, with something to look at');
    expect(await said()).toBe('The notifier works, with something to look at');
    world.receiver.answer('crm', 204);
    await expect.poll(heading).toBe('The notifier works');
    expect(await said()).toBe('The notifier works');
    expect(await isTheSame()).toBe(true);
  });

  it('is renewed in more tabs than there are streams of news, each of which goes on to other pages', async () => {
    const tabs = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const tab = await visitor.page.context().newPage();
        await tab.goto(`${shown.url}/`);
        return tab;
      }),
    );
    const { trackingId } = world.server.transfers.create(people);
    for (const tab of tabs)
      await expect.poll(() => tab.locator('#events tbody tr').first().innerText()).toContain(trackingId);
    for (const tab of tabs) {
      await tab.getByRole('link', { name: 'Doctor' }).click();
      await tab.waitForURL('**/doctor');
    }
  });
});

describe('an operator API that stops answering', () => {
  it('is told by an open page, which keeps what it shows and is up to date again after a restart of the notifier', async () => {
    const before = await newest();
    notifier.kill('SIGKILL');
    await notifier.exit();
    await expect.poll(said).toMatch(/^The operator API does not answer\. This page shows how things were at /);
    expect(await newest()).toBe(before);
    expect(await faultsByAxe(visitor.page)).toEqual([]);
    notifier = await start();
    await expect.poll(said).toBe('This page is up to date again.');
    const { trackingId } = world.server.transfers.create(people);
    await expect.poll(newest).toContain(trackingId);
    expect(await isTheSame()).toBe(true);
  });

  it('is told by a page that is opened then, which shows the notifier as soon as it is back', async () => {
    notifier.kill('SIGKILL');
    await notifier.exit();
    await expect.poll(said).toMatch(/^The operator API does not answer/);
    const answer = await visitor.page.goto(`${shown.url}/`);
    expect(answer!.status()).toBe(502);
    expect(await heading()).toBe('The operator API does not answer');
    expect(await visitor.page.getByRole('alert').innerText()).toContain('it may work or not');
    notifier = await start();
    await expect.poll(heading).toBe('The notifier works');
  });

  it('is told though it accepts connections', async () => {
    notifier.kill('SIGSTOP');
    await expect.poll(said).toMatch(/^The operator API does not answer/);
    notifier.kill('SIGCONT');
    await expect.poll(said).toBe('This page is up to date again.');
  });
});

describe('a console that has ended', () => {
  it('is told by an open page, which asks for the new address of the next one', async () => {
    const port = new URL(shown.url).port;
    shown.process.kill('SIGINT');
    expect(await shown.process.exit()).toBe(0);
    await expect.poll(said).toMatch(/^The console does not answer\. This page shows how things were at /);
    shown = await world.console(['--port', port]);
    await expect.poll(said).toBe('This browser is not admitted');
  });
});

describe('a browser without JavaScript', () => {
  it('shows what there was when the page was loaded', async () => {
    const { page } = await visit({ javaScriptEnabled: false });
    await page.goto(shown.firstAddress);
    expect(await page.locator('h1').innerText()).toBe('The notifier works');
    await page.getByRole('link', { name: 'Transfers' }).click();
    await page.getByRole('link', { name: alice }).click();
    expect(await page.locator('tbody tr').count()).toBeGreaterThan(1);
  });
});
