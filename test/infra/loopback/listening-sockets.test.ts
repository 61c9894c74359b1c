import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CryptshareServer, startCryptshareServer } from '#infra/simulator/server.ts';
import { LocalRun } from '#test/infra/local/local-run.ts';

const clientId = 'exampleclientid'.repeat(4);

let server: CryptshareServer;
let folder: string;
const running: LocalRun[] = [];

beforeAll(async () => {
  server = await startCryptshareServer();
  server.verifications.registerClientId(clientId);
  folder = mkdtempSync(join(tmpdir(), 'listening-sockets-'));
});
afterAll(async () => {
  for (const run of running) run.kill('SIGKILL');
  await Promise.all(running.map((run) => run.exit()));
  await server.close();
  rmSync(folder, { recursive: true });
});

/** Socket that accepts connections, with its address as Linux writes it. */
interface Listening {
  readonly address: string;
  readonly port: number;
}

/** Loopback as /proc/net/tcp and /proc/net/tcp6 write it. */
const loopback: ReadonlySet<string> = new Set(['0100007F', '00000000000000000000000001000000']);

/** Lists the sockets of a process that accept connections, including those of its dependencies. */
function listeningOf(pid: number): Listening[] {
  const descriptors = readdirSync(`/proc/${pid}/fd`).map((name) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${name}`);
    } catch {
      return '';
    }
  });
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state, , , , , , inode]) => state === '0A' && descriptors.includes(`socket:[${inode}]`))
      .map(([, local = '']) => local.split(':'))
      .map(([address = '', port = '']) => ({ address, port: Number.parseInt(port, 16) })),
  );
}

/** Addresses by which other machines reach this one; an address of a link needs the name of its interface. */
const ownAddresses = Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
  addresses
    .filter(({ internal }) => !internal)
    .map(({ address, scopeid }) => (scopeid ? `${address}%${name}` : address)),
);

/** Connects. @returns `connect`, or the code of the error */
async function connection(host: string, port: number): Promise<string> {
  const socket = net.connect({ host, port });
  try {
    await once(socket, 'connect');
    return 'connect';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  } finally {
    socket.destroy();
  }
}

function realRun(): LocalRun {
  const file = join(folder, 'notifier.config.json');
  const watches = [{ mailbox: 'alice@example.com' }];
  writeFileSync(file, JSON.stringify({ server: { url: server.url }, schedule: { every: '1s' }, watches }));
  return new LocalRun(['--json', '--config', file, '--data', join(folder, 'data')], { CRYPTSHARE_CLIENT_ID: clientId });
}

describe.each([
  // DynamoDB, SNS with SQS, invocations and operator API; the demo has its server and its receiver, too.
  { name: 'npm start', start: () => new LocalRun(['--json']), done: 'receipt', sockets: 6 },
  { name: 'npm start -- --config', start: realRun, done: 'poll', sockets: 4 },
])('$name', ({ start, done, sockets }) => {
  it('listens on the loopback interface alone', async () => {
    const run = start();
    running.push(run);
    await run.line(({ kind }) => kind === done);
    const listening = listeningOf(run.pid);
    expect(listening.length).toBeGreaterThanOrEqual(sockets);
    expect(listening.filter(({ address }) => !loopback.has(address))).toEqual([]);
    for (const { port } of listening) {
      expect(await connection('127.0.0.1', port)).toBe('connect');
      for (const address of ownAddresses) expect([address, await connection(address, port)]).not.toContain('connect');
    }
  });
});
