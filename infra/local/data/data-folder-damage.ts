import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ClassicLevel } from 'classic-level';
import { contents } from './data-folder.ts';
import { isSoundLog } from './database-log.ts';

/** What a database has in it. */
type Fill = 'nothing' | 'tables' | 'rows';

/** 32 bytes in base64. */
const keyPattern = /^[A-Za-z0-9+/]{43}=?$/;

/**
 * Finds out whether something of a data folder is missing or was changed. A run makes its things in this order: database,
 * queue file, transfers table, data key, topics, rows; whatever a killed first run has left of them is no damage.
 *
 * @returns what is wrong; undefined when the folder is whole, or new
 * @throws the error of LevelDB, SQLite or the file system for what cannot be read
 */
export async function damageOf(data: string): Promise<string | undefined> {
  const folder = join(data, contents.database);
  const broken = brokenFileOf(folder);
  if (broken !== undefined) return `${contents.database}/${broken}`;
  const filled = await fillOf(folder);
  const queues = queuesIn(join(data, contents.queues, 'fauxqs.db'));
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

/** A file of the database that LevelDB would do without, and without a word. */
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
 * Opens the database, which no other process can do meanwhile, and reads all of it, for LevelDB checks what it reads. A table
 * that a killed run was about to make is dropped: dynalite would never end making it, and nothing can be in it.
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
    return fill;
  } finally {
    await database.close();
  }
}

/** What stands in the file of the queues. */
function queuesIn(file: string): {
  readonly hasTables: boolean;
  readonly hasTopics: boolean;
  readonly damage?: string;
} {
  const nothing = { hasTables: false, hasTopics: false };
  if (!existsSync(file) || statSync(file).size === 0) return nothing;
  const database = new DatabaseSync(file);
  try {
    const found = database.prepare('PRAGMA integrity_check').get()?.integrity_check;
    if (found !== 'ok') return { ...nothing, damage: `queues/fauxqs.db: ${found}` };
    const hasTables = !!database.prepare("SELECT name FROM sqlite_schema WHERE name = 'sns_topics'").get();
    return { hasTables, hasTopics: hasTables && !!database.prepare('SELECT arn FROM sns_topics').get() };
  } finally {
    database.close();
  }
}
