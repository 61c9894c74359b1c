import http from 'node:http';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import { listenOnLoopback } from '#infra/loopback/loopback-guard.ts';

/** A webhook that has arrived. */
interface Arrival {
  /** Last part of the path. */
  readonly endpoint: string;
  readonly status: number;
  /** True if the signature is that of the secret of `trust`. */
  readonly isVerified: boolean;
  readonly body: { readonly type: string; readonly data: Readonly<Record<string, unknown>> };
}

export type Receiver = Awaited<ReturnType<typeof startReceiver>>;

/** Starts a receiver of webhooks. It answers 204, unless a test has it answer otherwise. */
export async function startReceiver() {
  const arrivals: Arrival[] = [];
  const answers = new Map<string, { readonly status: number; readonly body: string }>();
  const secrets = new Map<string, string>();
  const server = http.createServer(async (request, response) => {
    const endpoint = request.url!.split('/').at(-1)!;
    const body = await text(request);
    const { status, body: said } = answers.get(endpoint) ?? { status: 204, body: '' };
    const isVerified = verifies(secrets.get(endpoint), body, request.headers as Record<string, string>);
    arrivals.push({ endpoint, status, isVerified, body: JSON.parse(body) });
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(said);
  });
  const url = await listenOnLoopback(server);
  return {
    arrivals,
    urlOf: (endpoint: string) => `${url}/hooks/${endpoint}`,
    trust: (endpoint: string, secret: string) => void secrets.set(endpoint, secret),
    answer: (endpoint: string, status: number, body = '') => void answers.set(endpoint, { status, body }),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function verifies(secret: string | undefined, body: string, headers: Record<string, string>): boolean {
  try {
    return secret !== undefined && new Webhook(secret).verify(body, headers) !== undefined;
  } catch {
    return false;
  }
}
