import { stripVTControlCharacters } from 'node:util';
import { columnsOf } from '#infra/terminal/columns.ts';
import type { Output } from './console.ts';

/**
 * Keeps a few lines below all others on a terminal. It draws nothing in a pipe or a file, nor while bytes wait for the
 * terminal, as after Ctrl-S: they would take the room of other lines.
 */
export class PinnedLines {
  private readonly output: Output;
  private readonly isPossible: boolean;
  private pinned: readonly string[] = [];
  /** Those on the screen. */
  private drawn: readonly string[] = [];

  /** @param environment a terminal that `TERM` calls `dumb` knows no escape sequences */
  constructor(output: Output, environment: NodeJS.ProcessEnv) {
    this.output = output;
    this.isPossible = output.stream.isTTY === true && environment.TERM !== 'dumb';
  }

  /** Writes whole lines above the pinned ones. */
  write(lines: string): void {
    const before = this.erasure();
    this.drawn = this.mayDraw ? this.pinned : [];
    this.output.write(`${before}${lines}${this.drawn.join('\n')}`);
  }

  /** Replaces the pinned lines; each must be narrower than the terminal. */
  pin(lines: readonly string[]): void {
    this.pinned = lines;
    if (this.mayDraw && lines.join('\n') !== this.drawn.join('\n')) this.write('');
  }

  /** Removes them for good. */
  remove(): void {
    this.pinned = [];
    if (this.drawn.length > 0) this.write('');
  }

  private get mayDraw(): boolean {
    return this.isPossible && !this.output.stream.writableLength;
  }

  /** Clears what is drawn, from its beginning. A terminal that was made narrower has wrapped it. */
  private erasure(): string {
    if (this.drawn.length === 0) return '';
    const columns = this.output.stream.columns || Number.POSITIVE_INFINITY;
    const rowsOf = (line: string) => Math.max(1, Math.ceil(columnsOf(stripVTControlCharacters(line)) / columns));
    const up = this.drawn.reduce((sum, line) => sum + rowsOf(line), -1);
    return `\r${up > 0 ? `\u001b[${up}A` : ''}\u001b[J`;
  }
}
