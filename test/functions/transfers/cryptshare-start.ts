import { expect, onTestFinished } from 'vitest';
import { CryptshareClient, type CryptshareOptions, type Pass } from '../../../functions/transfers/cryptshare.ts';
import { startCryptshareServer } from '../../../infra/local/cryptshare-server.ts';
import type { Switches } from '../../../infra/local/cryptshare-switches.ts';
import { clientId, TestClock, token } from './world.ts';

export const mailbox = 'alice+x@example.com';
export const watch = { mailbox, direction: 'sent' } as const;
export const addressees = { sender: mailbox, to: ['bob@example.com'] };
export type Options = Partial<CryptshareOptions>;

/** A client whose waits are noted and pass at once by the test's clock. */
export function connect(origin: string, clock = new TestClock(), options: Options = {}) {
  const waits: number[] = [];
  const sleep = async (ms: number) => {
    waits.push(ms);
    clock.advance(ms);
  };
  const credentials = { clientId, verificationToken: token };
  const client = new CryptshareClient({
    ...{ origin, ...credentials, maxConcurrentPages: 4, now: clock.now, random: () => 0.5, sleep },
    ...options,
  });
  onTestFinished(() => client.close());
  const inTime = (budget = 50_000) => clock.now().getTime() + budget;
  const list = (expected = 0, budget?: number) => client.list(watch, expected, inTime(budget));
  const status = (trackingId: string) => client.status(mailbox, trackingId, inTime());
  return { client, clock, waits, inTime, list, status };
}

/** A server with a mailbox of so many active transfers, and a client for it. */
export async function start(
  count = 0,
  switches: Partial<Switches> = {},
  options: Options = {},
  tls?: { key: string; cert: string },
) {
  const clock = new TestClock();
  const server = await startCryptshareServer({ now: clock.now, switches, ...(tls && { tls }) });
  onTestFinished(() => server.close());
  server.grantToken(mailbox, clientId, token);
  const seeded = server.transfers.seed({ ...addressees, count, state: 'ACTIVE' });
  return { server, seeded, ...connect(server.url, clock, options) };
}

export const everything = ({ listing }: Pass) => listing.in(new Set([0]), 0);
export const response = (status: number, body: unknown) =>
  ({ kind: 'response', status, body: typeof body === 'string' ? body : JSON.stringify(body) }) as const;
export const errorAnswer = (status: number, errorCode: number) => response(status, { errorCode, errorMessage: 'x' });

/** Says what is wrong and what to do, and repeats nothing that opens a door or names a person. */
export function expectClear({ failure }: Pass): void {
  expect(failure?.message.length).toBeGreaterThan(20);
  expect(failure?.remedy.length).toBeGreaterThan(20);
  const told = JSON.stringify([failure, failure?.message, failure?.stack]);
  for (const secret of [clientId, token, mailbox, encodeURIComponent(mailbox)]) expect(told).not.toContain(secret);
}
