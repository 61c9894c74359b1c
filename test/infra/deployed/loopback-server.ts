import { once } from 'node:events';
import type http from 'node:http';
import type https from 'node:https';
import type { AddressInfo } from 'node:net';

/** Server on a free port of 127.0.0.1. */
export interface LoopbackServer {
  readonly port: number;
  /** Ends every connection at once, and stops listening. */
  close(): Promise<void>;
}

export async function listenOnLoopback(server: http.Server | https.Server): Promise<LoopbackServer> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
