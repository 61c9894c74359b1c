import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import { Webhook } from 'standardwebhooks';
import { guardServer } from '#infra/loopback/loopback-guard.ts';

/** What the receiver has to say about a request. */
export interface Receipt {
  /** Name of the endpoint that the request was for. */
  readonly endpoint: string;
  readonly id: string;
  /** What it answered. */
  readonly status: number;
  /** The body's `type`, once the signature was found to be good. */
  readonly type: string | undefined;
  /** It has had this event before. */
  readonly isRepetition: boolean;
}

/** A receiver of webhooks on this machine. */
export interface WebhookReceiver {
  /** URL for an endpoint of this name. */
  urlOf(endpoint: string): string;
  /** Tells it the secret by which requests for an endpoint are signed. */
  trust(endpoint: string, secret: string): void;
  close(): Promise<void>;
}

/**
 * Starts a receiver that verifies every request with the official library of Standard Webhooks: 204 for a good one, 401
 * for another.
 *
 * @param failing whether an endpoint is out of order at the moment and answers 500
 * @param onReceipt told of each request
 */
export async function startWebhookReceiver(
  failing: (endpoint: string) => boolean,
  onReceipt: (receipt: Receipt) => void,
): Promise<WebhookReceiver> {
  const secrets = new Map<string, string>();
  const seen = new Set<string>();
  const server = Fastify({ forceCloseConnections: true });
  guardServer(server.server);
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'string' }, (_, body, done) => done(null, body));
  server.post<{ Params: { endpoint: string }; Body: string }>('/hooks/:endpoint', async (request, reply) => {
    const { endpoint } = request.params;
    const headers = request.headers as Record<string, string>;
    const id = headers['webhook-id'] ?? '';
    const key = `${endpoint} ${id}`;
    const type = verifiedType(secrets.get(endpoint), request.body, headers);
    const status = type === undefined ? 401 : failing(endpoint) ? 500 : 204;
    onReceipt({ endpoint, id, status, type, isRepetition: seen.has(key) });
    if (status === 204) seen.add(key);
    return reply.code(status).send();
  });
  await server.listen({ port: 0, host: '127.0.0.1' });
  const { port } = server.server.address() as AddressInfo;
  return {
    urlOf: (endpoint) => `http://127.0.0.1:${port}/hooks/${endpoint}`,
    trust: (endpoint, secret) => void secrets.set(endpoint, secret),
    close: () => server.close(),
  };
}

function verifiedType(secret: string | undefined, body: string, headers: Record<string, string>): string | undefined {
  if (secret === undefined) return undefined;
  try {
    return (new Webhook(secret).verify(body, headers) as { type: string }).type;
  } catch {
    return undefined;
  }
}
