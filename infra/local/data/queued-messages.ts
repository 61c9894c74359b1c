import { existsSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tolerance } from '#functions/clock/instants.ts';
import { longestDelay } from '#functions/webhooks/endpoints/wake-ups.ts';

/**
 * Has all messages of the queues received again that a process which has ended had in hand, and those that a clock that was
 * ahead has put off. fauxqs keeps both times by the clock of this machine, and believes them whatever they are.
 *
 * @param file of fauxqs, which is not open
 * @param now Unix time in milliseconds
 * @throws the error of SQLite
 */
export function freeMessages(file: string, now: number): void {
  if (!existsSync(file) || statSync(file).size === 0) return;
  const database = new DatabaseSync(file);
  try {
    if (!database.prepare("SELECT name FROM sqlite_schema WHERE name = 'sqs_messages'").get()) return;
    database.exec('UPDATE sqs_messages SET receipt_handle = NULL, visibility_deadline = NULL');
    const latest = now + longestDelay + tolerance;
    database.prepare('UPDATE sqs_messages SET delay_until = NULL WHERE delay_until > ?').run(latest);
  } finally {
    database.close();
  }
}
