import type { TextStream } from './output.ts';
import type { Prompts } from './prompts.ts';

/** Terminal, environment and clock of a command. */
export interface CliContext {
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  readonly environment: NodeJS.ProcessEnv;
  /** Undefined without a terminal. */
  readonly prompts: Prompts | undefined;
  readonly now: () => Date;
  /** Waits until the time is over or the signal aborts. */
  readonly sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  /** Signal that aborts when the output is closed or at Ctrl-C, which from then on ends nothing else. */
  readonly interrupted: () => AbortSignal;
}
