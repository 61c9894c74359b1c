import type { Command } from 'commander';
import { wholeNumber } from '#infra/cli/terminal/arguments.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import { switchHelp } from '#infra/simulator/page/switch-text.ts';
import { runSimulator, type SimulatorOptions } from './run-simulator.ts';

/** Port unless another one is wanted: one that a configuration file can name. */
const usualPort = 8090;

const help = `
It prints its address, a configuration for the notifier, and commands to play with it. A page at its address shows its
transfers and lets you move them. It keeps nothing, and only this machine reaches it. Ctrl-C stops it.

A history has one happening a line, in numbers and states alone; event record makes one of your own events:
  {"at":"2026-01-05T08:00:00Z","transfer":1,"is":"sent","mailbox":1,"direction":"sent","recipients":2}
  {"at":"2026-01-05T08:01:00Z","transfer":1,"is":"state","state":"ACTIVE"}
  {"at":"2026-01-05T09:30:00Z","transfer":1,"is":"downloaded","recipient":2}

Switches with their defaults, for --set, the page, and PATCH /control/switches:
${switchHelp()}

Examples:
  npm run notifier -- simulator
  npm run notifier -- simulator --seed 7 --speed 1000
  npm run notifier -- simulator --seed 7 --set stateSpelling=prose --set order=shuffled
`;

const several = (text: string, before: readonly string[]): string[] => [...before, text];

/** Registers `simulator`, which runs the simulated Cryptshare Server alone. */
export function simulatorCommand(program: Command, context: CliContext): void {
  program
    .command('simulator')
    .description('run a simulated Cryptshare Server on this machine, with transfers that live by themselves if wanted')
    .option('--port <number>', 'port of 127.0.0.1; 0 for any free one', wholeNumber(0, 65_535), usualPort)
    .option(
      '--seed <number>',
      'transfers live by themselves; the same seed gives the same lives',
      wholeNumber(0, 2 ** 31),
    )
    .option(
      '--speed <number>',
      'seconds of these lives in one of yours (default: 1000, with --seed or --history)',
      wholeNumber(1, 10_000_000),
    )
    .option('--history <file>', 'replay this history instead of lives by a seed')
    .option('--set <name=value>', 'set a switch; may be repeated', several, [])
    .addHelpText('after', help)
    .action((options: SimulatorOptions) => runSimulator(context, options));
}
