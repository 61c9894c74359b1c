import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const promised = [...readFileSync('docs/design.md', 'utf8').matchAll(/^- \*\*(P\d+)\. /gm)].map(([, name]) => name!);

/** The promises that titles name: `(P3)`, or `(P3, P12)`. */
const named = globSync('test/**/*.test.ts').flatMap((file) =>
  [...readFileSync(file, 'utf8').matchAll(/\((P\d+(?:, P\d+)*)\)/g)].flatMap(([, names = '']) =>
    names.split(', ').map((name) => ({ file, name })),
  ),
);

test('numbers the promises of docs/design.md without gaps', () => {
  expect(promised).toEqual(promised.map((_, index) => `P${index + 1}`));
});

test('finds a test for each promise', () => {
  expect(promised.filter((promise) => !named.some(({ name }) => name === promise))).toEqual([]);
});

test('finds a promise for each test that names one', () => {
  expect(named.filter(({ name }) => !promised.includes(name))).toEqual([]);
});
