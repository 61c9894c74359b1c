import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { refused } from '#infra/cli/terminal/cli-error.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import { usualConfigFile } from '#infra/config/usual-names.ts';
import { environmentFile, type ServicePlaces, unitOf } from './unit.ts';

const usualUser = 'transfer-notifier';
const usualData = '/var/lib/transfer-notifier';

const help = `
Prints a unit for systemd; docs/operations.md says how to install it. The user needs an account of the system. It reads the
project and the configuration file, and writes to the data folder alone. The service takes its secrets from the file
${environmentFile}.

Examples:
  npm run --silent notifier -- service print
  npm run --silent notifier -- service print --config /etc/notifier.config.json --user notifier
`;

export function serviceCommands(program: Command, context: CliContext): void {
  const noun = program.command('service').description('run as a service of this machine').helpCommand(false);
  noun
    .command('print')
    .description('print a hardened unit for systemd')
    .option('--user <name>', 'user that the service runs as', userName, usualUser)
    .option('--config <file>', 'configuration file of the service', usualConfigFile)
    .option('--data <folder>', 'data folder of the service', usualData)
    .addHelpText('after', help)
    .action(({ user, config, data }: { user: string; config: string; data: string }) => {
      const project = resolve(import.meta.dirname, '../..');
      const places = { node: process.execPath, project, config: resolve(config), data: resolve(data), user };
      requireVisible(places);
      if (!existsSync(places.config)) context.stderr.write(`there is no file ${places.config} yet\n`);
      context.stdout.write(unitOf(places));
    });
}

/** Accepts the names that useradd accepts. */
function userName(name: string): string {
  if (/^[a-z_][a-z0-9_-]{0,31}$/.test(name)) return name;
  throw new InvalidArgumentError('Expected a user of this machine: lower-case letters, digits and hyphens.');
}

/** @throws CliError for a path that the service would not see, or that a unit cannot hold */
function requireVisible({ node, project, config, data }: ServicePlaces): void {
  if (/["'\\]/.test(node)) throw refused(`systemd starts no program whose path has quotes: ${node}`);
  for (const path of [data, config, node, project]) {
    if (/\p{Cc}/u.test(path)) throw refused(`a unit cannot hold the path ${JSON.stringify(path)}`);
    if (/^(?:\/var)?\/tmp(?:\/|$)/.test(path)) {
      throw refused(`${path} is a temporary place, which a service does not share: move it, for instance below /opt`);
    }
  }
}
