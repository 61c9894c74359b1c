import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** A process of the benchmark's own that carries out one command after the other, so that its CPU and heap are its alone. */
export class BenchChild<Command extends { readonly kind: string }> {
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.child = child;
  }

  /**
   * Starts the process and waits until it says that it is ready.
   *
   * @param argument what it is started with, as JSON
   * @returns the process, and what it has said
   * @throws Error when it ends before that
   */
  static async start<Command extends { readonly kind: string }, Ready>(
    file: string,
    argument: object = {},
  ): Promise<{ readonly child: BenchChild<Command>; readonly ready: Ready }> {
    const process = fork(file, [JSON.stringify(argument)], { execArgv: [] });
    const child = new BenchChild<Command>(process);
    return { child, ready: (await child.answer()) as Ready };
  }

  /** Has it carry out a command; returns its answer. */
  async tell(command: Command): Promise<unknown> {
    const answer = this.answer();
    this.child.send(command);
    return answer;
  }

  /** Ends the process. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }

  /** The next message of the process. */
  private async answer(): Promise<unknown> {
    const over = new AbortController();
    const { signal } = over;
    try {
      return await Promise.race([
        once(this.child, 'message', { signal }).then(([message]) => message),
        once(this.child, 'exit', { signal }).then(([code, by]) => {
          throw new Error(`a process of the benchmark ended with ${by ?? `exit code ${code}`}`);
        }),
      ]);
    } finally {
      over.abort();
    }
  }
}

/**
 * The other side: answers commands of the parent in their order, and ends with it, however that ends.
 *
 * @param ready what is said first
 * @param obey carries out a command
 */
export function serveParent<Command extends { readonly kind: string }>(
  ready: unknown,
  obey: (command: Command) => unknown,
): void {
  process.once('disconnect', () => process.exit());
  process.on('message', async (command: Command) => process.send!((await obey(command)) ?? null));
  process.send!(ready);
}

/** Milliseconds of CPU, user and system, that this process has used so far. */
export function cpuSoFar(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Unix time in milliseconds with fractions, alike in all processes of this machine. */
export const instant = (): number => performance.timeOrigin + performance.now();
