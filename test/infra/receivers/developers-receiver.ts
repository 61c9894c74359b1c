import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';

/** Secret for WEBHOOK_SECRET. */
export const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

/** A developer's receiver, which verifies each request by the official library. */
export class DevelopersReceiver {
  readonly taken: { readonly id: string; readonly body: string; readonly headers: IncomingHttpHeaders }[] = [];
  /** Answers a verified request. */
  answer: (response: ServerResponse) => void = (response) => response.writeHead(204).end();
  private server: Server | undefined;
  private port = 0;

  async start(): Promise<void> {
    if (this.server) return;
    this.server = createServer(async (request, response) => {
      try {
        const body = Buffer.concat(await request.toArray()).toString();
        const headers = request.headers as Record<string, string>;
        new Webhook(secret).verify(body, headers);
        this.taken.push({ id: headers['webhook-id']!, body, headers });
        this.answer(response);
      } catch {
        response.destroy();
      }
    });
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
  }

  async kill(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    server?.closeAllConnections();
    if (server) await new Promise((resolve) => server.close(resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hooks`;
  }
}
