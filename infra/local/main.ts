import { ConfigError } from '../config.ts';
import { Daemon } from './daemon.ts';
import { DataFolderError } from './embedded-services.ts';
import { exitCodes } from './exit-codes.ts';
import { runNotifier } from './notifier.ts';
import { NothingToStart } from './options.ts';

const daemon = new Daemon(process.env);
await runNotifier(process.argv.slice(2), daemon).then(() => daemon.exit(exitCodes.stopped), end);

function end(error: Error): Promise<never> {
  if (error instanceof NothingToStart) return daemon.exit(error.exitCode);
  const isExplained = error instanceof ConfigError || error instanceof DataFolderError;
  console.error(isExplained ? error.message : `The notifier stopped: ${error.stack}`);
  return daemon.exit(error instanceof ConfigError ? exitCodes.wrongStart : exitCodes.broken);
}
