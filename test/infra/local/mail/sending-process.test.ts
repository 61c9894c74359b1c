import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { childEnvironment } from '#test/support/child-process.ts';
import { certificate, closeAll, mailServer, replies, speaking } from './mail-servers.ts';

const folder = mkdtempSync(join(tmpdir(), 'mail-'));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(closeAll);

const pair = await certificate('localhost');

/** Answer to a mail that a process of its own sends; it rejects unless the process ends well. */
async function sent(url: string, environment: Record<string, string> = {}) {
  const program = ['test/infra/local/mail/sending-process.ts', url];
  const env = { ...childEnvironment, ...environment };
  const { stdout } = await promisify(execFile)(process.execPath, program, { env });
  return JSON.parse(stdout);
}

describe('a process that has sent a mail', () => {
  it('ends while the connection is kept', async () => {
    const commands: string[] = [];
    const QUIT = (line: string) => {
      commands.push(line);
      return '221 bye';
    };
    const { port, closed } = await speaking('220 mail ESMTP', replies({ QUIT }));
    expect(await sent(`smtp://127.0.0.1:${port}`)).toMatchObject({ status: 250 });
    await closed();
    // A connection that is kept too long ends by QUIT.
    expect(commands).toEqual([]);
  });

  it('trusts the authorities in NODE_EXTRA_CA_CERTS', async () => {
    const file = join(folder, 'ca.pem');
    writeFileSync(file, pair.cert);
    const { port } = await mailServer({ ...pair, secure: true });
    const url = `smtps://localhost:${port}`;
    expect(await sent(url, { NODE_EXTRA_CA_CERTS: file })).toMatchObject({ status: 250 });
    expect(await sent(url)).toMatchObject({ cause: 'untrusted_certificate' });
  });

  it('trusts no certificate more if NODE_TLS_REJECT_UNAUTHORIZED is 0', async () => {
    const { port } = await mailServer({ ...pair, secure: true });
    const environment = { NODE_TLS_REJECT_UNAUTHORIZED: '0' };
    expect(await sent(`smtps://localhost:${port}`, environment)).toMatchObject({ cause: 'untrusted_certificate' });
  });
});
