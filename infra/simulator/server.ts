import Fastify, { type FastifyInstance } from 'fastify';
import { guardServer, withAny } from '#infra/loopback/loopback-guard.ts';
import { cryptshareApi } from './api.ts';
import { controlInterface } from './control.ts';
import { createSimulation, type Simulation, type SimulationOptions } from './simulation.ts';

interface CryptshareServerOptions extends SimulationOptions {
  /**
   * Port on 127.0.0.1; 0 for any free one.
   * @default 0
   */
  readonly port?: number;
  /**
   * Key and certificate for HTTPS, in PEM.
   * @default - plain HTTP
   */
  readonly tls?: { readonly key: string; readonly cert: string };
  /**
   * Registers pages at the top of its paths.
   * @default - no pages
   */
  readonly pages?: (app: FastifyInstance, simulation: Simulation) => void;
}

export interface CryptshareServer extends Simulation {
  /** Origin, without a slash at the end. */
  readonly url: string;
  /** Ends every connection at once, and stops listening. */
  close(): Promise<void>;
}

/** Starts a simulated Cryptshare Server, with an empty transfer log. */
export async function startCryptshareServer(options: CryptshareServerOptions = {}): Promise<CryptshareServer> {
  const { port = 0, tls, pages } = options;
  const simulation = createSimulation(options);
  const app = Fastify({
    https: tls ?? null,
    forceCloseConnections: true,
    routerOptions: {
      maxParamLength: 500,
      querystringParser: (query) => Object.fromEntries(new URLSearchParams(query)),
    },
  });
  guardServer(app.server, withAny, pages ? 'own' : 'none');
  app.addHook('onSend', async (_, reply) => {
    reply.header('date', new Date(simulation.clock.now()).toUTCString());
  });
  app.register(async (api) => cryptshareApi(api, simulation), { prefix: '/api' });
  app.register(async (control) => controlInterface(control, simulation), { prefix: '/control' });
  if (pages) app.register(async (scope) => pages(scope, simulation));

  return {
    ...simulation,
    url: await app.listen({ host: '127.0.0.1', port }),
    close: () => app.close(),
  };
}
