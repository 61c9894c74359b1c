import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { childEnvironment } from '#test/support/child-process.ts';
import { AwsServices } from './aws-services.ts';
import { config, values } from './filling.ts';

let folder: string;
let aws: AwsServices;
let environment: Record<string, string | undefined>;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fill-secret-'));
  writeFileSync(join(folder, 'notifier.config.json'), JSON.stringify(config));
  aws = new AwsServices();
  environment = { ...childEnvironment, ...(await aws.start()) };
  return async () => {
    await aws.stop();
    rmSync(folder, { recursive: true });
  };
});

describe.skipIf(spawnSync('script', ['--version']).status !== 0)('secret fill at a terminal', () => {
  /** Runs the command at a terminal and types each answer as soon as its question is there. */
  async function converse(typed: readonly (readonly [field: string, answer: string])[]) {
    const names = ['--secret', AwsServices.secretName, '--declare', AwsServices.functionName];
    const file = ['--config', join(folder, 'notifier.config.json')];
    const command = [process.execPath, 'infra/cli/main.ts', 'secret', 'fill', ...names, ...file].join(' ');
    const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
      env: environment,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const left = [...typed];
    let shown = '';
    for await (const chunk of child.stdout) {
      shown += chunk;
      const [field = '', answer = ''] = left[0] ?? [];
      if (left.length === 0 || !shown.includes(`${field},`)) continue;
      left.shift();
      child.stdin.write(answer);
    }
    child.stdin.end();
    return { shown, code: await new Promise((resolve) => child.on('close', resolve)) };
  }

  it('shows nothing that is typed', async () => {
    const { shown, code } = await converse([
      ['CRYPTSHARE_CLIENT_ID', `${values.CRYPTSHARE_CLIENT_ID}\r`],
      ['CRM_SECRET', '\r'],
      ['OPS_URL', `${values.OPS_URL}\r`],
    ]);
    const { CRM_SECRET, ...typed } = aws.fields;
    const { CRM_SECRET: _, ...expected } = values;
    expect(typed).toMatchObject(expected);
    // A narrow terminal breaks the line.
    expect(shown).toMatch(/\[\s*input is masked\]/);
    expect(shown).not.toMatch(/aaaa|services/);
    expect(shown.split(CRM_SECRET!)).toHaveLength(2);
    expect(code).toBe(0);
  });

  it('leaves the secret as it is at Ctrl-C', async () => {
    const { shown, code } = await converse([['CRYPTSHARE_CLIENT_ID', '\x03']]);
    expect(shown).toContain('stopped, nothing was written');
    expect(code).toBe(1);
    expect(aws.operations).toEqual(['GetSecretValue']);
  });
});
