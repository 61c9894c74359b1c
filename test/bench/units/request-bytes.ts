import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { steady } from '#functions/clock/instants.ts';
import { cryptshareClient } from '#test/bench/polls/polling.ts';
import { clientId } from '#test/bench/processes/credentials.ts';

const answer = (body: string) =>
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

/**
 * Measures the sent bytes of a request for a page without its client id, with an ordinary host name. The token has 36
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
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = cryptshareClient(`http://${host}`, 'x'.repeat(36));
  try {
    await client.list({ mailbox: 'first.last@example.com', direction: 'sent' }, 'all', 0, steady() + 10_000);
  } finally {
    client.calls.close();
    server.close();
  }
  const head = heads.find((one) => one.includes(clientId))!;
  return head.replace(host, 'cryptshare.example.com').length - clientId.length;
}
