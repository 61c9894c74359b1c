import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { TransferEvent } from '#functions/events/transfer-event.ts';
import { childEnvironment } from '#test/support/child-process.ts';

/** A line that the local run prints with `--json`; without it, all lines have the kind `text`. */
export interface Line {
  readonly kind: string;
  readonly text?: string;
  /** Of notices. */
  readonly reader?: string;
  readonly outcome?: string;
  readonly problem?: { readonly cause: string; readonly message: string };
  readonly event?: TransferEvent;
  /** Of receipts and deliveries. */
  readonly endpoint?: string;
  readonly id?: string;
  readonly status?: number | string;
  readonly type?: string;
}

/** How a local run is started, if not as usual. */
export interface LocalRunOptions {
  /** @default - what `npm start` runs */
  readonly program?: readonly string[];
  /** @default - a pipe to here */
  readonly stdout?: number | 'pipe';
  /** It leads a process group of its own, as what is started in a terminal does. */
  readonly hasGroup?: boolean;
  /** @default - that of the tests */
  readonly cwd?: string;
  /** Bytes that a file may have at most: more is refused as by a disk that is full. */
  readonly diskSpace?: number;
}

/** `npm start` as a process of its own. */
export class LocalRun {
  /** What it has printed so far. */
  readonly lines: Line[] = [];
  stdout = '';
  stderr = '';
  private readonly child: ChildProcess;
  private readonly ended: Promise<unknown[]>;
  private readonly waiting: { matches: (line: Line) => boolean; resolve: () => void }[] = [];

  constructor(
    args: readonly string[],
    environment: Record<string, string> = {},
    {
      program = [process.execPath, 'infra/local/main.ts'],
      stdout = 'pipe',
      hasGroup = false,
      cwd,
      diskSpace,
    }: LocalRunOptions = {},
  ) {
    const limit = diskSpace === undefined ? [] : ['sh', '-c', `ulimit -f ${diskSpace / 512}; exec "$0" "$@"`];
    const [command = '', ...before] = [...limit, ...program];
    this.child = spawn(command, [...before, ...args], {
      ...(cwd !== undefined && { cwd }),
      stdio: ['ignore', stdout, 'pipe'],
      env: { ...childEnvironment, ...environment },
      detached: hasGroup,
    });
    this.ended = once(this.child, 'close');
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    if (this.child.stdout)
      createInterface({ input: this.child.stdout }).on('line', (text) => {
        this.stdout += `${text}\n`;
        const line: Line = args.includes('--json') ? JSON.parse(text) : { kind: 'text', text };
        this.lines.push(line);
        for (const waiter of this.waiting) if (waiter.matches(line)) waiter.resolve();
      });
  }

  /** Resolves with the first line that matches, printed already or still to come; rejects when the run ends before. */
  async line(matches: (line: Line) => boolean): Promise<Line> {
    if (!this.lines.some(matches)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.waiting.push({ matches, resolve });
      await Promise.race([promise, this.ended]);
    }
    const found = this.lines.find(matches);
    if (!found) throw new Error(`the run ended without the line; it printed\n${this.stdout}${this.stderr}`);
    return found;
  }

  get pid(): number {
    return this.child.pid!;
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Sends a signal to all processes of its group that are still there, as a terminal does. */
  killGroup(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.child.pid!, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  /** Reads its output no further. */
  leave(): void {
    this.child.stdout!.destroy();
  }

  /** Resolves with the exit code, or null when a signal ended it. */
  async exit(): Promise<number | null> {
    const [code] = await this.ended;
    return code as number | null;
  }
}
