import { onTestFinished } from 'vitest';
import { type CryptshareServer, type CryptshareServerOptions, startCryptshareServer } from '#infra/simulator/server.ts';
import type { Switches } from '#infra/simulator/switches.ts';

export const alice = 'alice@example.com';
export const bob = 'bob@example.org';
export const clientId = 'ExampleClientId'.padEnd(50, '0');
export const token = 'example-token-1';

/** Headers of a verified client that asks for no more than the sent- and received-transfers endpoints need. */
export const headers: Readonly<Record<string, string>> = {
  'X-CS-MajorApiVersion': '1',
  'X-CS-MinimumMinorApiVersion': '12',
  'X-CS-ClientId': clientId,
  'X-CS-VerificationToken': token,
};

/** An answer with its body, parsed if it is JSON. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // Tests look into bodies of many shapes, and fail if a shape is not the expected one.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly body: any;
}

/** Starts a server for one test, on which a token holds for alice and bob. */
export async function startServer(options: CryptshareServerOptions = {}): Promise<CryptshareServer> {
  const server = await startCryptshareServer(options);
  onTestFinished(() => server.close());
  for (const mailbox of [alice, bob]) server.grantToken(mailbox, clientId, token);
  return server;
}

/** Starts a server for one test, at noon UTC on 1 January 2030 until its clock is advanced, in milliseconds. */
export async function startServerWithClock(switches: Partial<Switches> = {}) {
  let time = Date.parse('2030-01-01T12:00:00Z');
  const server = await startServer({ now: () => new Date(time), switches });
  const advance = (ms: number): void => {
    time += ms;
  };
  return { server, advance };
}

/** What to call the server with. */
interface CallInit {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Calls the server; without headers of its own, as a verified client. A body is sent as JSON. */
export async function call(
  { url }: CryptshareServer,
  path: string,
  { body, headers: given = headers, ...init }: CallInit = {},
): Promise<Answer> {
  const content = body === undefined ? {} : { body: JSON.stringify(body) };
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  const response = await fetch(url + path, { ...init, ...content, headers: { ...given, ...type }, redirect: 'manual' });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json');
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

/** Path of a listing of sent transfers. */
export const sentBy = (mailbox: string, query = '') =>
  `/api/users/${encodeURIComponent(mailbox)}/transfers/sent-transfers${query}`;

/** Path of a listing of received transfers. */
export const receivedBy = (mailbox: string, query = '') =>
  `/api/users/${encodeURIComponent(mailbox)}/transfers/received-transfers${query}`;

/** Path of the status of a transfer. */
export const statusOf = (mailbox: string, trackingId: string) =>
  `/api/users/${encodeURIComponent(mailbox)}/transfers/${trackingId}`;

/** What came of a call: its status, and the error code if there is one, e.g. `401/3002`. */
export async function outcome(server: CryptshareServer, path: string, init: CallInit = {}): Promise<string> {
  const { status, body } = await call(server, path, init);
  return body.errorCode === undefined ? `${status}` : `${status}/${body.errorCode}`;
}

/** Sends a transfer from alice to bob and answers its tracking id. */
export function createTransfer({ transfers }: CryptshareServer, state = 'ACTIVE'): string {
  const { trackingId } = transfers.create({ sender: alice, to: [bob] });
  transfers.setState(trackingId, state);
  return trackingId;
}
