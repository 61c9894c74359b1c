import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { filled, placesOf } from './page.ts';

const page = readFileSync('docs/benchmarks.md', 'utf8');

test('the page of the benchmarks has a place for each table of a run but the bills', () => {
  expect(placesOf(page).sort()).toEqual(
    [
      'bundles',
      'burst',
      'comparing',
      'crash',
      'deliveries',
      'figures',
      'hour',
      'latency',
      'listing',
      'month',
      'neighbours',
      'polls',
      'run',
      'safety',
      'throughput',
      'units',
      'warm',
    ].sort(),
  );
});

test('a run fills the places of what it has measured, and leaves all else as it is', () => {
  const part = { id: 'burst', title: 'A burst', text: 'a table with $& and $1' };
  const text = '<!-- bench: burst -->\n\n```\nold\n```\n\nWords.\n\n<!-- bench: crash -->\n\n```\nold\n```\n';
  expect(filled(text, [part])).toBe(
    '<!-- bench: burst -->\n\n```\nA burst\n\na table with $& and $1\n```\n\nWords.\n\n<!-- bench: crash -->\n\n```\nold\n```\n',
  );
  expect(filled(filled(page, [part]), [part])).toBe(filled(page, [part]));
});
