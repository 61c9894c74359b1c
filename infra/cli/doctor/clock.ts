import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { clockDifference, clockWords } from '#functions/clock/clock-difference.ts';
import { type Check, fail, ok, warn } from './check.ts';

/** Milliseconds for the server to answer. */
const timeoutMs = 10_000;

/** Clock difference in milliseconds at which Standard Webhooks libraries refuse a signature. */
const wrongClockMs = 300_000;

const name = 'clock';

/**
 * Compares the clock here with the server's, if that tells its time. With a wrong clock, valid certificates and
 * verifications look invalid, and receivers refuse signatures. The request carries no credentials.
 */
export async function checkClock(origin: string, now: () => Date): Promise<Check[]> {
  const client = origin.startsWith('https:') ? https : http;
  const request = client.request(`${origin}/api/status`, {
    method: 'HEAD',
    agent: false,
    signal: AbortSignal.timeout(timeoutMs),
    // A wrong clock makes a valid certificate look invalid.
    rejectUnauthorized: false,
  });
  try {
    request.end();
    const [{ headers }] = (await once(request, 'response')) as [http.IncomingMessage];
    const difference = clockDifference(headers, now().getTime());
    if (difference === undefined) return [];
    const words = clockWords(difference, 'the server’s');
    if (words === undefined) return [ok(name, 'agrees with the server’s to the minute')];
    const judge = Math.abs(difference) < wrongClockMs ? warn : fail;
    return [judge(name, words, 'set the clock that is wrong, or have it set by NTP')];
  } catch {
    // `checkServer` reports an unreachable server.
    return [];
  } finally {
    request.destroy();
  }
}
