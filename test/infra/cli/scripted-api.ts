import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeEach } from 'vitest';
import { faultsOf, type SeenRequest } from './documented-request.ts';

/** What to answer; an object is a body for 200. */
export interface ScriptedAnswer {
  readonly status?: number;
  readonly type?: string;
  readonly body?: unknown;
}

type Route = ScriptedAnswer | ((request: SeenRequest) => ScriptedAnswer);

/**
 * Answers on loopback with what a test has set, and with a problem document otherwise. In place of the operator API, it
 * checks each request that it answers well against the API's documentation.
 */
export class ScriptedApi {
  readonly requests: SeenRequest[] = [];
  private readonly server: Server;
  private readonly routes = new Map<string, Route>();
  private readonly faults: string[] = [];

  private constructor(server: Server) {
    this.server = server;
  }

  /** @param stands what it replaces */
  static async start(stands: 'operator API' | 'other' = 'operator API'): Promise<ScriptedApi> {
    const server = createServer();
    const api = new ScriptedApi(server);
    server.on('request', async (request: IncomingMessage, response) => {
      const text = Buffer.concat(await request.toArray()).toString();
      const { method = '', url = '', headers } = request;
      const seen = { method, url, headers, text, body: text === '' ? undefined : parsed(text) };
      api.requests.push(seen);
      const path = url.split('?')[0]!;
      const route = api.routes.get(`${method} ${path}`) ?? problem(404, `there is no ${path}`);
      const { status = 200, type = 'application/json', body } = typeof route === 'function' ? route(seen) : route;
      if (stands === 'operator API' && status < 300) api.faults.push(...faultsOf(seen));
      response.writeHead(status, { 'content-type': type });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return api;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Says what to answer, for example to `GET /status`. */
  on(route: string, answer: Route): void {
    this.routes.set(route, answer);
  }

  /** Forgets what was said and seen. */
  reset(): void {
    this.routes.clear();
    this.requests.length = 0;
  }

  /** The requests of a method, as method and address. */
  get calls(): string[] {
    return this.requests.map(({ method, url }) => `${method} ${url}`);
  }

  /** @throws Error when a request was not as documented */
  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
    if (this.faults.length > 0) throw new Error(`the operator API would refuse\n${this.faults.join('\n')}`);
  }
}

/** Starts the operator API of a test file: reset before each test, and closed after the last. */
export async function startOperatorApi(): Promise<ScriptedApi> {
  const api = await ScriptedApi.start();
  beforeEach(() => api.reset());
  afterAll(() => api.close());
  return api;
}

/** A problem document as the operator API answers it. */
export const problem = (status: number, detail: string, more: object = {}): ScriptedAnswer => ({
  status,
  type: 'application/problem+json',
  body: { type: 'about:blank', title: 'Problem', status, detail, ...more },
});

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
