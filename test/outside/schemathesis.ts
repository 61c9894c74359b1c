import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { contents } from '#infra/local/data/data-folder.ts';
import { startCryptshareServer } from '#infra/simulator/server.ts';
import { LocalRun } from '#test/infra/local/local-run.ts';
import { pythonCommand } from './implementations.ts';
import type { Verdict } from './vitest-run.ts';

const clientId = 'exampleclientid'.repeat(4);

/** What an answer must keep to, by the names that schemathesis gives it. */
const checks = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'unsupported_method',
  'ignored_auth',
];

/** Requests for each operation and phase: a bound on the work, whatever the machine. */
const examples = 25;

/**
 * Has schemathesis ask the operator API of a local run whatever its own document allows and forbids.
 *
 * @throws NotHere where schemathesis cannot be had
 */
export async function trySchemathesis(seed: number): Promise<Verdict> {
  const command = pythonCommand('schemathesis');
  const folder = mkdtempSync(join(tmpdir(), 'schemathesis-'));
  const server = await startCryptshareServer();
  server.verifications.registerClientId(clientId);
  const file = join(folder, 'notifier.config.json');
  const watches = [{ mailbox: 'alice@example.com' }];
  writeFileSync(file, JSON.stringify({ server: { url: server.url }, schedule: { every: '1m' }, watches }));
  const data = join(folder, 'data');
  const run = new LocalRun(['--config', file, '--data', data, '--json'], { CRYPTSHARE_CLIENT_ID: clientId });
  try {
    await run.line(({ kind }) => kind === 'poll');
    const { url, token } = JSON.parse(readFileSync(join(data, contents.operator), 'utf8')) as {
      url: string;
      token: string;
    };
    const args = [
      'run',
      `${url}/openapi.json`,
      ...['--header', `Authorization: Bearer ${token}`, '--checks', checks.join(','), '--seed', String(seed)],
      ...['--max-examples', String(examples), '--continue-on-failure', '--no-color', '--warnings', 'off'],
    ];
    // This process keeps answering for the Cryptshare Server.
    const asked = await promisify(execFile)(command, args, {
      cwd: folder,
      timeout: 1_800_000,
      maxBuffer: 2 ** 28,
    }).then(
      ({ stdout }) => ({ isGood: true, stdout }),
      (error: { readonly stdout: string }) => ({ isGood: false, stdout: error.stdout }),
    );
    if (!asked.isGood) process.stdout.write(shortened(asked.stdout));
    const [, generated = '0'] = /(\d+) generated/.exec(asked.stdout) ?? [];
    const title = `schemathesis, seed ${seed}: ${generated} requests`;
    return { passed: asked.isGood ? 1 : 0, failed: asked.isGood ? [] : [title], leftOut: [] };
  } finally {
    run.kill('SIGKILL');
    await run.exit();
    await server.close();
    rmSync(folder, { recursive: true });
  }
}

/** Lines of at most 200 characters: what it generates may be very long. */
const shortened = (text: string): string =>
  `${text
    .split('\n')
    .map((line) => line.slice(0, 200))
    .join('\n')}\n`;
