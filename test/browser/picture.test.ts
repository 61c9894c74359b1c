import { statSync } from 'node:fs';
import { expect, it } from 'vitest';
import { LocalRun } from '#test/infra/local/local-run.ts';
import { visit } from './visitor.ts';

/** Picture of the README. */
const picture = 'docs/console-overview.png';

/** Bytes of it: README shows it on its first page. */
const mostBytes = 120_000;

it.runIf(process.env.PICTURE)(`takes the picture of the README, of the demo: ${picture}`, async () => {
  const demo = new LocalRun([]);
  try {
    const { text } = await demo.line((line) => line.text!.includes('?token='));
    const { page } = await visit({ viewport: { width: 1200, height: 900 } });
    await page.goto(/http:\S+/.exec(text!)![0]);
    await expect.poll(() => page.locator('#events tbody tr').count(), { timeout: 100_000 }).toBe(20);
    await page.screenshot({ path: picture });
  } finally {
    demo.kill('SIGTERM');
    await demo.exit();
  }
});

it(`shows a picture below ${mostBytes / 1000} KB in the README`, () => {
  expect(statSync(picture).size).toBeLessThan(mostBytes);
});
