import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { smallestMailbox } from './scenarios.ts';
import type { PostelPlace } from './throughput.ts';

/** What can be measured by itself, in the order in which it is. */
export const sections = [
  'comparing',
  'listing',
  'hour',
  'warm',
  'burst',
  'throughput',
  'neighbours',
  'crash',
  'bundles',
  'units',
  'bills',
  'polls',
] as const;

export type Section = (typeof sections)[number];

/** What the command line asks for. */
export interface Options {
  /** Numbers of transfers, ascending. */
  readonly sizes: readonly number[];
  readonly only: readonly Section[];
  /** What webhooks are compared with. */
  readonly postel: PostelPlace | undefined;
  readonly json: boolean;
  /** Page whose places are filled with the tables. */
  readonly fill?: string;
}

const largestMailbox = 1_000_000;

/** Reads the command line; prints help and mistakes itself, and then ends the process. */
export function parseOptions(args: readonly string[]): Options {
  const command = new Command('npm run bench --')
    .description(
      'Measures what a poll costs, beside other ways in which one would write it, and how fast and safe webhooks are.',
    )
    .option('--sizes <list>', 'transfers in the mailbox, with commas between', parseSizes, [100, 1000, 10_000, 100_000])
    .option('--only <list>', `some of ${sections.join(', ')}`, parseSections, [...sections])
    .option('--postel <folder>', 'checkout of Postel, built, to send webhooks in turn with; needs --database')
    .option('--database <url>', 'address of an empty PostgreSQL database for it')
    .option('--json', 'print one JSON object instead of tables', false)
    .option('--fill <file>', 'write the tables into their places in this page as well, as in docs/benchmarks.md')
    .helpOption('-h, --help', 'show this help')
    .parse(args, { from: 'user' });
  const {
    postel: folder,
    database,
    ...options
  } = command.opts<Omit<Options, 'postel'> & { readonly postel?: string; readonly database?: string }>();
  if ((folder === undefined) !== (database === undefined)) {
    command.error("error: options '--postel <folder>' and '--database <url>' need each other");
  }
  const isGiven = folder !== undefined && database !== undefined;
  return { ...options, postel: isGiven ? { folder: resolve(folder), database } : undefined };
}

function parseSizes(text: string): number[] {
  const sizes = text.split(',').map(Number);
  if (!sizes.every((size) => Number.isInteger(size) && size >= smallestMailbox && size <= largestMailbox)) {
    throw new InvalidArgumentError(`expected numbers from ${smallestMailbox} to ${largestMailbox}, as in 100,1000`);
  }
  return [...new Set(sizes)].sort((a, b) => a - b);
}

function parseSections(text: string): Section[] {
  const names = new Set(text.split(','));
  const chosen = sections.filter((section) => names.delete(section));
  if (names.size === 0) return chosen;
  throw new InvalidArgumentError(`expected some of ${sections.join(',')}`);
}
