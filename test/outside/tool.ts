import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Why something could not be tried on this machine. */
export class NotHere extends Error {
  override readonly name = 'NotHere';
}

/** Where everything that these tests install and write is kept. */
export const cache = 'node_modules/.cache/outside';

/** Milliseconds that an installation, or the start of a server, may take. */
const patience = 600_000;

/**
 * Runs a command to its end.
 *
 * @param options.isNeeded why the machine may lack it, as the text of a {@link NotHere}
 * @throws NotHere when it is missing or fails
 */
export function run(command: string, args: readonly string[], isNeeded: string, cwd = '.'): string {
  const { status, error, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: patience });
  if (status === 0) return stdout;
  const reason = error?.message || stderr.trim().split('\n').at(-1) || `exit code ${status}`;
  throw new NotHere(`${isNeeded} (${command}: ${reason})`);
}

/** A server that a test has started. */
export interface Started {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Starts a server and waits until it has printed its port.
 *
 * @param pattern finds the port in a line, as its first group
 * @throws NotHere when it ends before
 */
export async function start(
  command: string,
  args: readonly string[],
  pattern: RegExp,
  environment: Readonly<Record<string, string>> = {},
  cwd = '.',
): Promise<Started> {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 6 * patience,
  });
  const ended = once(child, 'close').then(([code, signal]) => new Error(`it ended with ${code ?? signal}`));
  const port = await Promise.race([portOf(child, pattern), ended]).catch((error: Error) => error);
  if (port instanceof Error) throw new NotHere(`${command} does not start: ${port.message}`);
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      const closed = once(child, 'close');
      child.kill('SIGTERM');
      await closed;
    },
  };
}

function portOf(child: ChildProcess, pattern: RegExp): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  for (const output of [child.stdout!, child.stderr!]) {
    createInterface({ input: output }).on('line', (line) => {
      const port = pattern.exec(line)?.[1];
      if (port !== undefined) resolve(port);
    });
  }
  return promise;
}
