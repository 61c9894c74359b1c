import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** Requirements of WCAG 2.2, levels A and AA, and what axe recommends besides. */
const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** What axe reports. */
interface Violation {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/** What axe finds wrong with a page, in the light theme, and the colours also in the dark one. */
export async function faultsByAxe(page: Page): Promise<string[]> {
  // The browser's own tools run it: the policy of the page lets no foreign script in.
  await page.evaluate(`${axe.source}; undefined`);
  const found: string[] = [];
  for (const [colorScheme, options] of [
    ['light', { runOnly: rules }],
    ['dark', { runOnly: { type: 'rule', values: ['color-contrast', 'link-in-text-block'] } }],
  ] as const) {
    await page.emulateMedia({ colorScheme });
    const violations = await page.evaluate<Violation[]>(
      `axe.run(document, ${JSON.stringify({ ...options, resultTypes: ['violations'] })}).then(({ violations }) => violations)`,
    );
    found.push(
      ...violations.flatMap((violation) => violation.nodes.map((node) => words(colorScheme, violation, node))),
    );
  }
  return found;
}

const words = (theme: string, { id, help }: Violation, { html, failureSummary }: Violation['nodes'][number]): string =>
  `${theme}: ${id} (${help}): ${html} ${failureSummary}`;
