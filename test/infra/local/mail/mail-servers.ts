import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import { type AddressObject, type ParsedMail, simpleParser } from 'mailparser';
import { generate } from 'selfsigned';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { Message } from '#functions/notices/message.ts';
import type { Mail } from '#functions/webhooks/http/mail.ts';
import { SmtpClient, type SmtpOptions } from '#infra/local/mail/smtp-client.ts';

const closing: (() => unknown)[] = [];

/** Ends everything that a test has started. */
export async function closeAll(): Promise<void> {
  await Promise.all(closing.splice(0).map((close) => close()));
}

/** Name that the tests have resolve to this machine, as if the mail server were on another one. */
export const elsewhere = 'mail.example.com';

/** A key and a certificate for {@link elsewhere} that no public authority has signed. */
export async function certificate(host = elsewhere) {
  const { private: key, cert } = await generate([{ name: 'commonName', value: host }], {
    keyType: 'ec',
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: host }] },
    ],
  });
  return { key, cert };
}

/** For servers where it does not matter. */
const anyCertificate = await certificate();

export const from = 'notifier@example.com';
export const password = 'pa55-wörd+/';

/** Message with an id of its own, which hostile tests alter. */
export function mail(message: Partial<Message> = {}, rest: Partial<Omit<Mail, 'message'>> = {}): Mail {
  return {
    id: 'dig_0123456789abcdef',
    reader: 'ops',
    address: 'reader@example.com',
    message: {
      language: 'en',
      severity: 'info',
      subject: '2 transfers have failed',
      headline: '2 transfers have failed',
      sections: [{ title: 'Failed', paragraphs: [], lines: [{ words: 'failed', trackingId: 'T-1', detail: '' }] }],
      footer: ['You get this as reader ops.'],
      ...message,
    },
    ...rest,
  };
}

/** A mail server that takes all mails of the user `ops@example.com`, unless `options` refuse them. */
export async function mailServer(options: SMTPServerOptions = {}) {
  const seen = {
    connections: 0,
    /** How many sessions were encrypted, by mail. */
    secure: [] as boolean[],
    users: [] as (string | undefined)[],
    envelopes: [] as { readonly from: string; readonly to: readonly string[] }[],
    sources: [] as string[],
  };
  const server = new SMTPServer({
    authOptional: true,
    ...anyCertificate,
    closeTimeout: 1,
    onAuth({ username, password: given }, _, done) {
      if (given === password) done(null, { user: username });
      else done(Object.assign(new Error(`Invalid login: ${given}`), { responseCode: 535 }));
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        seen.secure.push(session.secure);
        seen.users.push(session.user);
        const { mailFrom, rcptTo } = session.envelope;
        seen.envelopes.push({
          from: mailFrom ? mailFrom.address : '',
          to: rcptTo.map(({ address }) => address),
        });
        seen.sources.push(Buffer.concat(chunks).toString());
        done(null, 'queued as 4F1');
      });
    },
    ...options,
    onConnect(session, done) {
      seen.connections += 1;
      if (options.onConnect) options.onConnect.call(this, session, done);
      else done();
    },
  });
  server.on('error', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const close = () => new Promise<void>((resolve) => server.close(resolve));
  closing.push(close);
  const { port } = server.server.address() as AddressInfo;
  const parsed = () => Promise.all(seen.sources.map((source) => simpleParser(source)));
  return { port, seen, parsed, close };
}

/** Reply of a scripted server to a line of the client; undefined where it says nothing. */
type Reply = (line: string, socket: Socket) => string | undefined;

/** Closes the connection in place of a reply. */
export const hangUp = (socket: Socket): undefined => void socket.destroy();

/** A server that speaks as told; `reply` gets each line in upper case. Without a greeting, it is silent until then. */
export async function speaking(greeting: string | ((socket: Socket) => void), reply: Reply = () => undefined) {
  const sockets = new Set<Socket>();
  const closed: Promise<unknown>[] = [];
  const server = net.createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    closed.push(new Promise((resolve) => socket.once('close', resolve)));
    const say = (text: string | undefined) => text !== undefined && socket.writable && socket.write(`${text}\r\n`);
    if (typeof greeting === 'string') say(greeting);
    else greeting(socket);
    let rest = '';
    socket.on('data', (data) => {
      const lines = (rest + data).split('\r\n');
      rest = lines.pop()!;
      for (const line of lines) say(reply(line.toUpperCase(), socket));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return {
    port: (server.address() as AddressInfo).port,
    /** Number of connections so far. */
    connections: () => closed.length,
    /** Resolves when all connections so far are closed. */
    closed: () => Promise.all(closed),
  };
}

/** Replies of a server that takes each mail, except to commands that begin with one of `special`. */
export function replies(special: Readonly<Record<string, string | Reply>> = {}): Reply {
  const inData = new WeakSet<Socket>();
  return (line, socket) => {
    if (line === '.') inData.delete(socket);
    else if (inData.has(socket)) return undefined;
    const found = Object.entries(special).find(([command]) => line.startsWith(command))?.[1];
    if (found !== undefined) return typeof found === 'string' ? found : found(line, socket);
    if (line === 'QUIT') return '221 bye';
    if (line !== 'DATA') return '250 ok';
    inData.add(socket);
    return '354 go on';
  };
}

/** A client that each test closes. */
export function clientOf(url: string, options: Partial<SmtpOptions> = {}): SmtpClient {
  const client = new SmtpClient({ url, from, password: undefined, ...options });
  closing.push(() => client.close());
  return client;
}

export const addressesOf = (field: ParsedMail['to']): (string | undefined)[] =>
  [field ?? []].flat().flatMap(({ value }: AddressObject) => value.map(({ address }) => address));

/** Refusal of a command, for {@link mailServer}. */
export const refusal = (responseCode: number, text: string): Error => Object.assign(new Error(text), { responseCode });

/** A port on which no server listens. */
export async function closedPort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await once(server.close(), 'close');
  return port;
}
