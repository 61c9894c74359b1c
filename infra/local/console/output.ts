import { writeSync } from 'node:fs';
import { Socket } from 'node:net';

/** Bytes that wait for a slow reader at most; further lines are left out. */
const mostWaiting = 1024 * 1024;

/** Callbacks for lines that cannot be written; `code` is the system's, such as `ENOSPC`. */
interface OutputProblems {
  /** The reader of the pipe, or the terminal, has gone for good. */
  gone(code: string): void;
  /** The file has refused a line, the first of several. */
  refused(code: string): void;
  resumed(leftOut: number): void;
}

/** Writes lines safely: a slow, full or closed output never blocks the process, ends it, or makes its memory grow. */
export class LineOutput {
  readonly stream: NodeJS.WriteStream & { readonly fd: number };
  private readonly problems: OutputProblems;
  private leftOut = 0;
  private isGone = false;
  private isMidLine = false;
  private isRefused = false;

  constructor(stream: NodeJS.WriteStream & { readonly fd: number }, problems: OutputProblems) {
    this.stream = stream;
    this.problems = problems;
    stream.on('error', ({ code = 'unknown' }: NodeJS.ErrnoException) => {
      if (this.isGone) return;
      this.isGone = true;
      problems.gone(code);
    });
    stream.on('drain', () => this.report());
    // By default a paused terminal, as after Ctrl-S, blocks the whole process.
    if (stream.isTTY) (stream as { _handle?: { setBlocking?(on: boolean): void } })._handle?.setBlocking?.(false);
  }

  write(lines: string): void {
    if (this.stream instanceof Socket) this.send(lines);
    else this.append(lines);
  }

  /** Resolves when all lines are written, or never can be. */
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

  /** Writes to a file directly; Node's own stream would lose an unknown number of lines. */
  private append(lines: string): void {
    const before = this.leftOut;
    this.report();
    if (this.leftOut > 0) {
      this.leftOut = before + 1;
      return;
    }
    // Ends a partly written line first.
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
