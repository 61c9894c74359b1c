import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect, it } from 'vitest';
import { synthesise } from './synthesis.ts';

/** The CDK writes down every dependency, also those that follow from references. */
const ignored = ['W3005'];

/** Its start takes as long as half of its work. */
const isInstalled = (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, 'cfn-lint')));

it.skipIf(!isInstalled)('synthesises a template without findings of cfn-lint', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cfn-lint-'));
  const file = join(folder, 'template.json');
  writeFileSync(file, JSON.stringify(synthesise().toJSON()));
  const { status, stdout } = spawnSync('cfn-lint', ['--ignore-checks', ...ignored, '--', file], { encoding: 'utf8' });
  rmSync(folder, { recursive: true });
  expect(stdout).toBe('');
  expect(status).toBe(0);
});
