import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { getRequestListener } from '@hono/node-server';
import type { Language } from '#functions/notices/words/words.ts';
import type { ApiClient } from '#infra/cli/api/client.ts';
import type { StatusResource } from '#infra/cli/api/resources.ts';
import type { ConsoleSource } from '#infra/console/html/page.ts';
import { serveOnLoopback, withAny } from '#infra/loopback/loopback-guard.ts';
import { Admission } from './admission.ts';
import { consoleApp } from './app.ts';
import { LiveFeed } from './live-feed.ts';
import { routes } from './routes.ts';
import { sharedChecks } from './shared-checks.ts';
import { SharedReads } from './shared-reads.ts';

export interface ConsoleOptions extends Omit<ConsoleSource, 'api'> {
  readonly api: Pick<ApiClient, 'address' | 'get' | 'send'>;
  /** @default a free port */
  readonly port?: number | undefined;
  readonly language?: Language | undefined;
  /** Milliseconds from one look for news to the next. */
  readonly intervalMs: number;
  readonly onFault: (error: Error) => void;
  /** Clock in milliseconds that never goes back. */
  readonly steady: () => number;
}

/**
 * Serves the console on the loopback interface. Its first address has the token that lets a browser in; `url` has none.
 * `browserAddress` lets in one browser, and only before any other.
 *
 * @throws the system's error, such as EADDRINUSE
 */
export async function startConsole({ port, language, intervalMs, onFault, steady, ...given }: ConsoleOptions) {
  const api = new SharedReads(given.api, steady);
  const feed = new LiveFeed({
    read: () => stateOf(given.api),
    sleep: (milliseconds, signal) => sleep(milliseconds, undefined, { signal }).catch(() => undefined),
    intervalMs,
    steady,
    onNews: () => api.forget(),
  });
  const admission = new Admission();
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
  const source = { ...given, api, runChecks: sharedChecks(given.runChecks) };
  const app = consoleApp({ source, admission, feed, routes, language, timeZone, onFault });
  const server = http.createServer(getRequestListener(app.fetch, { overrideGlobalObjects: false }));
  server.maxRequestsPerSocket = mostRequests;
  const served = await serveOnLoopback(server, withAny, { host: '127.0.0.1', port: port ?? 0 }, 'own');
  return {
    url: served.url,
    firstAddress: `${served.url}/?token=${admission.token}`,
    browserAddress: `${served.url}/?token=${admission.ticket}`,
    async close() {
      feed.close();
      await served.close();
    },
  };
}

/** Requests of one connection: those that arrive together are all answered before the first answer is read. */
const mostRequests = 100;

/** Milliseconds by which an age is told apart: it grows all the time, which is no news. */
const ageStepMs = 60_000;

/** The news that open pages are renewed for: numbers, and the newest event. */
async function stateOf(api: Pick<ApiClient, 'get'>): Promise<unknown> {
  const [{ deliveries, ...status }, { items }] = await Promise.all([
    api.get<StatusResource>('/status'),
    api.get<{ readonly items: readonly { readonly id: string }[] }>('/events', { limit: '1' }),
  ]);
  const { oldestOverdueMs, ...counts } = deliveries;
  return [status, counts, Math.ceil(oldestOverdueMs / ageStepMs), items[0]?.id];
}
