import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { wrongCommandLine } from '#infra/cli/terminal/cli-error.ts';
import { usualConfigFile, usualDataFolder } from '#infra/config/usual-names.ts';
import { namedStack } from './configured-stack.ts';
import type { TargetOptions } from './target.ts';

/** Finds a local run by the address in the usual data folder. @throws CliError if a configured stack may be meant */
export function chosenTarget<Options extends TargetOptions>(options: Options, environment: NodeJS.ProcessEnv): Options {
  const { url, data, stack } = options;
  const isNamed = [url, data, stack, environment.NOTIFIER_URL || undefined].some((named) => named !== undefined);
  if (isNamed || !existsSync(join(usualDataFolder, 'operator.json'))) return options;
  const other = namedStack();
  if (other === undefined) return { ...options, data: usualDataFolder };
  throw wrongCommandLine(
    `a local run keeps its data in ${usualDataFolder}, and ${usualConfigFile} names the stack ${other}: add --data ${usualDataFolder} or --stack ${other}`,
  );
}
