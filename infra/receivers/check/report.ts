import { type Output, statusStyle } from '#infra/cli/terminal/output.ts';
import { mostColumns, wrapped } from '#infra/terminal/columns.ts';
import type { Finding } from './judgement.ts';

/** The page that explains each finding. */
const page = 'docs/receiving-webhooks.md';

const marks = { good: 'ok', broken: 'fail', 'not judged': '?' } as const;

const indent = '      ';

export function printFindings(output: Output, findings: readonly Finding[]): void {
  const nameWidth = Math.max(...findings.map(({ name }) => name.length));
  for (const [index, { name, verdict, says, paragraph }] of findings.entries()) {
    const mark = output.paint(statusStyle(marks[verdict]), marks[verdict].padEnd(4));
    if (verdict === 'good') {
      output.line(`${mark}  ${name}`);
      continue;
    }
    output.line(`${mark}  ${name.padEnd(nameWidth)}  ${verdict}`);
    // One cause of several findings is told once, below the last of them.
    if (verdict === 'not judged' && findings[index + 1]?.says === says) continue;
    for (const line of wrapped(says, mostColumns - indent.length)) output.line(indent + line);
    if (verdict === 'broken') output.line(`${indent}→ ${page}, ${paragraph}`);
  }
  output.line('');
}

export const countOf = (findings: readonly Finding[], wanted: Finding['verdict']): number =>
  findings.filter(({ verdict }) => verdict === wanted).length;

/** JUnit XML of the findings: broken duties are failures, and what was not judged is skipped. */
export function junitOf(findings: readonly Finding[]): string {
  const cases = findings.map(({ name, verdict, says, paragraph }) => {
    const begin = `  <testcase classname="webhook receiver" name="${escaped(name)}"`;
    if (verdict === 'good') return `${begin}/>`;
    const inner =
      verdict === 'broken'
        ? `<failure message="${escaped(says)}">${escaped(`${page}, ${paragraph}`)}</failure>`
        : `<skipped message="${escaped(says)}"/>`;
    return `${begin}>${inner}</testcase>`;
  });
  const counts = `tests="${findings.length}" failures="${countOf(findings, 'broken')}" errors="0" skipped="${countOf(findings, 'not judged')}"`;
  const suite = [`<testsuite name="webhook receiver" ${counts}>`, ...cases, '</testsuite>'];
  return ['<?xml version="1.0" encoding="UTF-8"?>', ...suite, ''].join('\n');
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const escaped = (text: string): string => text.replaceAll(/[&<>"]/g, (character) => entities[character]!);
