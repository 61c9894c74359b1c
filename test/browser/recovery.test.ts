import { beforeAll, expect, it } from 'vitest';
import { people } from '#test/infra/local/local-world.ts';
import { type ConsoleProcess, ConsoleWorld } from './console-world.ts';
import { visit } from './visitor.ts';

const world = await ConsoleWorld.start();
let shown: ConsoleProcess;
beforeAll(async () => {
  const webhook = { name: 'crm', url: world.receiver.urlOf('crm'), retryDelays: ['1h'] };
  const notifier = await world.run({ config: { webhooks: [webhook] } });
  await notifier.line(({ outcome }) => outcome === 'baseline');
  shown = await world.console();
});

it('finds a failing webhook, understands it, mends it, and sends what was missed, without a command', async () => {
  const { server, receiver } = world;
  const { page, faults } = await visit();
  const follow = (name: string | RegExp) => page.locator('main').getByRole('link', { name }).first().click();
  const press = (name: string) => page.getByRole('button', { name }).click();
  const text = (selector: string) => page.locator(selector).first().innerText();
  const rows = (status: string) => page.locator('#deliveries tbody tr').filter({ hasText: status }).count();
  const taken = () =>
    receiver.arrivals.filter(({ status }) => status === 204).map(({ body }) => String(body.data.trackingId));
  await page.goto(shown.firstAddress);

  // The overview names the webhook while it is open, and leads to why it fails.
  receiver.answer('crm', 503, 'the database is read-only');
  const first = server.transfers.create(people).trackingId;
  await expect.poll(() => text('#verdict')).toContain('crm: ');
  await page.locator('#verdict').getByRole('link', { name: 'crm' }).click();
  await expect.poll(() => text('.problem')).toContain('HTTP 503');
  expect(await text('.problem')).toContain('the database is read-only');
  expect(await text('.problem')).toContain('The receiver answered so: its log says why.');
  expect(await text('#deliveries')).toContain('waiting');

  // It is disabled for the time of the repair; what happens in this time is held.
  await follow('Disable');
  await page.getByLabel('Why, for other operators').fill('repair of the database');
  await press('Go on');
  expect(await text('code.command')).toContain("endpoint disable crm --because 'repair of the database'");
  await press('Disable');
  await expect.poll(() => text('.outcome')).toContain('crm is disabled: its events are held.');
  expect(await text('.problem')).toContain('repair of the database');
  const second = server.transfers.create(people).trackingId;
  await expect.poll(() => rows('held')).toBe(1);

  // It works again: it is enabled, and what was held is sent after a question that counts it.
  receiver.answer('crm', 204);
  await follow('Enable');
  await press('Enable');
  await expect.poll(() => text('.outcome')).toContain('Recover sends what was held.');
  await follow('Recover');
  expect(await text('main strong')).toBe('1 event is held.');
  await press('Recover');
  await expect.poll(() => rows('delivered')).toBe(1);
  expect(taken()).toEqual([second]);

  // The first one would wait for its retry for an hour: it is sent now.
  await page.locator('#deliveries tbody tr').filter({ hasText: 'waiting' }).getByRole('link').click();
  await follow('Cancel');
  await press('Cancel');
  await follow('Send again');
  await press('Send again');
  await expect.poll(() => text('#attempts')).toContain('HTTP 204');
  expect(taken()).toEqual([second, first]);

  // All is sent once more, after a question that says how much that is.
  await follow('crm');
  await follow('Replay');
  await page.getByLabel('Events since').fill('1h');
  await press('Go on');
  expect(await text('.question')).toMatch(/^2 events from .* are sent to crm again, under the same ids/);
  await press('Replay');
  await expect.poll(() => text('.outcome')).toContain('2 events are on their way again.');
  await expect.poll(() => taken().length).toBe(4);

  // A transfer's own page tells the whole story.
  await page.getByRole('link', { name: 'Overview' }).click();
  await expect.poll(() => text('h1')).toBe('The notifier works');
  await page.locator('#events').getByRole('link', { name: first }).click();
  await expect.poll(() => text('#subscribers')).toContain('delivered');
  expect(await text('#timeline')).toContain('HTTP 503');
  expect(await text('#timeline')).toContain('HTTP 204');
  expect(faults).toEqual([]);
});

it('shows a new secret once, which the receiver knows from then on', async () => {
  const { receiver } = world;
  const address = `${shown.url}/endpoint?name=crm`;
  const { page, faults } = await visit();
  await page.goto(shown.firstAddress);
  await page.goto(address);
  await page.getByRole('link', { name: 'Rotate the secret' }).click();
  await page.getByRole('button', { name: 'Rotate the secret' }).click();
  await expect.poll(() => page.locator('h1').innerText()).toContain('crm');
  const secret = await page.locator('code.secret').innerText();
  expect(secret).toMatch(/^whsec_/);
  expect(page.url()).not.toContain(secret);

  // Sent again by a reload, the form does nothing, and the secret stays what it is.
  page.once('dialog', (dialog) => dialog.accept());
  await page.reload();
  expect(await page.locator('h1').innerText()).toBe('This form was sent before');
  expect(await page.content()).not.toContain(secret);
  await page.goBack();
  expect(await page.content()).not.toContain(secret);

  receiver.trust('crm', secret);
  receiver.answer('crm', 204);
  await page.goto(address);
  expect(await page.content()).not.toContain(secret);
  await page.getByRole('link', { name: 'Send a test' }).click();
  await page.getByRole('button', { name: 'Send a test' }).click();
  await expect.poll(() => page.locator('#attempts').innerText()).toContain('HTTP 204');
  const { isVerified, body } = receiver.arrivals.at(-1)!;
  expect({ isVerified, type: body.type }).toEqual({ isVerified: true, type: 'notifier.test' });
  expect(faults.filter((fault) => !fault.includes('409'))).toEqual([]);
});
