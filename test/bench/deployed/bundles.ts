import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { count, type Section, tableOf, time } from '#test/bench/section.ts';
import { spreadOf } from '#test/bench/spread.ts';
import { number, spread } from '#test/bench/table.ts';
import { type DeployedFunction, withBundles } from './deployed-stack.ts';

/** Processes measured of each bundle. */
const rounds = 15;

/**
 * Prints the milliseconds that it takes to load the file that is named, by the clock and of CPU. Node's own `http` is there
 * already: Lambda's runtime client, which loads the functions, has loaded it to ask for invocations.
 */
const loading = `require('node:http');
const cpuBefore = process.cpuUsage();
const wallBefore = performance.now();
require(process.argv[1]);
const wallMs = performance.now() - wallBefore;
const { user, system } = process.cpuUsage(cpuBefore);
process.stdout.write(JSON.stringify({ wallMs, cpuMs: (user + system) / 1000 }));
process.exit();`;

/** Loads each bundle in fresh processes, taking turns, with the environment that it is deployed with. */
export const bundles: Section = {
  name: 'bundles',
  what: 'loading bundles',
  measure() {
    const costs = withBundles(measureBundles);
    return {
      measured: costs,
      tables: [
        tableOf(
          'bundles',
          'Bundles, as they would be deployed: median (least to greatest)',
          ['function', 'KB', 'processes', 'load ms', 'CPU ms'],
          costs.map(({ name, kilobytes, wallMs, cpuMs }) => [
            name,
            number.format(kilobytes),
            String(rounds),
            spread(wallMs),
            spread(cpuMs),
          ]),
        ),
      ],
      figures: costs
        .slice(0, -1)
        .flatMap(({ name, kilobytes, wallMs }) => [
          count(`bundle of ${name}`, 400, 'KB', kilobytes),
          time(`loading ${name}`, 100, 'ms', wallMs),
        ]),
    };
  },
};

/** Measures the bundles, and last an empty file in turn with them. */
function measureBundles(functions: readonly DeployedFunction[]) {
  const folder = mkdtempSync(join(tmpdir(), 'notifier-bench-empty-'));
  const file = join(folder, 'index.js');
  writeFileSync(file, '');
  const measured = [...functions, { name: 'an empty file', file, environment: {} }].map((one) => ({
    ...one,
    times: [] as ReturnType<typeof timeToLoad>[],
  }));
  for (let round = 0; round < rounds; round += 1) for (const one of measured) one.times.push(timeToLoad(one));
  const costs = measured.map((one) => ({
    name: one.name,
    /** KB of 10^3 bytes. */
    kilobytes: statSync(one.file).size / 1000,
    wallMs: spreadOf(one.times.map(({ wallMs }) => wallMs)),
    /** User and system time of all threads: where it is far from the wall time, the machine had other work. */
    cpuMs: spreadOf(one.times.map(({ cpuMs }) => cpuMs)),
  }));
  rmSync(folder, { recursive: true });
  return costs;
}

function timeToLoad({ file, environment }: DeployedFunction): { readonly wallMs: number; readonly cpuMs: number } {
  const env = { ...environment, AWS_REGION: 'us-east-1' };
  return JSON.parse(execFileSync(process.execPath, ['--eval', loading, file], { env, encoding: 'utf8' }));
}
