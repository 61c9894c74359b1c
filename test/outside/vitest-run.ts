import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { differences } from './differences.ts';
import { cache } from './tool.ts';

/** How tests have gone. */
export interface Verdict {
  readonly passed: number;
  /** Full titles, or what kept a file from running. */
  readonly failed: readonly string[];
  /** Why tests were left out, or are known to fail. */
  readonly leftOut: readonly string[];
}

/** What Vitest writes down. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/**
 * Runs test files of the project; Vitest tells on this process's output how it goes.
 *
 * @param implementation whose known differences are no failures
 */
export async function vitestRun(
  filters: readonly string[],
  implementation: string,
  environment: Readonly<Record<string, string>>,
): Promise<Verdict> {
  mkdirSync(cache, { recursive: true });
  const file = `${cache}/report.json`;
  rmSync(file, { force: true });
  const reporting = ['--reporter=dot', '--reporter=json', `--outputFile.json=${file}`];
  const args = [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--config',
    'vitest.outside.config.ts',
    ...reporting,
    ...filters,
  ];
  const child = spawn(process.execPath, args, {
    env: { ...process.env, NO_COLOR: '1', ...environment },
    stdio: 'inherit',
  });
  await once(child, 'close');
  const { testResults } = JSON.parse(readFileSync(file, 'utf8')) as Report;
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const known = differences.filter((difference) => difference.of === implementation);
  const failing = tests.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName.trim());
  const broken = testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  );
  return {
    passed: tests.filter(({ status }) => status === 'passed').length,
    failed: [
      ...failing.filter((title) => !known.some(({ test }) => title.startsWith(test))),
      ...broken.map(({ name, message }) => `${name}: ${message.split('\n')[0]}`),
    ],
    leftOut: known
      .filter(({ test }) => failing.some((title) => title.startsWith(test)))
      .map(({ test, reason }) => `${test}: ${reason}`),
  };
}
