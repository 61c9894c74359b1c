import { existsSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { clockToleranceMs } from '#functions/clock/instants.ts';
import { longestDelayMs } from '#functions/webhooks/endpoints/wake-ups.ts';

/**
 * Makes messages visible that an ended process had received, or that a clock that ran ahead has delayed. fauxqs stores
 * both times by this machine's clock, and does not check them.
 *
 * @param file database of fauxqs, not open
 * @param now milliseconds since 1970
 * @throws the error of SQLite
 */
export function freeMessages(file: string, now: number): void {
  if (!existsSync(file) || statSync(file).size === 0) return;
  const database = new DatabaseSync(file);
  try {
    if (!database.prepare("SELECT name FROM sqlite_schema WHERE name = 'sqs_messages'").get()) return;
    database.exec('UPDATE sqs_messages SET receipt_handle = NULL, visibility_deadline = NULL');
    const latest = now + longestDelayMs + clockToleranceMs;
    database.prepare('UPDATE sqs_messages SET delay_until = NULL WHERE delay_until > ?').run(latest);
  } finally {
    database.close();
  }
}
