import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { startCryptshareServer } from '#infra/simulator/server.ts';
import { childEnvironment } from '#test/support/child-process.ts';

/** The commands of a file that ask the simulated server, without what the file puts before a line. */
const commandsIn = (file: string): string[] =>
  [...readFileSync(file, 'utf8').matchAll(/^(?: \* )?(curl \$server\/.*)$/gm)].map(([, command = '']) => command);

test.each([
  ['README.md', 3],
  ['infra/simulator/control.ts', 10],
])('every curl command of %s is taken by the simulated server as it is printed', async (file, count) => {
  const server = await startCryptshareServer();
  const [sent] = server.transfers.seed({
    sender: 'alice@example.com',
    to: ['bob@example.org'],
    count: 1,
    state: 'PROCESSING',
  });
  const values = { 'TRACKING-ID': sent!.trackingId, 'CLIENT-ID': 'exampleclientid'.repeat(4) };
  try {
    const commands = commandsIn(file);
    expect(commands.length).toBeGreaterThanOrEqual(count);
    for (const command of commands) {
      const filled = Object.entries(values).reduce((text, [name, value]) => text.replace(name, value), command);
      const asked = filled.replace('curl ', 'curl --silent --show-error --fail-with-body ');
      const env = { ...childEnvironment, server: server.url };
      await expect(promisify(execFile)('sh', ['-c', asked], { env }), command).resolves.toMatchObject({ stderr: '' });
    }
  } finally {
    await server.close();
  }
});
