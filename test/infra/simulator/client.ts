import { onTestFinished } from 'vitest';
import { type CryptshareServer, startCryptshareServer } from '#infra/simulator/server.ts';
import type { Switches } from '#infra/simulator/switches.ts';

export const alice = 'alice@example.com';
export const bob = 'bob@example.org';
export const carol = 'carol@example.net';
export const dave = 'dave@example.net';
export const clientId = 'ExampleClientId'.padEnd(50, '0');

/** Headers of a verified client. */
export const headers: Readonly<Record<string, string>> = {
  'X-CS-MajorApiVersion': '1',
  'X-CS-MinimumMinorApiVersion': '12',
  'X-CS-ClientId': clientId,
  'X-CS-VerificationToken': 'example-token-1',
};

export interface SimulatedServer extends CryptshareServer {
  /** Advances the server's clock, which starts at noon UTC on 1 January 2030, by milliseconds. */
  advance(ms: number): void;
}

/** Starts a server for one test, with a valid token for alice and bob. */
export async function startServer(switches: Partial<Switches> = {}): Promise<SimulatedServer> {
  let now = Date.parse('2030-01-01T12:00:00Z');
  const server = await startCryptshareServer({ now: () => new Date(now), switches });
  onTestFinished(() => server.close());
  for (const mailbox of [alice, bob]) server.verifications.grantToken({ mailbox, clientId }, 'example-token-1');
  const advance = (ms: number) => {
    now += ms;
  };
  return { ...server, advance };
}

interface CallInit {
  readonly method?: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** @default - those of a verified client */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Calls the server, and parses a body that is JSON. */
export async function call({ url }: CryptshareServer, path: string, init: CallInit = {}) {
  const { method = init.body === undefined ? 'GET' : 'POST', body } = init;
  const response = await fetch(url + path, {
    method,
    headers: { ...(init.headers ?? headers), ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    redirect: 'manual',
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json');
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

/** Calls the server for the status of its answer, with the error code if there is one, e.g. `401/3002`. */
export async function outcome(server: CryptshareServer, path: string, init: CallInit = {}): Promise<string> {
  const { status, body } = await call(server, path, init);
  return body.errorCode === undefined ? `${status}` : `${status}/${body.errorCode}`;
}

const pathOf = (mailbox: string, rest: string) => `/api/users/${encodeURIComponent(mailbox)}${rest}`;
export const sentBy = (mailbox: string, query = '') => pathOf(mailbox, `/transfers/sent-transfers${query}`);
export const receivedBy = (mailbox: string, query = '') => pathOf(mailbox, `/transfers/received-transfers${query}`);
export const verificationOf = (mailbox: string) => pathOf(mailbox, '/verification');
export const statusOf = (mailbox: string, trackingId: string) => pathOf(mailbox, `/transfers/${trackingId}`);

/** Sends a transfer from alice to bob. @returns its tracking id */
export function createTransfer({ transfers }: CryptshareServer, state = 'ACTIVE'): string {
  const { trackingId } = transfers.create({ sender: alice, to: [bob] });
  transfers.setState(trackingId, state);
  return trackingId;
}

/** Starts a server with one active transfer from alice to bob, carol (cc) and dave (bcc), with three files. */
export async function startWithTransfer(switches: Partial<Switches> = {}) {
  const server = await startServer(switches);
  const { trackingId } = server.transfers.create({ sender: alice, to: [bob], cc: [carol], bcc: [dave], files: 3 });
  server.transfers.setState(trackingId, 'ACTIVE');
  return { server, trackingId };
}

/** Query for the downloads of each recipient and file alone. */
export const downloadsOnly = '?fields=status(recipients(fileDownloads(downloads)))';

/** First item of a listing. */
export const itemOn = async (server: CryptshareServer, path: string) => (await call(server, path)).body.data[0];

/** Recipients of the first item of a listing. */
export const recipientsOn = async (server: CryptshareServer, path: string) =>
  (await itemOn(server, path)).status.recipients;
