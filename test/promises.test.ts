import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const promised = [...readFileSync('docs/design.md', 'utf8').matchAll(/^- \*\*(P\d+)\. /gm)].map(([, name]) => name!);

const files = globSync('test/**/*.test.ts');

/** The promises that titles name at their end: `(P3)`, or `(P3, P12)`. */
const named = files.flatMap((file) =>
  [...readFileSync(file, 'utf8').matchAll(/\((P\d+(?:, P\d+)*)\)['`]/g)].flatMap(([, names = '']) =>
    names.split(', ').map((name) => ({ file, name })),
  ),
);

test('numbers the promises of docs/design.md without gaps', () => {
  expect(promised).toEqual(promised.map((_, index) => `P${index + 1}`));
});

test('finds a test for each promise', () => {
  expect(promised.filter((promise) => !named.some(({ name }) => name === promise))).toEqual([]);
});

test('finds no test that is never run', () => {
  const left = files.filter((file) => /\b(?:it|test|describe)\.(?:skip|todo|only)\b/.test(readFileSync(file, 'utf8')));
  expect(left).toEqual([]);
});

test('finds a promise for each test that names one', () => {
  expect(named.filter(({ name }) => !promised.includes(name))).toEqual([]);
});
