import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { clockToleranceMs } from '#functions/clock/instants.ts';
import { longestDelayMs } from '#functions/webhooks/endpoints/wake-ups.ts';
import { contents } from './data-folder.ts';

/**
 * Opens the database of fauxqs for some work; returns undefined if there is none yet.
 *
 * @throws the error of SQLite
 */
export function inQueues<T>(data: string, work: (database: DatabaseSync) => T): T | undefined {
  const file = join(data, contents.queues, 'fauxqs.db');
  if (!existsSync(file) || statSync(file).size === 0) return undefined;
  const database = new DatabaseSync(file);
  try {
    return work(database);
  } finally {
    database.close();
  }
}

/**
 * Makes messages visible that an ended process had received, or that a clock that ran ahead has delayed. fauxqs stores
 * both times by this machine's clock, and does not check them. Drops what is left of deleted messages.
 *
 * @param now milliseconds since 1970
 * @throws the error of SQLite
 */
export function freeMessages(data: string, now: number): void {
  inQueues(data, (database) => {
    if (!database.prepare("SELECT name FROM sqlite_schema WHERE name = 'sqs_messages'").get()) return;
    database.exec('UPDATE sqs_messages SET receipt_handle = NULL, visibility_deadline = NULL');
    const latest = now + longestDelayMs + clockToleranceMs;
    database.prepare('UPDATE sqs_messages SET delay_until = NULL WHERE delay_until > ?').run(latest);
    // SQLite keeps the bytes of deleted messages in free pages, and in its log.
    database.exec('VACUUM; PRAGMA wal_checkpoint(TRUNCATE)');
  });
}
