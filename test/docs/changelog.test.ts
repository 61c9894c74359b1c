import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const headings = readFileSync('CHANGELOG.md', 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('## '));
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string };

test('begins the changelog with what is unreleased, then the version of package.json', () => {
  expect(headings.slice(0, 2)).toEqual(['## Unreleased', expect.stringMatching(`^## ${version} - `)]);
});

test('gives each version of the changelog a number and a day, the newest first', () => {
  const versions = headings.slice(1);
  for (const heading of versions) expect(heading).toMatch(/^## \d+\.\d+\.\d+ - \d{4}-\d{2}-\d{2}$/);
  const days = versions.map((heading) => heading.split(' - ')[1]);
  expect(days).toEqual(days.toSorted().toReversed());
});
