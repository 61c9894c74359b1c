import { Cancellation } from '#functions/http/cancellation.ts';
import { Connections, type HttpAnswer } from '#functions/http/connections.ts';
import { HttpError } from '#functions/http/http-error.ts';
import { type ProxySettings, proxyFor } from '#functions/http/proxy.ts';
import { jsonOf } from '#functions/parsing/json.ts';
import { ApiError, CliError, exitCodes, unreachable } from '#infra/cli/terminal/cli-error.ts';
import type { Target } from './aws-target.ts';
import type { Page } from './resources.ts';

export type Query = Readonly<Record<string, string | undefined>>;

/** The part of the client that only reads. */
export interface ApiReader {
  get<T>(path: string, query?: Query): Promise<T>;
}

interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Path below the API's address, percent-encoded, for example by {@link path}. */
  readonly path: string;
  readonly query?: Query;
  readonly body?: object;
  /** @default 60000 */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Milliseconds for long work: more than the API's function can run. */
export const longTimeoutMs = 150_000;

/** Milliseconds for other requests: a function may have to start, and lists end by their own limits. */
const usualTimeoutMs = 60_000;

/** Limit of bytes in an answer: more than any page has. */
const largestAnswer = 16 * 1024 * 1024;

const largestPage = 100;

/** Percent-encodes all but the unreserved characters of RFC 3986, as AWS signatures require. */
const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);

/**
 * Percent-encodes the inserted parts of a path: path`/watches/${direction}/${mailbox}`.
 *
 * @throws ApiError for `.` and `..`, which lead to another resource, encoded as well (URL Standard, 4.4)
 */
export const path = (texts: TemplateStringsArray, ...parts: readonly string[]): string =>
  texts.map((text, index) => text + (index < parts.length ? encodedPart(parts[index]!) : '')).join('');

function encodedPart(part: string): string {
  if (part === '.' || part === '..') throw new ApiError(404, `no address can name '${part}'`);
  return encode(part);
}

export class ApiClient {
  private readonly target: Target;
  private readonly proxies: ProxySettings;
  private readonly connections = new Connections();

  constructor(target: Target, proxies: ProxySettings) {
    this.target = target;
    this.proxies = proxies;
  }

  get address(): string {
    return this.target.url;
  }

  get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
    return this.send({ method: 'GET', path, query, signal });
  }

  post<T>(path: string, body: object = {}, timeoutMs?: number): Promise<T> {
    return this.send({ method: 'POST', path, body, timeoutMs });
  }

  /** Reads at most `limit` items, page by page. @returns the items, and the cursor of the next page */
  async list<T>(path: string, query: Query, limit: number): Promise<Page<T>> {
    const items: T[] = [];
    let cursor = query.cursor;
    do {
      const size = String(Math.min(limit - items.length, largestPage));
      const page: Page<T> = await this.get(path, { ...query, limit: size, cursor });
      items.push(...page.items);
      cursor = page.next;
    } while (cursor !== undefined && items.length < limit);
    return { items, next: cursor };
  }

  /** @returns JSON; undefined for 204 @throws ApiError for a refusal, CliError when the operator API does not answer */
  async send<T>({ method, path, query = {}, body, timeoutMs = usualTimeoutMs, signal }: ApiRequest): Promise<T> {
    const search = Object.entries(query)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${encode(name)}=${encode(value!)}`)
      .join('&');
    const url = new URL(`${this.target.url}${path}${search && `?${search}`}`);
    const text = body && JSON.stringify(body);
    const headers = { accept: 'application/json', ...(text && { 'content-type': 'application/json' }) };
    const signed = await this.target.sign(method, url, headers, text);
    const cancellation = new Cancellation();
    signal?.addEventListener('abort', () => cancellation.cancel());
    const response = await this.connections
      .send({
        method,
        url,
        headers: signed,
        body: text,
        timeoutMs,
        maxBytes: largestAnswer,
        isRepeatable: method === 'GET',
        proxy: proxyFor(url, this.proxies),
        cancellation,
      })
      .catch((error: unknown) => {
        throw error instanceof HttpError ? this.unanswered(error, timeoutMs) : error;
      });
    const { status, flaw } = response;
    if (status === 204) return undefined as T;
    if (flaw) throw this.unanswered(new HttpError('network', `the answer is ${flaw.replace('_', ' ')}`), timeoutMs);
    const json = jsonOf(new TextDecoder().decode(response.body));
    if (status >= 200 && status < 300 && json !== undefined) return json as T;
    throw this.refusal(response, json);
  }

  private unanswered({ failure, code, message: said }: HttpError, timeoutMs: number): CliError {
    const { url, remedy } = this.target;
    if (failure === 'timeout' || failure === 'connect_timeout') {
      return unreachable(
        `the operator API at ${url} did not answer within ${timeoutMs / 1000} s: look at its log, then try again`,
      );
    }
    const what = failure === 'proxy' ? `the proxy ${said}` : (code ?? said);
    const help = failure === 'proxy' ? 'check HTTPS_PROXY, or name the host in NO_PROXY' : remedy;
    return unreachable(`cannot reach the operator API at ${url} (${what}): ${help}`);
  }

  private refusal({ status, headers }: HttpAnswer, json: unknown): CliError {
    const type = headers['content-type'] ?? 'nothing';
    // The API itself never answers 401; the guard of a local run does, for a wrong token.
    if (status !== 401 && type.startsWith('application/problem+json') && typeof json === 'object' && json !== null) {
      return problemOf(status, json);
    }
    // AWS itself answers for a function URL without a problem document.
    const { Message = undefined, message = Message } = (json ?? {}) as { Message?: unknown; message?: unknown };
    if (status === 401 || status === 403) {
      const said = typeof message === 'string' ? `${status}, ${message}` : String(status);
      return unreachable(
        `the operator API at ${this.target.url} refuses access (HTTP ${said}): ${this.target.admission(said)}`,
      );
    }
    return new CliError(
      status >= 500 ? exitCodes.refused : exitCodes.unreachable,
      `${this.target.url} answered HTTP ${status} with ${type}, where the operator API answers with JSON: ${this.target.remedy}`,
    );
  }
}

/** Error for a problem document (RFC 9457), with each mistake on its own line. */
function problemOf(status: number, document: object): ApiError {
  const { title, detail, problems, cause } = document as Record<string, unknown>;
  const mistakes = (Array.isArray(problems) ? problems : []).map(
    ({ path, message }) => `${path ? `${path}: ` : ''}${message}`,
  );
  const said = [detail, title].find((text) => typeof text === 'string' && text !== '') ?? `HTTP ${status}`;
  // The detail repeats them in one line.
  const what = mistakes.length > 1 ? `the operator API refuses it:\n  ${mistakes.join('\n  ')}` : String(said);
  return new ApiError(status, what, typeof cause === 'string' ? cause : undefined);
}
