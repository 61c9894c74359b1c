import { cut, printable } from './foreign-text.ts';
import type { Message, MessageLine } from './message.ts';

const width = 100;

/** Longest subject that SNS takes, in characters of ASCII: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html */
const maxSubject = 99;

/** The subject for SNS, which is ASCII. @example '1 Übertragung ist abgelaufen' becomes '1 Uebertragung ist abgelaufen' */
export const snsSubject = ({ subject }: Message): string =>
  cut(
    printable(subject)
      .normalize('NFD')
      .replaceAll(/(?<=[aou])\u0308/gi, 'e')
      .replaceAll('ß', 'ss')
      .replaceAll(/\p{M}/gu, '')
      .replaceAll(/[^\x20-\x7e]/gu, '?'),
    maxSubject,
    '...',
  );

/** The text of a mail, in lines of at most 100 characters unless a single word is longer. */
export function textOf({ headline, sections, footer }: Message): string {
  const parts = sections.map(({ title, paragraphs, lines }) => [
    ...[title, ...paragraphs].flatMap((text) => wrapped(text)),
    ...rowsOf(lines),
  ]);
  const all = [wrapped(headline), ...parts, footer.flatMap((text) => wrapped(text))];
  return `${all.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

/** Lines in columns if they are narrow enough, otherwise each with its detail below. */
function rowsOf(lines: readonly MessageLine[]): string[] {
  const rows = lines.map(({ words, trackingId, detail }) => [words, trackingId, detail].map(printable));
  const widths = [0, 1, 2].map((column) => Math.max(0, ...rows.map((row) => row[column]!.length)));
  const aligned = rows.map((row) => {
    const cells = row.map((cell, column) => cell.padEnd(widths[column]!)).filter((cell) => cell !== '');
    return `  ${cells.join('  ')}`.trimEnd();
  });
  if (aligned.every(({ length }) => length <= width)) return aligned;
  return rows.flatMap(([words, id, detail]) => [
    ...wrapped(words!, '  '),
    ...wrapped([id, detail].filter(Boolean).join('  '), '      '),
  ]);
}

function wrapped(text: string, indent = ''): string[] {
  const lines: string[] = [];
  for (const word of printable(text).trim().split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else if (word !== '') lines.push(indent + word);
  }
  return lines.map((line) => line.trimEnd());
}
