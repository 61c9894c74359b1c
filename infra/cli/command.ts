import { setTimeout as sleep } from 'node:timers/promises';
import { terminalPrompts } from '#infra/cli/terminal/prompts.ts';
import { guardOutput } from '#infra/terminal/command-output.ts';
import { onStopSignal } from '#infra/terminal/stop-signals.ts';
import { runCli } from './cli.ts';

/** Runs the command line in this process, and returns its exit code. */
export async function runCommand(args: readonly string[]): Promise<number> {
  const interruption = new AbortController();
  guardOutput(() => interruption.abort());
  return runCli(args, {
    stdout: process.stdout,
    stderr: process.stderr,
    environment: process.env,
    prompts: process.stdin.isTTY && process.stderr.isTTY ? terminalPrompts : undefined,
    now: () => new Date(),
    sleep: async (milliseconds, signal) => {
      await sleep(milliseconds, undefined, signal && { signal }).catch(() => undefined);
    },
    interrupted: () => {
      onStopSignal(() => interruption.abort());
      return interruption.signal;
    },
  });
}
