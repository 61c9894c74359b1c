import { readFileSync } from 'node:fs';
import { clockDifference } from '#functions/clock/clock-difference.ts';
import { maxAnswerBytes } from '#functions/cryptshare/answer-room.ts';
import { type Connection, connectionTo } from '#functions/cryptshare/connection.ts';
import type { Config } from '#infra/config/config.ts';

/** Timeout in milliseconds; short, as a stop may have to wait for the answer. */
const timeoutMs = 3000;

/** Reads the Cryptshare Server's time, in milliseconds since 1970; undefined if it sends none. */
export async function askServerTime({ url, caFile }: Config['server']): Promise<number | undefined> {
  let connection: Connection | undefined;
  try {
    connection = connectionTo(new URL(url).origin, caFile && readFileSync(caFile, 'utf8'));
    const headers = { accept: 'application/json' };
    const answer = await connection.send({ path: '/api/status', headers }, timeoutMs, maxAnswerBytes);
    const behind = clockDifference(answer.headers, 0);
    return behind && -behind;
  } catch {
    return undefined;
  } finally {
    connection?.close();
  }
}
