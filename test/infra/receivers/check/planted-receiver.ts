import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';

/** Ways in which a receiver is wrong. */
export type Fault =
  | 'serializes again'
  | 'ignores the timestamp'
  | 'ignores the future'
  | 'accepts no signature'
  | 'accepts any signature'
  | 'first signature only'
  | 'repetition before verification'
  | 'no memory of ids'
  | 'looks up before the work'
  | 'takes older states'
  | '400 on unknown type'
  | '400 on unknown field'
  | 'limit of 10 KB'
  | 'first piece only'
  | 'processes on GET'
  | 'stores the id before the work'
  | '500 in a burst'
  | 'redirects'
  | 'slow'
  | 'answers before losing'
  | 'works later'
  | 'works later, and again';

export interface PlantedReceiver {
  readonly url: URL;
  /** Every webhook-id and test header that arrived. */
  readonly arrived: { readonly id: string; readonly mark: string }[];
  processed(): number;
  close(): void;
}

interface Received {
  readonly id: string;
  readonly type: string;
  readonly data: { readonly trackingId: string; readonly sequence: number };
}

/** Starts a receiver that is right but for one fault. */
export async function plantedReceiver(secret: string, fault?: Fault): Promise<PlantedReceiver> {
  const webhook = new Webhook(secret);
  const seen = new Set<string>();
  const sequences = new Map<string, number>();
  const arrived: { id: string; mark: string }[] = [];
  const isOfBurst = fault === '500 in a burst' || fault === 'stores the id before the work';
  let processed = 0;
  let busy = 0;

  async function take(event: Received): Promise<number> {
    const { trackingId, sequence } = event.data;
    if (seen.has(event.id) && fault === 'works later, and again') setTimeout(() => (processed += 1), 200);
    if (seen.has(event.id) && fault !== 'no memory of ids') return 204;
    if (fault === '400 on unknown type' && !event.type.startsWith('transfer.')) return 400;
    if (fault === '400 on unknown field' && 'later' in event) return 400;
    if (fault !== 'looks up before the work') seen.add(event.id);
    // A database that takes its time, with a pool of five connections.
    if (isOfBurst) await new Promise((resolve) => setTimeout(resolve, 20));
    if (isOfBurst && busy > 5) {
      if (fault === '500 in a burst') seen.delete(event.id);
      return 500;
    }
    if (!event.type.startsWith('transfer.')) return 204;
    if (fault === 'looks up before the work') await new Promise((resolve) => setTimeout(resolve, 20));
    const known = sequences.get(trackingId) ?? 0;
    const isRepeated = sequence === known && /no memory|looks up/.test(fault ?? '');
    if (sequence > known || isRepeated || fault === 'takes older states') {
      sequences.set(trackingId, sequence);
      if (fault?.startsWith('works later')) setTimeout(() => (processed += 1), 100);
      else if (fault !== 'answers before losing') processed += 1;
    }
    seen.add(event.id);
    return 204;
  }

  function verified(headers: Record<string, string>, body: Buffer): Received | undefined {
    const event = JSON.parse(body.toString());
    const { 'webhook-id': id = '', 'webhook-signature': signatures = '' } = headers;
    if (fault === 'accepts any signature') return event;
    if (fault === 'accepts no signature' && signatures === '') return event;
    if (fault === 'repetition before verification' && seen.has(id)) return event;
    const text = fault === 'serializes again' ? JSON.stringify(event) : body;
    const at = Number(headers['webhook-timestamp']);
    const isUnchecked = fault === 'ignores the timestamp' || (fault === 'ignores the future' && at > Date.now() / 1000);
    if (isUnchecked)
      return signatures.split(' ').includes(webhook.sign(id, new Date(1000 * at), body)) ? event : undefined;
    const known = fault === 'first signature only' ? signatures.split(' ')[0]! : signatures;
    try {
      webhook.verify(text, { ...headers, 'webhook-signature': known });
      return event;
    } catch {
      return undefined;
    }
  }

  async function answer(request: http.IncomingMessage): Promise<number> {
    const headers = request.headers as Record<string, string>;
    arrived.push({ id: headers['webhook-id']!, mark: headers['transfer-notifier-test']! });
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      chunks.push(chunk);
      if (fault === 'first piece only') break;
    }
    const body = Buffer.concat(chunks);
    if (request.method !== 'POST') {
      if (fault === 'processes on GET' && request.method === 'GET') processed += 1;
      return 405;
    }
    if (fault === 'redirects') return 307;
    if (fault === 'slow') return new Promise(() => {});
    if (fault === 'limit of 10 KB' && body.length > 10_240) return 413;
    try {
      const event = verified(headers, body);
      return event ? await take(event) : 401;
    } catch {
      return 400;
    }
  }

  const server = http.createServer(async (request, response) => {
    busy += 1;
    const status = await answer(request);
    response.writeHead(status, status === 307 ? { location: '/elsewhere' } : {}).end(() => {
      busy -= 1;
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks`),
    arrived,
    processed: () => processed,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
