import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { steady } from '#functions/clock/instants.ts';
import { ServerCalls } from '#functions/cryptshare/api-calls.ts';
import { CryptshareClient } from '#functions/cryptshare/client.ts';
import { clientId, token } from './services.ts';

const answer = (body: string) =>
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

/**
 * Bytes of a request for a page as it is sent, its client id excepted, with a host name of ordinary length. The token has 36
 * characters, as those of the server have.
 */
export async function measureRequestBytes(): Promise<number> {
  const heads: string[] = [];
  const server = createServer((socket) => {
    let text = '';
    socket.on('data', (data) => {
      text += data;
      if (!text.endsWith('\r\n\r\n')) return;
      heads.push(text);
      socket.write(answer(text.includes('/api/status') ? '{}' : '{"data":[]}'));
      text = '';
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const own = `127.0.0.1:${port}`;
  const client = new CryptshareClient(
    new ServerCalls({
      origin: `http://${own}`,
      clientId,
      maxConcurrentPages: 1,
      now: () => new Date(),
      steady,
      random: Math.random,
      sleep,
    }),
    { tokenFor: async () => token.padEnd(36, 'x'), accepted: () => {}, reject: async (_, { failure }) => failure },
  );
  try {
    await client.list({ mailbox: 'first.last@example.com', direction: 'sent' }, 'all', 0, steady() + 10_000);
  } finally {
    client.close();
    server.close();
  }
  const head = heads.find((one) => one.includes(clientId))!;
  return head.replace(own, 'cryptshare.example.com').length - clientId.length;
}
