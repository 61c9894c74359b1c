import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeployedFunction } from './deployed-stack.ts';
import { type Spread, spreadOf } from './spread.ts';

/** What a function brings to Lambda, and how long it takes to load it. */
export interface BundleCost {
  readonly name: string;
  /** KB (10^3 bytes) of the minified file. */
  readonly size: number;
  readonly load: LoadTime;
}

/** Milliseconds to load a file in a fresh process, with everything that loading it runs. */
export interface LoadTime {
  readonly wall: Spread;
  /** User and system time of all threads: far from the wall time, the machine was busy with something else. */
  readonly cpu: Spread;
}

/** The bundles beside a file with nothing in it. */
export interface BundleCosts {
  /** Processes measured of each. */
  readonly rounds: number;
  readonly bundles: readonly BundleCost[];
  /** An empty file, measured in turn with the others. */
  readonly empty: LoadTime;
}

const rounds = 15;

/**
 * Prints how many milliseconds it takes to load the file that is named, by the clock and of CPU. Node's own `http` is there
 * already: Lambda's runtime client, which loads the functions, has loaded it to ask for invocations.
 */
const loading = `require('node:http');
const cpuBefore = process.cpuUsage();
const wallBefore = performance.now();
require(process.argv[1]);
const wall = performance.now() - wallBefore;
const { user, system } = process.cpuUsage(cpuBefore);
process.stdout.write(JSON.stringify({ wall, cpu: (user + system) / 1000 }));
process.exit();`;

interface Loading {
  readonly wall: number;
  readonly cpu: number;
}

/**
 * Loads each bundle in processes of their own, one after the other in turns, with the environment that it is deployed
 * with.
 */
export function measureBundles(functions: readonly DeployedFunction[]): BundleCosts {
  const folder = mkdtempSync(join(tmpdir(), 'notifier-bench-empty-'));
  const emptyFile = join(folder, 'index.js');
  writeFileSync(emptyFile, '');
  const times = new Map<string, Loading[]>();
  const load = (name: string, file: string, environment: Readonly<Record<string, string>>) => {
    times.set(name, [...(times.get(name) ?? []), timeToLoad(file, environment)]);
  };
  try {
    for (let round = 0; round < rounds; round += 1) {
      load('', emptyFile, {});
      for (const one of functions) load(one.name, bundleOf(one), one.environment);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return {
    rounds,
    bundles: functions.map((one) => ({
      name: one.name,
      size: statSync(bundleOf(one)).size / 1000,
      load: loadTimeOf(times.get(one.name)!),
    })),
    empty: loadTimeOf(times.get('')!),
  };
}

const bundleOf = ({ folder }: DeployedFunction): string => join(folder, 'index.js');

const loadTimeOf = (times: readonly Loading[]): LoadTime => ({
  wall: spreadOf(times.map(({ wall }) => wall)),
  cpu: spreadOf(times.map(({ cpu }) => cpu)),
});

function timeToLoad(file: string, environment: Readonly<Record<string, string>>): Loading {
  const text = execFileSync(process.execPath, ['--eval', loading, file], {
    env: { ...environment, AWS_REGION: 'us-east-1' },
    encoding: 'utf8',
  });
  return JSON.parse(text) as Loading;
}
