import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { smallestMailbox } from '#test/bench/polls/polls.ts';
import type { Bench, Section } from './section.ts';

/** The options of a run. */
export interface Options extends Pick<Bench, 'sizes' | 'stored' | 'postel'> {
  /** Sections to measure. */
  readonly only: readonly Section[];
  readonly json: boolean;
  /** Page whose places are filled with the tables. */
  readonly fill?: string;
}

const largestMailbox = 1_000_000;

const leastStored = 10_000;
const mostStored = 10_000_000;

/** Reads the command line; prints help and mistakes itself, and then ends the process. */
export function parseOptions(args: readonly string[], sections: readonly Section[]): Options {
  const names = sections.map(({ name }) => name);
  const parseSections = (text: string): Section[] => {
    const chosen = text.split(',');
    if (chosen.every((name) => names.includes(name))) return sections.filter(({ name }) => chosen.includes(name));
    throw new InvalidArgumentError(`expected some of ${names.join(',')}`);
  };
  const command = new Command('npm run bench --')
    .description('Measures the cost of a poll beside other ways to write it, and the speed and safety of webhooks.')
    .option('--sizes <list>', 'transfers in the mailbox, with commas between', parseSizes, [100, 1000, 10_000, 100_000])
    .option('--only <list>', `some of ${names.join(', ')}`, parseSections, [...sections])
    .option('--stored <count>', 'events that are stored while pages of lists are read', parseStored, 1_000_000)
    .option('--postel <folder>', 'checkout of Postel, built, to send webhooks in turn with; needs --database')
    .option('--database <url>', 'address of an empty PostgreSQL database for it')
    .option('--json', 'print one JSON object instead of tables', false)
    .option('--fill <file>', 'write the tables into their places in this page as well, as in docs/benchmarks.md')
    .helpOption('-h, --help', 'show this help')
    .parse(args, { from: 'user' });
  const { postel: folder, database, ...options } = command.opts();
  if ((folder === undefined) !== (database === undefined)) {
    command.error("error: options '--postel <folder>' and '--database <url>' need each other");
  }
  return { ...(options as Omit<Options, 'postel'>), postel: folder && { folder: resolve(folder), database } };
}

function parseStored(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= leastStored && count <= mostStored) return count;
  throw new InvalidArgumentError(`expected a number from ${leastStored} to ${mostStored}, as 1000000`);
}

function parseSizes(text: string): number[] {
  const sizes = text.split(',').map(Number);
  if (!sizes.every((size) => Number.isInteger(size) && size >= smallestMailbox && size <= largestMailbox)) {
    throw new InvalidArgumentError(`expected numbers from ${smallestMailbox} to ${largestMailbox}, as in 100,1000`);
  }
  return [...new Set(sizes)].sort((a, b) => a - b);
}
