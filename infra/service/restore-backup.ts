import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { CliError, refused } from '#infra/cli/terminal/cli-error.ts';
import { contents, writeOwnFile } from '#infra/local/data/data-folder.ts';
import { damageOf } from '#infra/local/data/data-folder-damage.ts';
import { BackupError, readBackup } from './backup-format.ts';
import { type Backup, inspectBackup } from './take-backup.ts';

/** Parts of a data folder in a backup. */
const restored = [contents.database, contents.queues, contents.key];

/**
 * Fills an empty or new data folder from a backup. The file is read to its end before anything is written, and the folder
 * gets its contents at the end, so that no half one can be started.
 *
 * @param user id of the user of this process; undefined where a system has none
 * @throws CliError
 */
export async function restoreBackup(file: string, data: string, user = process.getuid?.()): Promise<Backup> {
  const umask = process.umask(0o077);
  let source: FileHandle | undefined;
  try {
    source = await open(file);
    const backup = await inspectBackup(contentOf(source));
    await makeFolder(data, user);
    await asOwner(data, () => fillEmpty(data, source!, file));
    return backup;
  } catch (error) {
    if (error instanceof CliError) throw error;
    if (error instanceof BackupError) throw refused(`${file} cannot be restored: ${error.message}`);
    throw refused(`${file} cannot be restored into ${data} (${(error as Error).message})`);
  } finally {
    await source?.close();
    process.umask(umask);
  }
}

/** The content of a file from its beginning, as often as it is read. */
const contentOf = (source: FileHandle) => source.createReadStream({ start: 0, autoClose: false });

/**
 * Makes the folder unless it exists. Made by root, it belongs to the owner of the folder around it: what root would own, the
 * user of a service could not read.
 *
 * @throws CliError where that owner is root, too
 */
async function makeFolder(data: string, user: number | undefined): Promise<void> {
  const around = await existingAround(resolve(data));
  if (around === resolve(data)) return;
  const make = () => mkdir(data, { recursive: true, mode: 0o700 });
  if (user !== 0) {
    await make();
    return;
  }
  if ((await stat(around)).uid === 0)
    throw refused(
      `${data} does not exist, and would belong to root: the user of the notifier could not read it. Make it first, for that user: install --directory --mode 700 --owner USER ${data}`,
    );
  await asOwner(around, make);
}

/** The folder itself, or the nearest one around it that exists. */
async function existingAround(folder: string): Promise<string> {
  const isThere = await stat(folder).then(
    () => true,
    ({ code }: NodeJS.ErrnoException) => code !== 'ENOENT',
  );
  return isThere ? folder : existingAround(dirname(folder));
}

/**
 * Acts with the rights of the owner of a folder alone while root fills it, such as the user of a service: links that the
 * owner puts into it lead nowhere else.
 */
async function asOwner<T>(data: string, act: () => Promise<T>): Promise<T> {
  const { uid, gid } = await stat(data);
  if (process.getuid?.() !== 0 || uid === 0) return act();
  const own = process.getgid!();
  process.setegid!(gid);
  process.seteuid!(uid);
  try {
    return await act();
  } finally {
    process.seteuid!(0);
    process.setegid!(own);
  }
}

async function fillEmpty(data: string, source: FileHandle, file: string): Promise<void> {
  await requireEmpty(data);
  const fresh = join(data, contents.restoring);
  // An earlier restore that was interrupted may have left it.
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { mode: 0o700 });
  try {
    await fill(fresh, source);
    const damage = await damageOf(fresh);
    if (damage !== undefined) throw refused(`${file} holds a damaged data folder (${damage}): take an older backup`);
    // The key comes last: without it, an interrupted restore is taken for damage.
    for (const name of restored) await rename(join(fresh, name), join(data, name));
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function requireEmpty(data: string): Promise<void> {
  const names = (await readdir(data)).filter((name) => name !== 'lost+found' && name !== contents.restoring);
  if (names.length === 0) return;
  const what = names.includes(contents.operator) ? 'in use by a notifier, or was when that died' : 'not empty';
  throw refused(
    `${data} is ${what} (it holds ${names.slice(0, 3).join(', ')}): stop the notifier that uses it and move it away, or name a new folder`,
  );
}

async function fill(folder: string, source: FileHandle): Promise<void> {
  await mkdir(join(folder, contents.queues), { mode: 0o700 });
  const database = new ClassicLevel<Buffer, Buffer>(join(folder, contents.database), {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
  });
  await database.open();
  const queues = await open(join(folder, contents.queues, 'fauxqs.db'), 'wx', 0o600);
  try {
    for await (const part of readBackup(contentOf(source))) {
      if (part.kind === 'key') writeOwnFile(join(folder, contents.key), part.text);
      if (part.kind === 'queues') await queues.appendFile(part.bytes);
      if (part.kind === 'rows') await database.batch(part.rows.map(([key, value]) => ({ type: 'put', key, value })));
    }
    await queues.sync();
  } finally {
    await queues.close();
    await database.close();
  }
}
