import { readFileSync, statSync } from 'node:fs';
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
    // A pipe gets no address with a token, but the command that prints one.
    const { text } = await demo.line((line) => line.text!.includes(' -- console '));
    const args = text!.split(' -- ')[1]!.split(' ');
    const shown = new LocalRun([...args, '--no-open'], {}, { program: [process.execPath, 'infra/cli/main.ts'] });
    try {
      const printed = await shown.line((line) => line.text!.includes('?token='));
      const { page } = await visit({ viewport: { width: 1200, height: 900 } });
      await page.goto(/http:\S+/.exec(printed.text!)![0]);
      await expect.poll(() => page.locator('#events tbody tr').count(), { timeout: 100_000 }).toBe(20);
      await page.screenshot({ path: picture });
    } finally {
      await ended(shown);
    }
  } finally {
    await ended(demo);
  }
});

async function ended(run: LocalRun): Promise<void> {
  run.kill('SIGTERM');
  await run.exit();
}

it(`shows a picture below ${mostBytes / 1000} KB in the README`, () => {
  expect(readFileSync('README.md', 'utf8')).toContain(`](${picture})`);
  expect(statSync(picture).size).toBeLessThan(mostBytes);
});
