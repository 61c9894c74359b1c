import { afterAll, describe, expect, it } from 'vitest';
import { simulatorPages } from '#infra/simulator/page/pages.ts';
import { startCryptshareServer } from '#infra/simulator/server.ts';
import { faultsByAxe } from './axe.ts';
import { visit } from './visitor.ts';

const server = await startCryptshareServer({ pages: simulatorPages });
afterAll(() => server.close());

describe('the pages of the simulated server', () => {
  it('let a person send a transfer, move it and see what has become of it, without any script', async () => {
    const { page, faults } = await visit({ javaScriptEnabled: false });
    await page.goto(server.url);
    await page.getByLabel('Recipients').fill('bob@example.org, carol@example.net');
    await page.getByRole('button', { name: 'Send' }).click();
    const trackingId = await page.locator('h1').innerText();
    await page.getByLabel('State').selectOption('ACTIVE');
    await page.getByRole('button', { name: 'Change its state' }).click();
    await page.getByLabel('Recipient', { exact: true }).selectOption('carol@example.net');
    await page.getByRole('button', { name: 'Fetch a file' }).click();
    expect(await page.locator('main').innerText()).toContain('once, last downloaded');
    await page.getByRole('link', { name: 'Transfers' }).click();
    expect(await page.locator('tbody tr').first().innerText()).toMatch(
      new RegExp(`${trackingId}\\s.*ACTIVE.*1 of 2`, 's'),
    );
    expect(faults).toEqual([]);
  });

  it('let a person change a switch, and go back after a wrong value', async () => {
    const { page } = await visit();
    await page.goto(`${server.url}/switches`);
    await page.getByLabel(/^order:/).selectOption('shuffled');
    await page.getByRole('button', { name: 'Change' }).click();
    expect(server.switches.order).toBe('shuffled');
    await page.getByLabel(/^latencyMs:/).fill('soon');
    await page.getByRole('button', { name: 'Change' }).click();
    expect(await page.locator('.problem').innerText()).toContain('the switch latencyMs');
    await page.goBack();
    expect(await page.locator('h1').innerText()).toBe('Switches');
  });

  it.each([360, 1280])('have no fault by axe and no side-scrolling, %i pixels wide', async (width) => {
    const { trackingId } = server.transfers.create({ sender: 'alice@example.com', to: ['bob@example.org'] });
    server.verifications.sendCode({ mailbox: 'alice@example.com', clientId: 'c'.repeat(50) });
    const { page, faults } = await visit({ viewport: { width, height: 800 } });
    for (const path of ['/', `/transfers/${trackingId}`, '/switches', '/verifications', '/transfers/none']) {
      await page.goto(server.url + path);
      expect(await faultsByAxe(page), path).toEqual([]);
      const scrolls = await page.evaluate(
        'document.documentElement.scrollWidth > document.documentElement.clientWidth',
      );
      expect(scrolls, path).toBe(false);
    }
    expect(faults.filter((fault) => !fault.includes('404'))).toEqual([]);
  });
});
