import { beforeAll, describe, expect, it } from 'vitest';
import { faultsByAxe } from './axe.ts';
import { type ConsoleProcess, ConsoleWorld } from './console-world.ts';
import { type Crawled, crawl, posted, shapes } from './crawl.ts';
import { furnish } from './furnished-world.ts';
import type { Transferred } from './transferred.ts';
import { visitForAll } from './visitor.ts';

/** Bytes that a page may transfer, with all that it loads. */
const mostBytes = 60_000;

/** The page itself, its style, script, icon, and the stream of news. */
const mostRequests = 5;

/** Widths in CSS pixels from the narrowest screen to a wide one. */
const widths = [360, 768, 1600];

const world = await ConsoleWorld.start();
const english = visitForAll({ locale: 'en-GB' });
const german = visitForAll({ locale: 'de-DE' });
let shown: ConsoleProcess;
let crawled: Crawled;
beforeAll(async () => {
  await furnish(world);
  shown = await world.console();
  for (const visitor of [english, german]) await (await visitor).page.goto(shown.firstAddress);
  crawled = await crawl((await english).page.request, shown.url);
});

it('leads from the overview by links to every page that there is', () => {
  expect([...crawled.pages.keys()].toSorted()).toEqual(shapes.toSorted());
});

it('has no link that leads nowhere', () => {
  expect(crawled.broken).toEqual([]);
});

/** Pages about mistakes, each with its status. */
const mistakes: readonly (readonly [what: string, address: string, status: number])[] = [
  ['an address that is none', '/nowhere', 404],
  ['a transfer that is not known', '/transfer?id=20261127-000000-Unknown0', 404],
  ['a cursor of another list', '/transfers?mailbox=alice%40example.com&cursor=eyJhIjoxfQ', 400],
];

describe.each([
  ['English', 'en', english],
  ['German', 'de', german],
] as const)('%s pages of the console', (_, language, visitor) => {
  describe.each(shapes)('the page %s', (shape) => {
    let transferred: Transferred;
    beforeAll(async () => {
      transferred = await (await visitor).load(`${shown.url}${crawled.pages.get(shape)}`);
    });

    it(`transfers at most ${mostBytes / 1000} KB in ${mostRequests} requests, all of this address`, async () => {
      expect(transferred.bytes).toBeLessThanOrEqual(mostBytes);
      expect(transferred.requests).toBeLessThanOrEqual(mostRequests);
      expect((await visitor).faults).toEqual([]);
    });

    it('has no fault that axe finds, in light and in dark', async () => {
      const { page } = await visitor;
      expect(await page.locator('html').getAttribute('lang')).toBe(language);
      expect(await faultsByAxe(page)).toEqual([]);
    });

    it(`fits into every width from ${widths[0]} pixels on`, async () => {
      const { page } = await visitor;
      for (const width of widths) {
        await page.setViewportSize({ width, height: 800 });
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
      }
    });
  });

  it.each(posted)(
    'the question behind the form %s has no fault that axe finds, fits, and has no address',
    async (path) => {
      const { page } = await visitor;
      await page.goto(`${shown.url}${path}`);
      for (const field of await page.locator('input[required]').all())
        await field.fill(`https://hooks.example.com/${'s3cret'.repeat(30)}`);
      await page.locator('form.input button').click();
      expect(await page.locator('.question').innerText()).toContain('s3cret');
      expect(page.url()).toBe(`${shown.url}${path}`);
      expect(await faultsByAxe(page)).toEqual([]);
      await page.setViewportSize({ width: widths[0]!, height: 800 });
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(widths[0]!);
    },
  );

  it.each(mistakes)('the page about %s has no fault that axe finds, and fits', async (_what, address, status) => {
    const { page } = await visitor;
    const answer = await page.goto(`${shown.url}${address}`);
    expect(answer!.status()).toBe(status);
    expect(await page.locator('h1').count()).toBe(1);
    expect(await faultsByAxe(page)).toEqual([]);
    await page.setViewportSize({ width: widths[0]!, height: 800 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(widths[0]!);
  });
});
