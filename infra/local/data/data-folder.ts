import { renameSync, rmSync, writeFileSync } from 'node:fs';

/** Contents of the local run's data folder, by name. */
export const contents = {
  database: 'dynamodb',
  queues: 'queues',
  key: 'data-key',
  operator: 'operator.json',
  /** Folder that a restore fills first; an interrupted one leaves it. */
  restoring: 'restoring',
} as const;

/** Thrown when the data folder cannot be used or trusted; the message has the reason and the remedy. */
export class DataFolderError extends Error {
  override readonly name = 'DataFolderError';
}

/** Writes a file atomically, readable by its owner alone. */
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

export const damagedFolder = (folder: string, damage: string): DataFolderError =>
  new DataFolderError(
    `${folder} is damaged (${damage}): restore it from a backup, or move it away to begin anew, without the watches and webhooks that commands added, verifications by code, deliveries that wait or are held, and signing secrets that the notifier made; the first listing of each mailbox is then stored silently`,
  );

/**
 * Explains an error of LevelDB or SQLite about the data folder.
 *
 * @param folder its name in the message
 * @returns undefined for any other error
 */
export function storageError(folder: string, error: unknown): DataFolderError | undefined {
  const { code = '', message = '' } = ((error as Error).cause ?? error) as NodeJS.ErrnoException;
  if (!/^(LEVEL_|ERR_SQLITE_)/.test(code)) return undefined;
  // Requests in flight meet a database that is closed already, for instance after another error.
  if (/_NOT_OPEN$/.test(code)) return new DataFolderError(`${folder} was closed while work was in flight; start again`);
  if (code === 'LEVEL_LOCKED') return new DataFolderError(`${folder} is in use by another run; stop that one first`);
  if (/no space left|disk is full|file too large|quota|disk I\/O error/i.test(message)) {
    const remedy = 'make room on its disk, then start again: nothing that was announced or delivered is lost';
    return new DataFolderError(`${folder} cannot be written (${message}); ${remedy}`);
  }
  if (/permission denied|read-?only|too many open|unable to open/i.test(message)) {
    return new DataFolderError(`${folder} cannot be used (${message}); choose another one, or mend it`);
  }
  return damagedFolder(folder, message);
}
