import { readFileSync } from 'node:fs';
import { wrongCommandLine } from '#infra/cli/terminal/cli-error.ts';
import { type Happening, HistoryError, historyOf } from './history.ts';

/** Reads the history in a file that a command line names. @throws CliError with the place of what is wrong */
export function readHistory(file: string): Happening[] {
  try {
    return historyOf(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof HistoryError) throw wrongCommandLine(`${file} is no history: ${error.message}`);
    throw wrongCommandLine(`cannot read ${file} (${(error as NodeJS.ErrnoException).code}), expected a history`);
  }
}
