import { setTimeout as wait } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { CryptshareError, malformed, noSuchEndpoint, unhandled } from '#infra/simulator/protocol/error.ts';
import { type Query, requireVersionAndLicence, secretQueryParameters } from './caller.ts';
import type { FaultAnswer } from './faults.ts';
import type { LoggedRequest } from './requests.ts';
import type { Simulation } from './simulation.ts';
import { transferRoutes } from './transfer-routes.ts';
import { verificationRoutes } from './verification-routes.ts';

/** Registers the REST API of the simulated server, below `/api`: routes, faults, counters and errors. */
export function cryptshareApi(app: FastifyInstance, simulation: Simulation): void {
  const { random, switches } = simulation;
  countRequests(app, simulation);
  meetFaults(app, simulation);
  answerErrors(app, simulation);

  app.get('/status', () => {
    if (switches.minor < 13) throw noSuchEndpoint();
    const status = { apiVersions: { uiApiVersions: [{ major: 1, minor: switches.minor }] } };
    return switches.statusWrapped ? { data: status, meta: {} } : status;
  });
  app.get('/clients', (request) => {
    requireVersionAndLicence(request, switches);
    return { data: { clientId: random.alphanumerics(50) }, meta: {} };
  });
  verificationRoutes(app, simulation);
  transferRoutes(app, simulation);
}

function countRequests(app: FastifyInstance, { clock, requests }: Simulation): void {
  const logged = new WeakMap<FastifyRequest, LoggedRequest>();

  app.addHook('onRequest', async (request, reply) => {
    const entry: LoggedRequest = {
      at: new Date(clock.now()).toISOString(),
      method: request.method,
      url: withoutSecrets(request),
      headerNames: Object.keys(request.headers),
      status: null,
    };
    logged.set(request, entry);
    requests.began(`${request.method} ${request.routeOptions.url ?? '(no such endpoint)'}`, entry);
    reply.raw.once('close', () => requests.ended());
  });

  app.addHook('onSend', async (request, reply, payload) => {
    const entry = logged.get(request);
    if (entry) entry.status = reply.statusCode;
    if (typeof payload === 'string') requests.bytesSent += Buffer.byteLength(payload);
  });
}

function withoutSecrets(request: FastifyRequest): string {
  const query = new URLSearchParams(request.query as Query);
  for (const name of secretQueryParameters) query.delete(name);
  const path = pathOf(request);
  return query.size === 0 ? path : `${path}?${query}`;
}

function meetFaults(app: FastifyInstance, { switches, faults }: Simulation): void {
  const truncated = new WeakSet<FastifyRequest>();

  app.addHook('onRequest', async (request, reply) => {
    // `ref: false`, so that a pending answer does not keep the process alive after the client has gone.
    if (switches.latencyMs > 0) await wait(switches.latencyMs, undefined, { ref: false });
    const { page = 1 } = request.query as Query;
    const fault = faults.take(pathOf(request), Number(page));
    if (fault) return befall(fault, request, reply);
    if (switches.redirectTo !== null) return reply.redirect(new URL(request.url, switches.redirectTo).href);
  });

  app.addHook('onSend', async (request, _reply, payload) =>
    truncated.has(request) && typeof payload === 'string' ? payload.slice(0, payload.length / 2) : payload,
  );

  const befall = async (fault: FaultAnswer, request: FastifyRequest, reply: FastifyReply) => {
    switch (fault.kind) {
      case 'response':
        return reply.code(fault.status).headers(fault.headers).send(fault.body);
      case 'truncated':
        truncated.add(request);
        return;
      case 'delayed':
        await wait(fault.ms, undefined, { ref: false });
        return;
      case 'dropped':
        reply.hijack();
        request.raw.destroy();
        return;
    }
  };
}

function answerErrors(app: FastifyInstance, { switches }: Simulation): void {
  app.setNotFoundHandler(() => {
    throw noSuchEndpoint();
  });

  app.setErrorHandler((thrown: Error & { statusCode?: number }, _request, reply) => {
    const error = asCryptshareError(thrown);
    if (switches.errorBody === 'html-502') return reply.code(502).type('text/html').send('<h1>502 Bad Gateway</h1>');
    if (switches.errorBody === 'empty-401') return reply.code(401).send();
    if (error.retryAfterSeconds !== undefined && switches.retryAfter) {
      reply.header('retry-after', error.retryAfterSeconds);
    }
    return reply.code(error.status).send(error.body);
  });
}

function asCryptshareError(thrown: Error & { statusCode?: number }): CryptshareError {
  if (thrown instanceof CryptshareError) return thrown;
  return thrown.statusCode !== undefined && thrown.statusCode < 500 ? malformed('request') : unhandled();
}

const pathOf = (request: FastifyRequest) => request.url.split('?', 1)[0] ?? '';
