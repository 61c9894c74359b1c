import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startCryptshareServer } from '#infra/simulator/server.ts';
import { childEnvironment } from '#test/support/child-process.ts';

/** Lists the commands for the simulated server in a file, without the marks of its comments. */
const commandsIn = (file: string): string[] =>
  [...readFileSync(file, 'utf8').matchAll(/^(?: \* )?(curl \$server\/.*)$/gm)].map(([, command = '']) => command);

describe.each([
  ['README.md', 3],
  ['infra/simulator/control.ts', 18],
])('%s', (file, count) => {
  it('shows curl commands that the simulated server accepts as printed', async () => {
    const server = await startCryptshareServer();
    onTestFinished(() => server.close());
    const addressees = { sender: 'alice@example.com', to: ['bob@example.org'] };
    const [sent] = server.transfers.seed({ ...addressees, count: 1, state: 'PROCESSING' });
    const commands = commandsIn(file);
    expect(commands.length).toBeGreaterThanOrEqual(count);
    for (const command of commands) {
      const filled = command
        .replace('TRACKING-ID', sent!.trackingId)
        .replace('CLIENT-ID', 'exampleclientid'.repeat(4))
        .replace('curl ', 'curl --silent --show-error --fail-with-body ');
      const env = { ...childEnvironment, server: server.url };
      await expect(promisify(execFile)('sh', ['-c', filled], { env }), command).resolves.toMatchObject({ stderr: '' });
    }
  });
});
