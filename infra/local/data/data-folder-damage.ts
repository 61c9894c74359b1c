import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { contents } from './data-folder.ts';
import { isSoundLog } from './database-log.ts';
import { inQueues } from './queued-messages.ts';

type Fill = 'nothing' | 'tables' | 'rows';

/** Sorts after every key. */
const lastKey = '\u{10ffff}';

const keyPattern = /^[A-Za-z0-9+/]{43}=?$/;

/**
 * Finds missing or changed parts of a data folder. A run creates database, queue file, transfers table, data key,
 * topics and rows in this order. The rest of a killed first run is no damage.
 *
 * @returns the damage in words; undefined for a sound or new folder
 * @throws the error of LevelDB, SQLite or the file system
 */
export async function damageOf(data: string): Promise<string | undefined> {
  if (existsSync(join(data, contents.restoring))) return 'a restore into it was interrupted';
  const folder = join(data, contents.database);
  const broken = brokenFileOf(folder);
  if (broken !== undefined) return `${contents.database}/${broken}`;
  const filled = await fillOf(folder);
  const queues = queuesIn(data);
  if (queues.damage !== undefined) return queues.damage;
  const key = join(data, contents.key);
  if (!existsSync(key)) {
    if (filled === 'rows')
      return `the file ${contents.key} is missing, without which what is encrypted in its database cannot be opened`;
    return queues.hasTopics ? `its database in ${contents.database} is missing or empty` : undefined;
  }
  if (!keyPattern.test(readFileSync(key, 'utf8').trim())) {
    return `the file ${contents.key} is empty or changed, expected 32 bytes in base64`;
  }
  if (filled === 'nothing') return `its database in ${contents.database} is missing or empty`;
  return queues.hasTables ? undefined : `the file ${contents.queues}/fauxqs.db is missing or empty`;
}

/** Finds a damaged file that LevelDB would silently ignore. */
function brokenFileOf(folder: string): string | undefined {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const logs = names.filter((name) => name.endsWith('.log'));
  const hasTables = names.some((name) => name.endsWith('.ldb'));
  if (!names.includes('CURRENT')) return hasTables || logs.length > 0 ? 'CURRENT is missing' : undefined;
  if (hasTables && logs.length === 0) return 'its log is missing';
  const changed = logs.find((name) => !isSoundLog(readFileSync(join(folder, name))));
  return changed && `${changed} was changed`;
}

/**
 * Opens the database exclusively and reads it whole, because LevelDB checks what it reads. Drops an empty table that a
 * killed run was creating; otherwise dynalite would leave it in CREATING for good. Compacts the files, which otherwise
 * keep the bytes of deleted rows until LevelDB has a reason to.
 */
async function fillOf(folder: string): Promise<Fill> {
  const database = new ClassicLevel<string, { readonly TableStatus?: string }>(folder, { valueEncoding: 'json' });
  await database.open();
  try {
    let fill: Fill = 'nothing';
    for await (const [key, value] of database.iterator()) {
      if (!key.startsWith('table~')) fill = 'rows';
      else if (value.TableStatus === 'CREATING') await database.del(key);
      else if (fill === 'nothing') fill = 'tables';
    }
    await database.compactRange('', lastKey);
    return fill;
  } finally {
    await database.close();
  }
}

const noQueues = { hasTables: false, hasTopics: false, damage: undefined };

const queuesIn = (data: string) =>
  inQueues(data, (database) => {
    const found = database.prepare('PRAGMA integrity_check').get()?.integrity_check;
    if (found !== 'ok') return { ...noQueues, damage: `queues/fauxqs.db: ${found}` };
    const hasTables = !!database.prepare("SELECT name FROM sqlite_schema WHERE name = 'sns_topics'").get();
    const hasTopics = hasTables && !!database.prepare('SELECT arn FROM sns_topics').get();
    return { ...noQueues, hasTables, hasTopics };
  }) ?? noQueues;
