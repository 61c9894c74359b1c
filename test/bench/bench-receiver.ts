import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** When a webhook arrived, by its `webhook-id`: Unix time in milliseconds with fractions. */
export type Arrivals = Record<string, number>;

/** A receiver that answers at once, or behaves badly at some of its paths. */
export interface BenchReceiver {
  readonly url: string;
  /** First arrivals at `/ok` since this was asked last. */
  takeArrivals(): Arrivals;
}

/** Milliseconds that `/sleep` takes to answer. */
const sleep = 14_000;

/** Starts the receiver: `/ok` and `/healthy…` answer at once, `/sleep` after 14 s, `/drip` a byte a second for ever. */
export async function startBenchReceiver(): Promise<BenchReceiver> {
  let arrivals: Arrivals = {};
  const server = http.createServer((request, response) => {
    const at = performance.timeOrigin + performance.now();
    request.resume();
    if (request.url === '/ok') arrivals[String(request.headers['webhook-id'])] ??= at;
    if (request.url === '/ok' || request.url?.startsWith('/healthy')) {
      request.on('end', () => response.writeHead(204).end());
    } else if (request.url === '/sleep') {
      const timer = setTimeout(() => response.writeHead(204).end(), sleep);
      response.on('close', () => clearTimeout(timer));
    } else {
      response.writeHead(200);
      const timer = setInterval(() => response.write('.'), 1000);
      response.on('close', () => clearInterval(timer));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    takeArrivals() {
      const taken = arrivals;
      arrivals = {};
      return taken;
    },
  };
}
