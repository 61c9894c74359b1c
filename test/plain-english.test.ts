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

/** They may go on in the next line of a comment. */
const spaced = hidden.map((text) => text.replaceAll(' ', '\\s+(?:\\*\\s+|//\\s+)?'));
const words = new RegExp(`.*\\b(?:${spaced.join('|')})\\b.*`, 'gi');

const foundBy = (pattern: RegExp, ...globs: readonly string[]) =>
  globSync(globs, { exclude: ['**/node_modules'] }).flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(pattern)].map(([text]) => `${file}: ${text.trim()}`),
  );

test('titles of tests can be read alone: none begins with a preposition or a conjunction', () => {
  const begin =
    /(?:\b(?:it|test)(?:\.\w+)?|[\])>])\(\s*['`](?:that|with|without|by|at|of|for|in|from|not|no|when|where|after|before|under|beside|once|even|only|and|or|but|if|while|as|to|on)\b.*/g;
  expect(foundBy(begin, 'test/**/*.test.ts')).toEqual([]);
});

test('comments begin with a noun or a verb', () => {
  const begin = /^\s*(?:\/\*\*|\/\/|\*) (?:What|Who|Whoever|Of|How|Whether|The same for)\b.*/gm;
  expect(foundBy(begin, 'functions/**/*.ts', 'infra/**/*.ts')).toEqual([]);
});

test.each(['functions/**/*.ts', 'infra/**/*.ts', 'test/**/!(plain-english.test).ts', 'docs/**/*.md', '*.md'])(
  '%s says who does what',
  (pattern) => expect(foundBy(words, pattern)).toEqual([]),
);
