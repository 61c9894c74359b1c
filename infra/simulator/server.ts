import Fastify from 'fastify';
import { guardServer } from '#infra/loopback/loopback-guard.ts';
import { cryptshareApi } from './api.ts';
import { controlInterface } from './control.ts';
import { createSimulation, type PageRequest, type Simulation, type SimulationOptions } from './simulation.ts';

/** How to start a {@link CryptshareServer}. */
export interface CryptshareServerOptions extends SimulationOptions {
  /**
   * Port on 127.0.0.1; 0 for any that is free.
   * @default 0
   */
  readonly port?: number;
  /**
   * Key and certificate, each in PEM, to serve HTTPS with.
   * @default - plain HTTP
   */
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** A simulated Cryptshare Server. */
export interface CryptshareServer
  extends Pick<Simulation, 'switches' | 'transfers' | 'verifications' | 'faults' | 'requests'> {
  /** Its origin, without a slash at the end. */
  readonly url: string;
  /** Makes a token hold for a mailbox; the same text may be granted to several mailboxes. */
  grantToken(mailbox: string, clientId: string, token: string): void;
  /** Has `callback` called, and awaited, before a page is answered, to let transfers come and go within a listing. */
  onPage(callback: (request: PageRequest) => void | Promise<void>): void;
  /** Ends every connection at once, answered or not, and stops listening. */
  close(): Promise<void>;
}

/** Starts a simulated Cryptshare Server, with an empty transfer log. */
export async function startCryptshareServer(options: CryptshareServerOptions = {}): Promise<CryptshareServer> {
  const { port = 0, tls } = options;
  const simulation = createSimulation(options);
  const app = Fastify({
    https: tls ?? null,
    forceCloseConnections: true,
    routerOptions: {
      maxParamLength: 500,
      querystringParser: (query) => Object.fromEntries(new URLSearchParams(query)),
    },
  });
  guardServer(app.server);
  // The header shows the time that the server believes it is.
  app.addHook('onSend', async (_, reply) => {
    reply.header('date', new Date(simulation.clock.now()).toUTCString());
  });
  app.register(async (api) => cryptshareApi(api, simulation), { prefix: '/api' });
  app.register(async (control) => controlInterface(control, simulation), { prefix: '/control' });

  const { switches, transfers, verifications, faults, requests, pageListeners } = simulation;
  return {
    switches,
    transfers,
    verifications,
    faults,
    requests,
    url: await app.listen({ host: '127.0.0.1', port }),
    grantToken: (mailbox, clientId, token) => verifications.grantToken({ mailbox, clientId }, token),
    onPage: (callback) => pageListeners.add(callback),
    close: () => app.close(),
  };
}
