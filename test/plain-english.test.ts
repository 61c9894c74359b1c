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

test('titles of tests can be read alone: none begins with a preposition or a conjunction', () => {
  const begin =
    /^\s*(?:it|test)(?:\.\w+)?\(['`](?:that|with|without|by|at|of|for|in|from|not|no|when|where|after|before|under|beside|once|even|only|and|or|but|if|while|as|to|on)\b/;
  const found = globSync('test/**/*.test.ts', { exclude: ['**/node_modules'] }).flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line, index) => (begin.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
  );
  expect(found).toEqual([]);
});

test('comments begin with a noun or a verb', () => {
  const begin = /^\s*(?:\/\*\*|\/\/|\*) (?:What|Who|Whoever|Of|How|Whether|The same for)\b/;
  const found = globSync(['functions/**/*.ts', 'infra/**/*.ts']).flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line, index) => (begin.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
  );
  expect(found).toEqual([]);
});

const files = ['functions/**/*.ts', 'infra/**/*.ts', 'test/**/!(plain-english.test).ts', 'docs/**/*.md', '*.md'];

test.each(files)('%s says who does what', (pattern) => {
  const found = globSync(pattern, { exclude: ['**/node_modules'] }).flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line, index) => (words.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
  );
  expect(found).toEqual([]);
});
