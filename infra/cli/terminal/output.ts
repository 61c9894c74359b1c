import { styleText } from 'node:util';
import Table from 'cli-table3';
import { printableJson, printableLines } from '#infra/terminal/printable.ts';

export type TextStream = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

export type Style = Parameters<typeof styleText>[0];

export interface Column<T> {
  readonly heading: string;
  readonly text: (row: T) => string | undefined;
  readonly style?: (row: T) => Style | undefined;
}

/** Names and values, one a line; undefined values are left out. */
export type Facts = readonly (readonly [name: string, value: string | number | undefined])[];

const noLines = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '', 'bottom-left': '' },
  ...{ 'bottom-right': '', left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ' },
};

/** Output of a command: results on one stream as text or JSON, remarks on another. */
export class Output {
  readonly isJson: boolean;
  private readonly results: TextStream;
  private readonly remarks: TextStream;

  constructor(results: TextStream, remarks: TextStream, isJson: boolean) {
    this.results = results;
    this.remarks = remarks;
    this.isJson = isJson;
  }

  /** Prints a result: as JSON for scripts, otherwise as `write` does it. */
  result(value: unknown, write: () => void): void {
    if (this.isJson) this.results.write(`${printableJson(value, 2)}\n`);
    else write();
  }

  /** Prints a result: as JSON for scripts, otherwise this line. */
  done(value: unknown, text: string): void {
    this.result(value, () => this.line(text));
  }

  /** Prints one JSON object a line for scripts, otherwise the text. */
  item(value: unknown, text: () => string): void {
    this.results.write(`${this.isJson ? printableJson(value) : text()}\n`);
  }

  line(text: string): void {
    this.results.write(`${text}\n`);
  }

  /** Prints rows under headings; on a narrower terminal, each row as a block of lines. */
  table<T>(columns: readonly Column<T>[], rows: readonly T[]): void {
    const cells = rows.map((row) => columns.map(({ text }) => printableLines(text(row) ?? '')));
    const widths = columns.map(({ heading }, index) =>
      Math.max(heading.length, ...cells.map((row) => row[index]!.length)),
    );
    const width = widths.reduce((sum, one) => sum + one + 2, -2);
    if (width > (this.results.columns ?? Number.POSITIVE_INFINITY)) {
      for (const row of rows) {
        this.facts(columns.map(({ heading, text }) => [heading.toLowerCase(), text(row)]));
        this.line('');
      }
      return;
    }
    const table = new Table({ chars: noLines, style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] } });
    table.push(columns.map(({ heading }) => this.paint('bold', heading)));
    for (const [index, row] of rows.entries()) {
      table.push(columns.map(({ style }, column) => this.paint(style?.(row), cells[index]![column]!)));
    }
    for (const line of table.toString().split('\n')) this.line(line.trimEnd());
  }

  facts(facts: Facts): void {
    const known = facts.filter(([, value]) => value !== undefined && value !== '');
    const width = Math.max(0, ...known.map(([name]) => name.length));
    for (const [name, value] of known)
      this.line(`${this.paint('bold', name.padEnd(width))}  ${printableLines(`${value}`)}`);
  }

  warning(text: string): void {
    this.remarks.write(`${printableLines(text)}\n`);
  }

  /** Shows progress in place on a terminal; an empty text clears it. */
  progress(text: string): void {
    if (this.remarks.isTTY) this.remarks.write(`\r\u001b[2K${text}`);
  }

  /** Shows progress in place on a terminal, otherwise in lines of their own. */
  step(text: string): void {
    if (this.remarks.isTTY) this.progress(text);
    else if (!this.isJson) this.warning(text);
  }

  paint(style: Style | undefined, text: string): string {
    return style === undefined ? text : styleText(style, text, { stream: this.results });
  }
}

/** `2026-11-24 12:00:07`, in UTC. */
export const timeText = (iso: string | undefined): string | undefined =>
  iso === undefined ? undefined : iso.slice(0, 19).replace('T', ' ');

export function statusStyle(status: string): Style | undefined {
  if (/^(active|delivered|ok)$/i.test(status)) return 'green';
  if (/^(failing|failed|disabled|fail)$/i.test(status)) return 'red';
  return /^(retrying|paused|held|warn)$/i.test(status) ? 'yellow' : undefined;
}
