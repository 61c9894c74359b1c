import { readFileSync } from 'node:fs';

/** A test that a row names. */
export interface NamedTest {
  /** Path from the root of the project. */
  readonly file: string;
  /** Text in the file, perhaps a template of `each`. */
  readonly title: string;
}

/** A row of `docs/conformance.md`. */
export interface ConformanceRow {
  /** Heading of its table. */
  readonly source: string;
  readonly rule: string;
  readonly expected: string;
  /** `kept`, or `differs: ` or `does not apply: ` with the reason. */
  readonly verdict: string;
  /** Cell that names the tests. */
  readonly cell: string;
  readonly tests: readonly NamedTest[];
}

export const conformance = readFileSync('docs/conformance.md', 'utf8');

/** Tables by their heading, with the cells of their rows. */
export function tablesOf(markdown: string): Map<string, string[][]> {
  const tables = new Map<string, string[][]>();
  let heading = '';
  for (const line of markdown.split('\n')) {
    heading = /^## (.+)$/.exec(line)?.[1] ?? heading;
    const cells = /^\| (.+) \|$/.exec(line)?.[1]?.split(' | ');
    if (cells) tables.set(heading, [...(tables.get(heading) ?? []), cells]);
  }
  for (const [name, rows] of tables) tables.set(name, rows.slice(1));
  return tables;
}

export const rows: readonly ConformanceRow[] = [...tablesOf(conformance)]
  .filter(([source]) => source !== '')
  .flatMap(([source, table]) =>
    table.map(([rule = '', expected = '', verdict = '', cell = '']) => {
      return { source, rule, expected, verdict, cell, tests: testsIn(cell) };
    }),
  );

function testsIn(cell: string): NamedTest[] {
  return cell.split('<br>').flatMap((text) => {
    const [, file, title] = /^\[[^\]]+\]\(\.\.\/(test\/[^)]+)\): (.+)$/.exec(text) ?? [];
    return file && title ? [{ file, title }] : [];
  });
}

/**
 * Tells whether a test file has a test of a title: the first argument of `it`, `test`, or what their `each` returns, also
 * in the line after or as the constant `title`.
 */
export function hasTest(source: string, title: string): boolean {
  const escaped = title.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const constant = new RegExp(`const title =\\s+(['\`])${escaped}\\1;\\s+(?:it|test)\\(title,`);
  if (constant.test(source)) return true;
  const call = new RegExp(`(?:\\b(?:it|test)(?:\\.\\w+)*|[)\\]])\\(\\s*(['\`])${escaped}\\1\\s*,`, 'g');
  return [...source.matchAll(call)].some(({ 0: text, index }) => {
    if (!/^[)\]]/.test(text)) return true;
    // The result of a call: the nearest `each` or the like before it is one of a test, not of a `describe`.
    const owner = [...source.slice(0, index).matchAll(/\b(it|test|describe)\.\w+[<(]/g)].at(-1)?.[1];
    return owner !== undefined && owner !== 'describe';
  });
}
