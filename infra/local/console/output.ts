import { writeSync } from 'node:fs';
import { Socket } from 'node:net';

/** Bytes that wait for a slow reader at most; lines that come then are left out. */
const mostWaiting = 1024 * 1024;

/** What is to happen when lines cannot be written; `code` is the system's, such as `ENOSPC`. */
export interface OutputTroubles {
  /** The reader of the pipe, or the terminal, has gone for good. */
  gone(code: string): void;
  /** The first line of several was left out, because the file does not take it. */
  refused(code: string): void;
  /** Lines are taken again, after a number of them was left out. */
  resumed(leftOut: number): void;
}

/**
 * The lines of a process that has better things to do than to print: whatever takes them, or does not, never holds it up,
 * ends it by an error, or makes its memory grow.
 */
export class LineOutput {
  /** Where the lines go. */
  readonly stream: NodeJS.WriteStream & { readonly fd: number };
  private readonly problems: OutputTroubles;
  private leftOut = 0;
  private isGone = false;
  private isMidLine = false;
  private isRefused = false;

  constructor(stream: NodeJS.WriteStream & { readonly fd: number }, problems: OutputTroubles) {
    this.stream = stream;
    this.problems = problems;
    stream.on('error', ({ code = 'unknown' }: NodeJS.ErrnoException) => {
      if (this.isGone) return;
      this.isGone = true;
      problems.gone(code);
    });
    stream.on('drain', () => this.report());
    // Node has a terminal hold up the whole process while it shows nothing, as after Ctrl-S.
    if (stream.isTTY) (stream as { _handle?: { setBlocking?(on: boolean): void } })._handle?.setBlocking?.(false);
  }

  /** Prints lines, or leaves them out. */
  write(lines: string): void {
    if (this.stream instanceof Socket) this.send(lines);
    else this.append(lines);
  }

  /** Resolves when all lines have been taken, or never will be. */
  async flush(): Promise<void> {
    const { stream } = this;
    if (stream instanceof Socket && !this.isGone)
      await new Promise<void>((resolve) => stream.write('', () => resolve()));
  }

  /** Writes to a pipe or a terminal, which Node does in the background. */
  private send(lines: string): void {
    if (this.isGone) return;
    if (this.stream.writableLength > mostWaiting) this.leftOut += 1;
    else this.stream.write(lines);
  }

  /** Writes to a file, each time anew: Node's own stream would lose lines without telling how many. */
  private append(lines: string): void {
    const before = this.leftOut;
    this.report();
    if (this.leftOut > 0) {
      this.leftOut = before + 1;
      return;
    }
    // A line that was taken in part is ended first.
    const bytes = Buffer.from(this.isMidLine ? `\n${lines}` : lines);
    let written = 0;
    try {
      while (written < bytes.length) written += writeSync(this.stream.fd, bytes, written);
      this.isMidLine = false;
      this.isRefused = false;
    } catch (error) {
      this.isMidLine ||= written > 0;
      this.leftOut += 1;
      const isKnown = this.isRefused;
      this.isRefused = true;
      if (!isKnown) this.problems.refused((error as NodeJS.ErrnoException).code ?? 'unknown');
    }
  }

  private report(): void {
    const { leftOut } = this;
    this.leftOut = 0;
    if (leftOut > 0) this.problems.resumed(leftOut);
  }
}
