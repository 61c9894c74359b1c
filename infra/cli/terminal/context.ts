import type { TextStream } from './output.ts';
import type { Prompts } from './prompts.ts';

/** What a command finds around itself: the terminal, the environment, time. */
export interface CliContext {
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  readonly environment: NodeJS.ProcessEnv;
  /** Undefined where there is nobody to ask. */
  readonly prompts: Prompts | undefined;
  readonly now: () => Date;
  /** Waits for so many milliseconds, or until the signal is given. */
  readonly sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  /** A signal that is given once a person presses Ctrl-C, which from then on ends nothing else, or once its reader has gone. */
  readonly interrupted: () => AbortSignal;
}
