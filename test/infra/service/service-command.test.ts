import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { unitOf } from '#infra/service/unit.ts';
import { run } from '#test/infra/cli/run-cli.ts';

/** True where no service can run this checkout: it has a temporary folder of its own. */
const isTemporary = /^(?:\/var)?\/tmp\//.test(resolve('.'));

describe('service print', () => {
  it.skipIf(isTemporary)(
    'prints the unit alone, so that it can be written to a file, and tells of a missing configuration',
    async () => {
      const { code, stdout, stderr } = await run(['service', 'print', '--config', '/etc/none.json']);
      const places = { node: process.execPath, project: resolve('.'), config: '/etc/none.json' };
      expect(stdout).toBe(unitOf({ ...places, data: '/var/lib/transfer-notifier', user: 'transfer-notifier' }));
      expect({ code, stderr }).toEqual({ code: 0, stderr: 'there is no file /etc/none.json yet\n' });
    },
  );

  it.skipIf(isTemporary)('takes user, configuration and data folder, relative to the folder here', async () => {
    const options = ['--user', 'ops', '--config', 'package.json', '--data', 'state'];
    const { stdout, stderr } = await run(['service', 'print', ...options]);
    expect(stderr).toBe('');
    expect(stdout).toContain('\nUser=ops\n');
    expect(stdout).toContain(` --config ${resolve('package.json')} --data ${resolve('state')} --json\n`);
  });

  it.each([
    [['--user', 'Ops'], 2, 'Expected a user of this machine'],
    [['--user', 'root\nExecStartPre=/bin/sh'], 2, 'Expected a user of this machine'],
    [['--data', '/srv/a\nUser=root'], 1, 'a unit cannot hold the path "/srv/a\\nUser=root"'],
    [['--config', '/tmp/notifier.config.json'], 1, '/tmp/notifier.config.json is a temporary place'],
    [['--data', '/var/tmp'], 1, '/var/tmp is a temporary place'],
  ])('refuses %j and prints no unit', async (options, code, message) => {
    const ran = await run(['service', 'print', ...options]);
    expect(ran).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(message) });
  });
});
