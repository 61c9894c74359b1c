import { readFileSync } from 'node:fs';
import { clockDifference } from '#functions/clock/clock-difference.ts';
import { maxAnswerBytes } from '#functions/cryptshare/answer-room.ts';
import { Connection } from '#functions/cryptshare/connection.ts';
import type { Config } from '#infra/config/config.ts';

/** Milliseconds for the server to answer: a stop may have to wait for it. */
const patience = 3000;

/** Asks the Cryptshare Server for its time, a Unix time in milliseconds; undefined where it does not tell. */
export async function askServerTime({ url, caFile }: Config['server']): Promise<number | undefined> {
  let connection: Connection | undefined;
  try {
    connection = new Connection(new URL(url).origin, caFile && readFileSync(caFile, 'utf8'));
    const headers = { accept: 'application/json' };
    const answer = await connection.send({ path: '/api/status', headers }, patience, maxAnswerBytes);
    const behind = clockDifference(answer.headers, 0);
    return behind && -behind;
  } catch {
    return undefined;
  } finally {
    connection?.close();
  }
}
