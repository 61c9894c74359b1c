import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import { type Address, ForbiddenTargetError, type Resolve, UnresolvableError, vettedAddresses } from './guard.ts';

/** An answer, whatever it says; redirects are not followed. */
export interface PostAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** The first KB of the body as text. */
  readonly body: string;
}

/** Why a request brought no answer. */
export type PostFailure =
  | 'forbidden_target'
  | 'unresolvable'
  | 'connect_timeout'
  | 'timeout'
  | 'refused'
  | 'tls'
  | 'broken'
  | 'headers_too_large';

/** Thrown when a request brought no answer; says neither address nor URL. */
export class PostError extends Error {
  override readonly name = 'PostError';
  readonly failure: PostFailure;

  constructor(failure: PostFailure, cause?: unknown) {
    super(`no answer: ${failure.replaceAll('_', ' ')}`, { cause });
    this.failure = failure;
  }
}

/** How requests are made. */
export interface WebhookClientOptions {
  readonly resolve: Resolve;
  /** Let targets be on this machine or in a private network. */
  readonly allowPrivate: boolean;
  /** Milliseconds for a whole request, the answer included. */
  readonly timeout?: number;
  /** Milliseconds for name look-up, TCP and TLS. */
  readonly connectTimeout?: number;
  /** Certificates in PEM to trust instead of the public ones. */
  readonly ca?: string;
}

const maxHeaderBytes = 16_384;
const maxBodyBytes = 16_384;
const keptBodyBytes = 1024;

/** Connections of one agent that are kept open while idle. */
const maxIdle = 32;

/** Agents, one for each set of vetted addresses, that are kept. */
const maxAgents = 500;

/** Posts to URLs that strangers have chosen. */
export class WebhookClient {
  private readonly options: Required<Omit<WebhookClientOptions, 'ca'>> & Pick<WebhookClientOptions, 'ca'>;
  private readonly agents = new Map<string, http.Agent>();

  constructor(options: WebhookClientOptions) {
    this.options = { timeout: 15_000, connectTimeout: 5000, ...options };
  }

  /**
   * One POST. The name is looked up and judged for each, and only addresses that were found good are connected to.
   *
   * @throws PostError when no answer came
   */
  async post(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<PostAnswer> {
    const deadline = performance.now() + this.options.timeout;
    const target = new URL(url);
    const addresses = await this.vet(target);
    const bytes = Buffer.from(body);
    const all = { ...headers, 'content-length': bytes.length, 'accept-encoding': 'identity' };
    try {
      return await this.send(target, addresses, all, bytes, deadline);
    } catch (error) {
      // A kept connection that the receiver had closed meanwhile; the id makes a second arrival harmless.
      if (!(error instanceof StaleConnection)) throw error;
      this.agentFor(target, addresses).destroy();
      return await this.send(target, addresses, all, bytes, deadline);
    }
  }

  /** Ends the kept connections. */
  close(): void {
    for (const agent of this.agents.values()) agent.destroy();
  }

  private async vet(target: URL): Promise<readonly Address[]> {
    const { resolve, allowPrivate, connectTimeout } = this.options;
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new PostError('connect_timeout')), connectTimeout);
    try {
      return await Promise.race([vettedAddresses(target, resolve, allowPrivate), late]);
    } catch (error) {
      if (error instanceof PostError) throw error;
      if (error instanceof ForbiddenTargetError) throw new PostError('forbidden_target');
      throw new PostError('unresolvable', error instanceof UnresolvableError ? undefined : error);
    } finally {
      clearTimeout(timer);
    }
  }

  private send(
    target: URL,
    addresses: readonly Address[],
    headers: http.OutgoingHttpHeaders,
    body: Buffer,
    deadline: number,
  ): Promise<PostAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<PostAnswer>();
    const isTls = target.protocol === 'https:';
    const request = (isTls ? https : http).request(target, {
      method: 'POST',
      headers,
      agent: this.agentFor(target, addresses),
      maxHeaderSize: maxHeaderBytes,
      timeout: 0,
    });
    const fail = (failure: PostFailure, cause?: unknown) => {
      reject(new PostError(failure, cause));
      request.destroy();
    };
    const timer = setTimeout(() => fail('timeout'), Math.max(0, deadline - performance.now()));
    let connectTimer: NodeJS.Timeout | undefined;
    request.on('socket', (socket) => {
      if (!socket.connecting) return;
      connectTimer = setTimeout(() => fail('connect_timeout'), this.options.connectTimeout);
      socket.once(isTls ? 'secureConnect' : 'connect', () => clearTimeout(connectTimer));
    });
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      const answer = () => {
        const kept = Buffer.concat(chunks).subarray(0, keptBodyBytes).toString('utf8');
        resolve({ status: response.statusCode!, headers: response.headers, body: kept.replaceAll(/\p{Cc}/gu, ' ') });
      };
      response.on('data', (chunk: Buffer) => {
        if (bytes < keptBodyBytes) chunks.push(chunk);
        bytes += chunk.length;
        if (bytes <= maxBodyBytes) return;
        answer();
        request.destroy();
      });
      response.on('end', answer);
      response.on('error', (error) => fail('broken', error));
      response.on('aborted', () => fail('broken'));
    });
    request.on('upgrade', () => fail('broken'));
    request.on('error', (error: NodeJS.ErrnoException) => {
      const isStale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      reject(isStale ? new StaleConnection() : new PostError(failureOf(error), error));
    });
    request.on('close', () => {
      clearTimeout(timer);
      clearTimeout(connectTimer);
      reject(new PostError('broken'));
    });
    request.end(body);
    return promise;
  }

  /** Connections are shared only between requests to the same vetted addresses of the same name. */
  private agentFor({ protocol, host }: URL, addresses: readonly Address[]): http.Agent {
    const key = [protocol, host, ...addresses.map(({ address }) => address).toSorted()].join(' ');
    const known = this.agents.get(key);
    if (known) return known;
    const lookup: LookupFunction = (_, { all }, callback) => {
      const [first] = addresses;
      if (all) callback(null, [...addresses]);
      else callback(null, first!.address, first!.family);
    };
    const options = { keepAlive: true, maxFreeSockets: maxIdle, lookup };
    const { ca } = this.options;
    const agent = protocol === 'https:' ? new https.Agent({ ...options, ...(ca && { ca }) }) : new http.Agent(options);
    this.agents.set(key, agent);
    if (this.agents.size > maxAgents) this.forgetOldest();
    return agent;
  }

  private forgetOldest(): void {
    const [[key, agent] = []] = this.agents;
    if (key === undefined) return;
    agent?.destroy();
    this.agents.delete(key);
  }
}

/** A kept connection turned out to be closed. */
class StaleConnection extends Error {
  override readonly name = 'StaleConnection';
}

/** Node's own codes for network, TLS and HTTP. */
function failureOf({ code = '' }: NodeJS.ErrnoException): PostFailure {
  if (code === 'ECONNREFUSED' || code === 'EHOSTUNREACH' || code === 'ENETUNREACH') return 'refused';
  if (code === 'ETIMEDOUT') return 'connect_timeout';
  if (code === 'HPE_HEADER_OVERFLOW') return 'headers_too_large';
  return /CERT|SIGNATURE|SSL|TLS|HOSTNAME|INVALID_CA|INVALID_PURPOSE/.test(code) ? 'tls' : 'broken';
}
