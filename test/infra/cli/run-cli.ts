import { PassThrough } from 'node:stream';
import { runCli } from '#infra/cli/cli.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';

/** Output and exit code of a command. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Context of a command, where it differs from the usual. */
export interface RunOptions {
  readonly environment?: NodeJS.ProcessEnv;
  /** Columns of the terminal; without them there is none. */
  readonly columns?: number;
  /** A person's answers in order: yes or no, a line, or a function that finds it. Without them there is no person. */
  readonly answers?: readonly (boolean | string | (() => string))[];
  readonly now?: () => Date;
  readonly sleep?: CliContext['sleep'];
  readonly interrupted?: AbortSignal;
  /** Called with each piece of standard output. */
  readonly onOutput?: (text: string) => void;
}

/** Runs one command in this process. */
export async function run(
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ran & { readonly questions: string[] }> {
  const { columns, answers, environment = {} } = options;
  const stdout = stream(columns, options.onOutput);
  const stderr = stream(columns);
  const questions: string[] = [];
  const left = [...(answers ?? [])];
  const answer = <T extends boolean | string>(question: string): T => {
    questions.push(question);
    if (left.length === 0) throw new Error(`unexpected question: ${question}`);
    const given = left.shift();
    return (typeof given === 'function' ? given() : given) as T;
  };
  const code = await runCli(args, {
    stdout: stdout.stream,
    stderr: stderr.stream,
    environment,
    prompts: answers && {
      confirm: async (question) => answer<boolean>(question),
      input: async (question) => answer<string>(question),
      secret: async (question) => answer<string>(question),
    },
    now: options.now ?? (() => new Date()),
    sleep: options.sleep ?? (async () => {}),
    interrupted: () => options.interrupted ?? new AbortController().signal,
  });
  return { code, stdout: stdout.text(), stderr: stderr.text(), questions };
}

function stream(columns: number | undefined, onOutput: (text: string) => void = () => {}) {
  const chunks: string[] = [];
  const pass = new PassThrough();
  pass.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
  pass.on('data', (chunk: Buffer) => onOutput(chunk.toString()));
  const terminal = columns === undefined ? {} : { isTTY: true, columns };
  return { stream: Object.assign(pass, terminal), text: () => chunks.join('') };
}
