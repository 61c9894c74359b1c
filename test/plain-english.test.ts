import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** Words that hide an actor, a consequence or the field's own term. */
const hidden = [
  'from which on',
  'so many',
  'whoever',
  'somebody',
  'nobody',
  'as for all',
  'lest',
  'what becomes of',
  'what became of',
  'asked for',
  'stands in',
  'looked after',
  'looks after',
  'under way',
  'meanwhile',
];

const words = new RegExp(`\\b(?:${hidden.join('|')})\\b`, 'i');

test('comments begin with a noun or a verb', () => {
  const begin = /^\s*(?:\/\*\*|\/\/|\*) (?:What|Who|Whoever|Of|How|Whether|The same for)\b/;
  const found = globSync(['functions/**/*.ts', 'infra/**/*.ts']).flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line, index) => (begin.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
  );
  expect(found).toEqual([]);
});

test.each(['functions/**/*.ts', 'infra/**/*.ts', 'docs/**/*.md', '*.md'])('%s says who does what', (pattern) => {
  const found = globSync(pattern).flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line, index) => (words.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
  );
  expect(found).toEqual([]);
});
