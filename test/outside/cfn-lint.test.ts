import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { synthesise } from '#test/infra/stack/synthesis.ts';

/** Command of cfn-lint, as `npm run test:outside` has found it. */
const command = process.env.OUTSIDE_CFN_LINT ?? 'cfn-lint';

/** The CDK writes down every dependency, also those that follow from references. */
const ignored = ['W3005'];

it('synthesises a template without findings of cfn-lint', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cfn-lint-'));
  const file = join(folder, 'template.json');
  writeFileSync(file, JSON.stringify(synthesise().toJSON()));
  const { status, stdout } = spawnSync(command, ['--ignore-checks', ...ignored, '--', file], { encoding: 'utf8' });
  rmSync(folder, { recursive: true });
  expect(stdout).toBe('');
  expect(status).toBe(0);
});
