import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The methods of a process of the benchmark; arguments and results travel as JSON. */
// biome-ignore lint/suspicious/noExplicitAny: each process has methods with arguments of its own.
type Methods = Readonly<Record<string, (...args: any[]) => unknown>>;

/** Calls a method of another process, one after the other. */
export type Call<M extends Methods> = <Name extends keyof M>(
  method: Name,
  ...args: Parameters<M[Name]>
) => Promise<Awaited<ReturnType<M[Name]>>>;

/** An answer of a process; without an error, the method has succeeded. */
interface Answer {
  readonly result?: unknown;
  readonly error?: string;
}

/**
 * Starts a process of the benchmark, to measure its CPU and heap alone, and waits until it serves its methods.
 *
 * @param url of the file that it runs
 * @param argument for the process, as JSON
 * @throws Error when it ends before that
 */
export async function startProcess<M extends Methods>(url: string, argument: object = {}) {
  const child = fork(fileURLToPath(url), [JSON.stringify(argument)], { execArgv: [] });
  const nextAnswer = async (): Promise<Answer> => {
    const over = new AbortController();
    const { signal } = over;
    try {
      return await Promise.race([
        once(child, 'message', { signal }).then(([message]) => message),
        once(child, 'exit', { signal }).then(([code, by]) => {
          throw new Error(`a process of the benchmark ended with ${by ?? `exit code ${code}`}`);
        }),
      ]);
    } finally {
      over.abort();
    }
  };
  await nextAnswer();
  const call = async (method: string, ...args: unknown[]) => {
    const answer = nextAnswer();
    child.send({ method, args });
    const { result, error } = await answer;
    if (error !== undefined) throw new Error(error);
    return result;
  };
  return {
    call: call as Call<M>,
    /** Ends the process. */
    async stop(): Promise<void> {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** The other side: tells the parent that it is ready, carries out its calls, and ends when the parent ends. */
export function serveParent(methods: Methods): void {
  process.once('disconnect', () => process.exit());
  process.on('message', async ({ method, args }: { readonly method: string; readonly args: readonly unknown[] }) => {
    try {
      process.send!({ result: await methods[method]!(...args) } satisfies Answer);
    } catch (error) {
      process.send!({ error: (error as Error).message } satisfies Answer);
    }
  });
  process.send!({} satisfies Answer);
}

/** The argument that the parent has started this process with. */
export const startArgument = <T>(): T => JSON.parse(process.argv[2]!);
