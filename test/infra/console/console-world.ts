import { once } from 'node:events';
import http from 'node:http';
import { buffer, text } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { proxySettingsIn } from '#functions/http/proxy.ts';
import { ApiClient } from '#infra/cli/api/client.ts';
import { localTarget } from '#infra/cli/api/target.ts';
import { type ConsoleOptions, startConsole } from '#infra/console/server.ts';
import { listenOnLoopback } from '#infra/loopback/loopback-guard.ts';
import { startOperatorWorld } from '#test/support/operator-world.ts';

/** An answer of the console. */
export interface Shown {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
  /** Bytes of the body on the way. */
  readonly bytes: number;
}

export interface Asked {
  readonly method?: string;
  readonly headers?: http.OutgoingHttpHeaders;
  /** Fields of a form. */
  readonly form?: Readonly<Record<string, string>>;
}

/** Sends a request as it is; no cookie, no origin, unless they are given. */
export async function ask(origin: string, path: string, { method, headers = {}, form }: Asked = {}): Promise<Shown> {
  const body = form && new URLSearchParams(form).toString();
  const type = form && { 'content-type': 'application/x-www-form-urlencoded' };
  const request = http.request(origin, {
    ...{ path, method: method ?? (form ? 'POST' : 'GET'), agent: false },
    // Node would send the length of no body in chunks.
    headers: {
      ...type,
      ...(!body && method !== undefined && !headers['transfer-encoding'] && { 'content-length': 0 }),
      ...headers,
    },
  });
  request.end(body);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const bytes = await buffer(response);
  const isZipped = response.headers['content-encoding'] === 'gzip';
  const shown = isZipped ? gunzipSync(bytes) : bytes;
  return { status: response.statusCode!, headers: response.headers, body: shown.toString(), bytes: bytes.length };
}

/** A console that has admitted no browser yet. */
export const startedConsole = (api: string, options: Partial<ConsoleOptions> = {}) =>
  startConsole({
    api: new ApiClient(localTarget(api, undefined, 'start it'), proxySettingsIn({})),
    mayChange: false,
    now: () => new Date(),
    hint: (command) => `npm run notifier -- ${command}`,
    runChecks: async () => [],
    intervalMs: 3_600_000,
    onFault: () => undefined,
    steady: () => performance.now(),
    ...options,
  });

/** A console with a browser that it has admitted. */
export async function openConsole(api: string, options: Partial<ConsoleOptions> = {}) {
  const faults: Error[] = [];
  const served = await startedConsole(api, { onFault: (error) => faults.push(error), ...options });
  const first = new URL(served.firstAddress);
  const admitted = await ask(served.url, first.pathname + first.search);
  const cookie = admitted.headers['set-cookie']![0]!.split(';')[0]!;
  return {
    ...served,
    /** Errors of the console itself. */
    faults,
    /** Answer to the first address. */
    admitted,
    cookie,
    /** Asks as a page of the console does. */
    ask: (path: string, asked: Asked = {}): Promise<Shown> =>
      ask(served.url, path, { ...asked, headers: { cookie, ...asked.headers } }),
    /** A page in English, or in another language, without marks. */
    async read(path: string, language = 'en'): Promise<string> {
      const { body } = await ask(served.url, path, { headers: { cookie, 'accept-language': language } });
      return textIn(body);
    },
  };
}

export type OpenConsole = Awaited<ReturnType<typeof openConsole>>;

/** Bytes that a browser gets for a page with its files. */
export async function bytesOf({ ask: get }: Pick<OpenConsole, 'ask'>, path: string, language = 'en'): Promise<number> {
  const headers = { 'accept-encoding': 'gzip, deflate, br', 'accept-language': language };
  const all = await Promise.all([path, '/style.css', '/console.js', '/icon.svg'].map((one) => get(one, { headers })));
  return all.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** The text of a page, as people read it. */
export const textIn = (page: string): string =>
  page
    .slice(page.indexOf('<main'))
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll('&#39;', "'")
    .replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
    .replaceAll(/\s+/g, ' ');

/** Embedded services with the operator API on loopback, and a console for it. @param data folder; in memory without it */
export async function startConsoleWorld(options: Partial<ConsoleOptions> = {}, data?: string) {
  const world = await startOperatorWorld(data);
  const server = http.createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url!, 'http://localhost');
    const body = await text(request);
    const query = Object.fromEntries(searchParams);
    const answer = await world.ask(request.method!, pathname, { query, ...(body && { text: body }) });
    response.writeHead(answer.status, { 'content-type': answer.type });
    response.end(answer.body === undefined ? undefined : JSON.stringify(answer.body));
  });
  const api = await listenOnLoopback(server);
  const console = await openConsole(api, { now: world.clock.now, steady: world.clock.steady, ...options });
  return {
    ...world,
    console,
    api,
    /** Polls what is due, as each minute. */
    tick: (): Promise<unknown> => world.functions.get('poll')!({ shard: 0, at: world.clock.now().toISOString() }),
    async close() {
      await console.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await world.close();
    },
  };
}

export type ConsoleWorld = Awaited<ReturnType<typeof startConsoleWorld>>;
