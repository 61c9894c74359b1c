import http from 'node:http';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { listen } from '#test/functions/webhooks/http/client-servers.ts';

/** A proxy as companies have one, and what it was asked. */
export interface ForwardProxy {
  readonly port: number;
  /** Its address. */
  readonly url: string;
  /** Method and target of each request. */
  readonly asked: string[];
  /** The headers `proxy-authorization` of these. */
  readonly credentials: (string | undefined)[];
}

/**
 * Starts a proxy on this machine.
 *
 * @param answer port of this machine to which all tunnels lead, another status than 200, or nothing at all
 */
export async function startForwardProxy(
  answer: { port: number } | { status: number } | 'silence',
): Promise<ForwardProxy> {
  const asked: string[] = [];
  const credentials: (string | undefined)[] = [];
  const note = ({ method, url, headers }: http.IncomingMessage) => {
    asked.push(`${method} ${url}`);
    credentials.push(headers['proxy-authorization']);
  };
  const server = http.createServer((request, response) => {
    note(request);
    response.writeHead(502).end();
  });
  server.on('connect', (request: http.IncomingMessage, socket: Duplex) => {
    note(request);
    socket.on('error', () => undefined);
    if (answer === 'silence') return;
    if ('status' in answer) return void socket.end(`HTTP/1.1 ${answer.status} No\r\nx-secret: hidden\r\n\r\n`);
    const onward = net.connect(answer.port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
  });
  const port = await listen(server);
  return { port, url: `http://127.0.0.1:${port}`, asked, credentials };
}
