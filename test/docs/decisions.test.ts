import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, test } from 'vitest';

const records = globSync('docs/decisions/[0-9]*.md')
  .sort()
  .map((path) => {
    const text = readFileSync(path, 'utf8');
    return {
      file: basename(path),
      text,
      title: /^# (\d{4}): (.+)$/m.exec(text)?.[2],
      number: /^# (\d{4}): /.exec(text)?.[1],
      status: /^- Status: (accepted|superseded by \[\d{4}\]\(.+\))$/m.exec(text)?.[1],
    };
  });
const withoutLinks = (text = ''): string => text.replace(/\[([^\]]+)\]\([^)]+\)/g, '$1');

test('numbers the decisions without gaps', () => {
  const expected = records.map((_, index) => String(index + 1).padStart(4, '0'));
  expect(records.map(({ number }) => number)).toEqual(expected);
  expect(records.map(({ file }) => file.slice(0, 4))).toEqual(expected);
});

test.each(records)('gives $file a status, a date, context, decision and consequences', ({ status, text }) => {
  expect(status).toBeDefined();
  expect(text).toMatch(/^- Date: \d{4}-\d{2}-\d{2}(?:, revised \d{4}-\d{2}-\d{2})?$/m);
  expect(text).toMatch(/\n## Context\n\n[^#]+\n## Decision\n\n[^#]+\n## Consequences\n\n[^#]/);
});

test('names in each superseded decision one that exists', () => {
  const names = records.flatMap(({ status }) => /\((.+)\)/.exec(status ?? '')?.[1] ?? []);
  const files = records.map(({ file }) => file);
  expect(names.filter((name) => !files.includes(name))).toEqual([]);
});

test('lists every decision with its status in docs/design.md', () => {
  const list = readFileSync('docs/design.md', 'utf8')
    .split('\n')
    .filter((line) => line.includes('](decisions/0'));
  expect(list).toEqual(
    records.map(
      ({ file, number, title, status }) => `| [${number}](decisions/${file}) | ${title} | ${withoutLinks(status)} |`,
    ),
  );
});

test('lists every decision under one subject in docs/decisions/README.md', () => {
  const list = readFileSync('docs/decisions/README.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('- ['));
  expect(list.sort()).toEqual(records.map(({ file, number, title }) => `- [${number}](${file}): ${title}`));
});
