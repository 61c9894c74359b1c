import { renameSync, rmSync, writeFileSync } from 'node:fs';

/** What the local run keeps in its data folder, by name. */
export const contents = {
  database: 'dynamodb',
  queues: 'queues',
  key: 'data-key',
  operator: 'operator.json',
} as const;

/** Thrown when the data folder cannot be had, or not be trusted; says in one sentence why, and what to do. */
export class DataFolderError extends Error {
  override readonly name = 'DataFolderError';
}

/** Writes a file of the data folder, readable by its owner alone; a reader gets the file before it or all of this one. */
export function writeOwnFile(file: string, text: string): void {
  const fresh = `${file}.new`;
  try {
    rmSync(fresh, { force: true });
    writeFileSync(fresh, text, { mode: 0o600, flag: 'wx', flush: true });
    renameSync(fresh, file);
  } catch (error) {
    throw new DataFolderError(`${file} cannot be written (${(error as Error).message}): make room for it, or mend it`);
  }
}
