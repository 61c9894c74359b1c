import { chmodSync, lstatSync, mkdirSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { queuesCopyIn } from './data-copy.ts';
import { contents, DataFolderError, damagedFolder, storageError } from './data-folder.ts';
import { damageOf } from './data-folder-damage.ts';
import { freeMessages } from './queued-messages.ts';

/**
 * Closes the data folder to other users, and checks that it is sound and in use by no other run. Frees the messages
 * that the previous run had received.
 *
 * @param hasServices false for a run without embedded services, whose folder is only closed
 * @throws DataFolderError
 */
export async function openDataFolder(data: string, hasServices = true): Promise<void> {
  try {
    makePrivate(data);
    if (!hasServices) return;
    const damage = await damageOf(data);
    if (damage !== undefined) throw damagedFolder(nameOf(data), damage);
    freeMessages(data, Date.now());
    rmSync(queuesCopyIn(data), { force: true });
  } catch (cause) {
    if (cause instanceof DataFolderError) throw cause;
    const message = `${nameOf(data)} cannot be used (${(cause as Error).message}); choose another one, or mend it`;
    throw storageError(nameOf(data), cause) ?? new DataFolderError(message, { cause });
  }
}

const nameOf = (data: string): string => `the data folder ${data}`;

/**
 * Removes the rights of other users to the data folder, for present and future contents.
 *
 * @throws DataFolderError for a folder that may belong to other users, too
 */
function makePrivate(data: string): void {
  process.umask(0o077);
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const folder = realpathSync(data);
  const names = readdirSync(folder);
  const own = names.filter((name) => Object.values<string>(contents).includes(name));
  const others = names.filter((name) => !own.includes(name) && name !== 'lost+found');
  // The folder may be /tmp or a home: closing it could lock other users out of their files.
  if (isOpen(folder) && own.length === 0 && others.length > 0) {
    const found = others.slice(0, 3).join(', ');
    throw new DataFolderError(
      `the data folder ${data} is open to other users and holds what is not the notifier's (${found}); choose an empty folder, or close this one yourself if it is yours alone`,
    );
  }
  restrict(folder);
  for (const name of own) restrictAll(join(folder, name));
}

function restrictAll(path: string): void {
  restrict(path);
  if (lstatSync(path).isDirectory()) for (const name of readdirSync(path)) restrictAll(join(path, name));
}

function restrict(path: string): void {
  const entry = lstatSync(path);
  if (!entry.isDirectory() && !entry.isFile()) {
    throw new DataFolderError(
      `${path} leads elsewhere, expected a file or folder; move what belongs there to its place`,
    );
  }
  chmodSync(path, entry.isDirectory() ? 0o700 : 0o600);
  if (isOpen(path)) {
    throw new DataFolderError(`${path} stays open to other users; choose a data folder on a file system with owners`);
  }
}

/** True if other users have any right; Windows has rights of another kind. */
const isOpen = (path: string): boolean => process.platform !== 'win32' && (lstatSync(path).mode & 0o077) !== 0;
