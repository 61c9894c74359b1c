import http from 'node:http';
import { isLoopbackAddress, type ListenAddress } from '#infra/config/listening.ts';
import { serveOnLoopback, serveOnNetwork } from '#infra/loopback/loopback-guard.ts';
import type { NotifierMetrics } from './metrics.ts';

type Metrics = Pick<NotifierMetrics, 'text' | 'contentType'>;

/** Limits for clients that the guard of the loopback interface does not know. */
const mostConnections = 64;
const timeoutMs = 10_000;

/** Answers a request for metrics. */
export async function answerMetrics(metrics: Metrics, response: http.ServerResponse): Promise<void> {
  const text = await metrics.text();
  response.writeHead(200, { 'content-type': metrics.contentType, 'cache-control': 'no-store' }).end(text);
}

/**
 * Serves `GET /metrics` without credentials, as Prometheus expects it. It refuses web pages.
 *
 * @throws the system's error when it cannot listen there
 */
export async function serveMetrics(metrics: Metrics, address: ListenAddress) {
  const limits = { requestTimeout: timeoutMs, headersTimeout: timeoutMs, connectionsCheckingInterval: timeoutMs };
  const server = http.createServer(limits, ({ method = '', url = '' }, response) => {
    const isRead = method === 'GET' || method === 'HEAD';
    if (isRead && url.split('?')[0] === '/metrics') answerMetrics(metrics, response).catch(() => response.destroy());
    else response.writeHead(isRead ? 404 : 405, { allow: 'GET, HEAD' }).end();
  });
  server.maxConnections = mostConnections;
  // Requests that arrive together would all be answered before the first answer is read.
  server.maxRequestsPerSocket = 1;
  const served = await (isLoopbackAddress(address)
    ? serveOnLoopback(server, () => undefined, address)
    : serveOnNetwork(server, address));
  return { ...served, url: `${served.url}/metrics` };
}
