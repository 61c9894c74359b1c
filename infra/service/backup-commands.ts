import type { Command } from 'commander';
import { type CommonOptions, outputOf, verb } from '#infra/cli/api/session.ts';
import { findTarget } from '#infra/cli/api/target.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import type { Output } from '#infra/cli/terminal/output.ts';
import { restoreBackup } from './restore-backup.ts';
import { type Backup, takeBackup } from './take-backup.ts';

const aboutBackup = `
The notifier goes on while it is copied: the backup is its state at one instant. The file holds the key of its own secrets, so
protect it as you protect passwords. The configuration file and the environment are not in it.

Examples:
  npm run notifier -- backup notifier.backup
  npm run notifier -- backup /var/backups/notifier.backup --data /var/lib/transfer-notifier
`;

const aboutRestore = `
The folder must be new or empty. Keep the notifier of the backup stopped from then on: two of them would announce everything
twice. Root gives a new folder to the owner of the folder around it, and makes none in a folder of root.

Examples:
  npm run notifier -- restore notifier.backup --data data
  npm run notifier -- restore /var/backups/notifier.backup --data /var/lib/transfer-notifier
`;

export function backupCommands(program: Command, context: CliContext): void {
  verb(program, 'backup <file>', 'copy all that a running notifier on this machine has stored into one file')
    .addHelpText('after', aboutBackup)
    .action(async (file: string, options: CommonOptions) => {
      const backup = await takeBackup(await findTarget(options, context.environment), file);
      print(outputOf(context, options), file, backup);
    });
  program
    .command('restore <file>')
    .description('fill a new data folder from a backup')
    .requiredOption('--data <folder>', 'data folder, new or empty')
    .option('--json', 'print JSON for scripts')
    .addHelpText('after', aboutRestore)
    .action(async (file: string, { data, ...options }: CommonOptions & { data: string }) => {
      print(outputOf(context, options), data, await restoreBackup(file, data));
    });
}

function print(output: Output, place: string, { head, rows, bytes }: Backup): void {
  const { takenAt, notifier } = head;
  output.result({ takenAt, version: notifier, rows, bytes }, () =>
    output.facts([
      ['written to', place],
      ['state of', takenAt],
      ['version', notifier],
      ['rows', String(rows)],
      ['size', `${(bytes / 1e6).toFixed(1)} MB`],
    ]),
  );
}
