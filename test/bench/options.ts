import { Command, InvalidArgumentError } from 'commander';
import { smallestMailbox } from './scenarios.ts';

/** What the command line asks for. */
export interface Options {
  /** Numbers of transfers, ascending. */
  readonly sizes: readonly number[];
  readonly json: boolean;
}

const largestMailbox = 1_000_000;

/** Reads the command line; prints help and mistakes itself, and then ends the process. */
export function parseOptions(args: readonly string[]): Options {
  return new Command('npm run bench --')
    .description(
      'Measures what a poll costs, beside two ways in which one would otherwise write it, and how fast webhooks are.',
    )
    .option('--sizes <list>', 'transfers in the mailbox, with commas between', parseSizes, [100, 1000, 10_000, 100_000])
    .option('--json', 'print one JSON object instead of tables', false)
    .helpOption('-h, --help', 'show this help')
    .parse(args, { from: 'user' })
    .opts<Options>();
}

function parseSizes(text: string): number[] {
  const sizes = text.split(',').map(Number);
  if (!sizes.every((size) => Number.isInteger(size) && size >= smallestMailbox && size <= largestMailbox)) {
    throw new InvalidArgumentError(`expected numbers from ${smallestMailbox} to ${largestMailbox}, as in 100,1000`);
  }
  return [...new Set(sizes)].sort((a, b) => a - b);
}
