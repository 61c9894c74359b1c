import { setTimeout as sleep } from 'node:timers/promises';
import { runCli } from './cli.ts';
import { terminalPrompts } from './prompts.ts';

// Whoever reads the output has gone, for instance `head`.
process.stdout.on('error', () => process.exit(0));

process.exitCode = await runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
  prompts: process.stdin.isTTY && process.stderr.isTTY ? terminalPrompts : undefined,
  now: () => new Date(),
  sleep: async (milliseconds, signal) => {
    await sleep(milliseconds, undefined, signal && { signal }).catch(() => undefined);
  },
  interrupted: () => {
    const controller = new AbortController();
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort());
    return controller.signal;
  },
});
