import Fastify from 'fastify';
import { Webhook } from 'standardwebhooks';
import { guardServer } from '#infra/loopback/loopback-guard.ts';

export interface Receipt {
  readonly endpoint: string;
  readonly id: string;
  readonly status: number;
  /** `type` of the body; undefined if the signature is wrong. */
  readonly type: string | undefined;
  /** True if it has accepted this event before. */
  readonly isRepetition: boolean;
}

export type WebhookReceiver = Awaited<ReturnType<typeof startWebhookReceiver>>;

/**
 * Starts a receiver that verifies every request with the official library of Standard Webhooks, and answers 204 or 401.
 *
 * @param failing true while an endpoint is out of order and answers 500
 * @param onReceipt called for each request
 */
export async function startWebhookReceiver(
  failing: (endpoint: string) => boolean,
  onReceipt: (receipt: Receipt) => void,
) {
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
  const url = await server.listen({ port: 0, host: '127.0.0.1' });
  return {
    urlOf: (endpoint: string) => `${url}/hooks/${endpoint}`,
    trust: (endpoint: string, secret: string) => void secrets.set(endpoint, secret),
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
