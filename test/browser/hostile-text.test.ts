import { beforeAll, describe, expect, it, vi } from 'vitest';
import { alice, people } from '#test/infra/local/local-world.ts';
import { type ConsoleProcess, ConsoleWorld } from './console-world.ts';
import { commandIn } from './furnished-world.ts';
import { type Visitor, visitForAll } from './visitor.ts';

/** Markup without spaces, which tracking ids have none of. Taken for markup, it adds elements and changes the title. */
const markup = (name: string) => `"><svg/onload=document.title=1><b>${name}`;

const trackingId = markup('id');
const state = markup('state').slice(0, 64);
/** With characters that would turn the direction of what follows, and end lines. */
const answer = `${markup('answer')}</code></table><script>document.title=2</script>\u202egnp.exe\r\n\u001b[2J`;
const reason = markup('reason');

const world = await ConsoleWorld.start();
const visiting = visitForAll();
let visitor: Visitor;
let shown: ConsoleProcess;
beforeAll(async () => {
  const { server, receiver } = world;
  receiver.answer('crm', 500, answer);
  receiver.answer('old', 500, answer);
  const webhooks = ['crm', 'old'].map((name) => ({ name, url: receiver.urlOf(name), retryDelays: ['1h'] }));
  const notifier = await world.run({ config: { webhooks } });
  await notifier.line(({ outcome }) => outcome === 'baseline');
  shown = await world.console();
  visitor = await visiting;
  await visitor.page.goto(shown.firstAddress);
  // The page is open when all of it comes, so its script shows it as well.
  const transfer = server.transfers.create(people);
  server.transfers.setState(transfer.trackingId, state);
  Object.assign(transfer, { trackingId });
  await notifier.line(({ kind, event }) => kind === 'event' && event!.data.trackingId === trackingId);
  const arrived = () => new Set(receiver.arrivals.map(({ endpoint }) => endpoint));
  await vi.waitFor(() => expect(arrived()).toEqual(new Set(['crm', 'old'])), { timeout: 60_000 });
  await commandIn(world, ['endpoint', 'disable', 'old', '--because', reason]);
});

/** Characters that turn the direction of a text, or control a terminal. */
const invisible = /[\p{Bidi_Control}[\p{Cc}--[\n\t]]]/v;

/** What is on the page, if it was taken for markup. */
const foreignElements = () =>
  visitor.page.evaluate("document.querySelectorAll('main [onload], main b, main script').length");

describe('text of a server, a receiver or an operator', () => {
  it('is shown as text on an overview that was open before it came', async () => {
    const { page } = visitor;
    await expect.poll(() => page.locator('#events tbody').innerText()).toContain(trackingId);
    expect(await foreignElements()).toBe(0);
  });

  it.each([
    ['the list of transfers', `/transfers?mailbox=${alice}`, [trackingId, state]],
    ['the life of a transfer', `/transfer?id=${encodeURIComponent(trackingId)}`, [trackingId, state]],
    ['a failing webhook', '/endpoint?name=crm', [`${markup('answer')}</code></table>`]],
    ['a disabled webhook', '/endpoint?name=old', [reason]],
    ['a search for what no server has', `/transfer?id=${encodeURIComponent(markup('none'))}`, [markup('none')]],
  ])('is shown as text in %s', async (_, address, texts) => {
    const { page } = visitor;
    await page.goto(`${shown.url}${address}`);
    const main = await page.locator('main').innerText();
    const fields = await page.locator('main input').evaluateAll((inputs) => inputs.map((one) => one.value));
    for (const text of texts) expect(main + fields.join()).toContain(text);
    expect(main).not.toMatch(invisible);
    expect(await foreignElements()).toBe(0);
    expect(await page.title()).toMatch(/ · Transfer Notifier$/);
  });

  it('is shown as text in a delivery, with the answer of the receiver', async () => {
    const { page } = visitor;
    await page.goto(`${shown.url}/endpoint?name=crm`);
    await page.locator('#deliveries').getByRole('link').first().click();
    await expect.poll(() => page.locator('#attempts').innerText()).toContain(markup('answer'));
    expect(await page.locator('main').innerText()).not.toMatch(invisible);
    expect(await foreignElements()).toBe(0);
  });
});
