import { describe, expect, it } from 'vitest';
import { readCredentials } from '#infra/config/credentials.ts';
import { run } from '#test/infra/cli/run-cli.ts';

describe('client-id new', () => {
  it('makes a valid client id, another each time', async () => {
    const made = new Set<string>();
    for (let round = 0; round < 20; round += 1) {
      const { code, stdout, stderr } = await run(['client-id', 'new', '--json']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const { clientId } = JSON.parse(stdout) as { clientId: string };
      expect(readCredentials({ CRYPTSHARE_CLIENT_ID: clientId })).toEqual({ clientId });
      made.add(clientId);
    }
    expect(made.size).toBe(20);
  });

  it('prints the client id alone on stdout, and the next steps on stderr', async () => {
    const { stdout, stderr } = await run(['client-id', 'new']);
    expect(stdout).toMatch(/^[A-Za-z0-9]{64}\n$/);
    for (const step of ['CRYPTSHARE_CLIENT_ID', 'Add-on Products > REST API', 'watch verify MAILBOX']) {
      expect(stderr).toContain(step);
    }
  });
});
