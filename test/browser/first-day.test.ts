import { describe, expect, it } from 'vitest';
import { alice, people } from '#test/infra/local/local-world.ts';
import { ConsoleWorld } from './console-world.ts';
import { keyboard, mouse } from './hands.ts';
import { visit } from './visitor.ts';

/** A client id that the server's administrator has not registered: mailboxes are verified by mail. */
const clientId = 'newclientid'.repeat(5);

describe.each([
  { name: 'by mouse', hand: mouse, world: await ConsoleWorld.start() },
  { name: 'by keyboard alone', hand: keyboard, world: await ConsoleWorld.start() },
])('the first day in the console, $name', ({ hand: { press, type }, world }) => {
  it('leads from an empty notifier to a delivered webhook, and to the reason why it was sent', async () => {
    const { server, receiver } = world;
    await world.run({ config: { watches: [] }, environment: { CRYPTSHARE_CLIENT_ID: clientId } });
    const { firstAddress } = await world.console();
    const { page, faults } = await visit();
    const link = (name: string | RegExp) => page.getByRole('link', { name });
    const section = (name: string) => page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name });
    const button = (name: string) => page.getByRole('button', { name });
    const field = (label: string | RegExp) => page.getByLabel(label);
    const outcome = page.locator('.outcome');
    await page.goto(firstAddress);

    // The overview says what is missing: nothing is watched yet.
    expect(await page.locator('#verdict').innerText()).toContain('Nothing is watched, so nothing is announced.');
    expect(await page.locator('#verdict').innerText()).toContain('watch add MAILBOX');
    await press(page.locator('#verdict').getByRole('link', { name: 'Watches' }));

    // A mailbox is watched, after a question that names the command.
    await press(link('Watch a mailbox'));
    await type(field('Mailbox'), alice);
    await press(button('Go on'));
    expect(await page.locator('.question').innerText()).toBe(
      `What ${alice} sends: it is watched from now on. The first poll stores its transfers in silence.`,
    );
    expect(await page.locator('code.command').innerText()).toContain(`notifier -- watch add ${alice} --data`);
    await press(button('Watch a mailbox'));
    await expect.poll(() => outcome.innerText()).toContain('watched from now on');

    // It is not verified: a code that the server mails to it does that.
    await press(link('Verify the mailbox'));
    await press(link('Send a code'));
    await press(button('Send a code'));
    await expect.poll(() => outcome.innerText()).toContain(alice);
    await type(field('Code'), server.verifications.codeFor({ mailbox: alice, clientId })!);
    await press(button('Enter the code'));
    await expect.poll(() => page.locator('h1').innerText()).toMatch(/ verified$/);

    // A system is to get the events; its secret is shown once, and a test shows that it arrives.
    await press(section('Webhooks'));
    await expect.poll(() => page.locator('#list').innerText()).toContain('There is no webhook yet');
    await press(link('Add a webhook'));
    await type(field(/^Name/), 'crm');
    await type(field('Address'), receiver.urlOf('crm'));
    await press(button('Go on'));
    expect(await page.locator('.question').innerText()).toContain('crm gets events from now on');
    expect(new URL(page.url()).search).toBe('');
    await press(button('Change the input'));
    expect(await field('Address').inputValue()).toBe(receiver.urlOf('crm'));
    await press(button('Go on'));
    await press(button('Add a webhook'));
    await expect.poll(() => page.locator('.secret').innerText()).toMatch(/^whsec_/);
    await press(link('Send a test'));
    await press(button('Send a test'));
    await expect.poll(() => receiver.arrivals.map(({ body }) => body.type)).toContain('notifier.test');

    // The first poll tells nothing; then a transfer is sent.
    await press(section('Watches'));
    await press(link(alice));
    await press(link('Poll now'));
    await press(button('Poll now'));
    await expect.poll(() => outcome.innerText()).toMatch(/Listed for the first time|nothing has changed/);
    const { trackingId } = server.transfers.create(people);
    await press(section('Overview'));
    await expect.poll(() => page.locator('#events').innerText()).toContain(trackingId);
    await expect.poll(() => receiver.arrivals.map(({ body }) => body.data.trackingId)).toContain(trackingId);

    // The transfer's own page says who was told, and why.
    await press(page.locator('#events').getByRole('link', { name: trackingId }));
    await expect.poll(() => page.locator('#subscribers').innerText()).toContain('delivered');
    expect(await page.locator('#subscribers').innerText()).toContain('crm');
    expect(await page.locator('#timeline').innerText()).toContain('HTTP 204');
    await press(section('Overview'));
    await expect.poll(() => page.locator('#verdict').innerText()).not.toContain('Nothing is watched');
    expect(faults).toEqual([]);
  });
});
