import https from 'node:https';
import { text } from 'node:stream/consumers';
import { generate } from 'selfsigned';
import { Webhook } from 'standardwebhooks';
import { Arrivals } from './arrivals.ts';
import { listenOnLoopback } from './loopback-server.ts';

/** A request as it arrived. */
export interface ReceivedPost {
  readonly host: string | undefined;
  readonly path: string;
  /** The body, once the official library has found the signature on it to be good; else undefined. */
  readonly body: unknown;
}

/** A receiver of webhooks that believes it is on the public internet. */
export interface PublicReceiver {
  readonly port: number;
  /** The certificate to trust, in PEM. */
  readonly certificate: string;
  readonly posts: Arrivals<ReceivedPost>;
  /** Secrets by paths; a path without one needs no signature. */
  readonly secrets: Map<string, string>;
  /** Statuses by the paths that do not get 204. */
  readonly answers: Map<string, number>;
  close(): Promise<void>;
}

/** Starts a receiver of its own for `hooks.example.com`, on this machine. */
export async function startPublicReceiver(): Promise<PublicReceiver> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'hooks.example.com' }], {
    keyType: 'ec',
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: 'hooks.example.com' }] },
    ],
  });
  const posts = new Arrivals<ReceivedPost>();
  const secrets = new Map<string, string>();
  const answers = new Map<string, number>();
  const server = https.createServer({ key, cert }, async (request, response) => {
    const path = request.url ?? '';
    const body = await text(request);
    const { headers } = request;
    const verified = verifiedBody(secrets.get(path), body, headers as Record<string, string>);
    response.writeHead(verified === undefined ? 401 : (answers.get(path) ?? 204)).end();
    posts.add({ host: headers.host, path, body: verified });
  });
  const { port, close } = await listenOnLoopback(server);
  return {
    port,
    certificate: cert,
    posts,
    secrets,
    answers,
    close,
  };
}

function verifiedBody(secret: string | undefined, body: string, headers: Record<string, string>): unknown {
  if (secret === undefined) return JSON.parse(body);
  try {
    return new Webhook(secret).verify(body, headers);
  } catch {
    return undefined;
  }
}
