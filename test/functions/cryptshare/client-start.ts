import { expect, onTestFinished } from 'vitest';
import { ServerCalls, type ServerOptions } from '#functions/cryptshare/api-calls.ts';
import { CryptshareClient, type Pass } from '#functions/cryptshare/client.ts';
import { startCryptshareServer } from '#infra/simulator/server.ts';
import type { Switches } from '#infra/simulator/switches.ts';
import { clientId, given, TestClock, token } from '#test/support/poll-world.ts';

export const mailbox = 'alice+x@example.com';
export const watch = { mailbox, direction: 'sent' } as const;
export const addressees = { sender: mailbox, to: ['bob@example.com'] };
export type Options = Partial<ServerOptions> & { readonly verificationToken?: string };

/** A client whose waits pass at once by the clock of the test, which records them. */
export function connect(origin: string, clock = new TestClock(), options: Options = {}) {
  const waits: number[] = [];
  const sleep = async (ms: number) => {
    waits.push(ms);
    clock.advance(ms);
  };
  const { verificationToken = token, ...rest } = options;
  const calls = new ServerCalls({
    ...{ origin, clientId, maxConcurrentPages: 4, now: clock.now, steady: clock.steady, random: () => 0.5, sleep },
    ...rest,
  });
  const client = new CryptshareClient(calls, given(verificationToken));
  onTestFinished(() => client.calls.close());
  const inTime = (budget = 50_000) => clock.steady() + budget;
  const list = (expected = 0, budget?: number) => client.list(watch, 'all', expected, inTime(budget));
  const status = (trackingId: string) => client.status(watch, trackingId, inTime());
  return { client, clock, waits, inTime, list, status };
}

/** A server with a mailbox of active transfers, and a client for it. */
export async function start(
  count = 0,
  switches: Partial<Switches> = {},
  options: Options = {},
  tls?: { key: string; cert: string },
) {
  const clock = new TestClock();
  const server = await startCryptshareServer({ now: clock.now, switches, ...(tls && { tls }) });
  onTestFinished(() => server.close());
  server.verifications.grantToken({ mailbox, clientId }, token);
  const seeded = server.transfers.seed({ ...addressees, count, state: 'ACTIVE' });
  const connected = connect(server.url, clock, options);
  // The version is requested once an hour, which most tests do not concern.
  await connected.client.minorVersion(connected.inTime()).catch(() => undefined);
  server.requests.reset();
  return { server, seeded, ...connected };
}

export const everything = ({ listing }: Pass) => listing.in(new Set([0]), 0);
export const response = (status: number, body: unknown) =>
  ({ kind: 'response', status, body: typeof body === 'string' ? body : JSON.stringify(body) }) as const;
export const errorAnswer = (status: number, errorCode: number) => response(status, { errorCode, errorMessage: 'x' });

/** Expects a message and a remedy that contain no secret and no address. */
export function expectClear({ failure }: Pass): void {
  expect(failure?.message.length).toBeGreaterThan(20);
  expect(failure?.remedy.length).toBeGreaterThan(20);
  const told = JSON.stringify([failure, failure?.message, failure?.stack]);
  for (const secret of [clientId, token, mailbox, encodeURIComponent(mailbox)]) expect(told).not.toContain(secret);
}
