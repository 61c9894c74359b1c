import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BenchChild } from './bench-child.ts';
import { type Contestant, type ContestantCommand, type Published, patience } from './contestant.ts';

/** What the process of Postel is started with. */
export interface PostelStart {
  /** Checkout with its packages core, storage/helpers and storage/pg built. */
  readonly folder: string;
  /** Address of an empty database, for example `postgres://postgres@127.0.0.1:5432/postel`. */
  readonly database: string;
  /** Of the receiver. */
  readonly url: string;
}

/** Postel, a library that sends webhooks from PostgreSQL, as its own benchmark sets it up: four workers, 20 connections. */
export class Postel implements Contestant {
  readonly name = 'Postel, PostgreSQL';
  private readonly child: BenchChild<ContestantCommand>;
  /** Process id of PostgreSQL. */
  private readonly postgres: number;

  private constructor(child: BenchChild<ContestantCommand>, postgres: number) {
    this.child = child;
    this.postgres = postgres;
  }

  /** Starts it in a process of its own; PostgreSQL has to be running. */
  static async start(start: PostelStart): Promise<Postel> {
    const file = fileURLToPath(import.meta.resolve('./postel-process.ts'));
    const { child, ready } = await BenchChild.start<ContestantCommand, number>(file, start);
    return new Postel(child, parentOf(ready) ?? 0);
  }

  async publish(name: string, count: number, pace: number): Promise<Published> {
    return (await this.child.tell({ kind: 'publish', name, count, pace })) as Published;
  }

  async finished(count: number): Promise<number> {
    const at = (await this.child.tell({ kind: 'finished', count })) as number | null;
    if (at !== null) return at;
    throw new Error(`${this.name}: not all of ${count} deliveries were written down within ${patience / 1000} s`);
  }

  async cpu() {
    return { sender: (await this.child.tell({ kind: 'cpu' })) as number, store: cpuOfFamily(this.postgres) };
  }

  stop(): Promise<void> {
    return this.child.stop();
  }
}

/** What Linux tells of a process: the fields of `/proc/…/stat` behind the command's name. */
function statOf(pid: number | string): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

const parentOf = (pid: number): number | undefined => {
  const parent = statOf(pid)?.[1];
  return parent === undefined ? undefined : Number(parent);
};

/** Milliseconds of CPU of a process and its children, those that have ended included; undefined where `/proc` is missing. */
function cpuOfFamily(pid: number): number | undefined {
  if (pid === 0) return undefined;
  const own = statOf(pid);
  if (!own) return undefined;
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(statOf)
    .filter((stat) => stat?.[1] === String(pid));
  const ticks = [own, ...children].map(
    (stat) =>
      // utime and stime, and those of the children that have ended.
      Number(stat![11]) + Number(stat![12]) + (stat === own ? Number(stat[13]) + Number(stat[14]) : 0),
  );
  ticksPerSecond ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  return (ticks.reduce((sum, one) => sum + one, 0) * 1000) / ticksPerSecond;
}

let ticksPerSecond: number | undefined;
