import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import { codeOf, tlsProblemOf } from '../tls-problem.ts';
import { type Address, ForbiddenTargetError, type Resolve, vettedAddresses } from './guard.ts';

/** An answer, whatever it says; redirects are not followed. */
export interface PostAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** The first KB of the body as text; control characters are blanks. */
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

/** Thrown when a request brought no answer; says neither URL nor address, and so has no cause. */
export class PostError extends Error {
  override readonly name = 'PostError';
  readonly failure: PostFailure;
  /** Node's code for it, if it has one. */
  readonly code: string | undefined;

  constructor(failure: PostFailure, code?: string) {
    super(`no answer: ${failure.replaceAll('_', ' ')}`);
    this.failure = failure;
    this.code = code;
  }
}

/** How requests are made. */
export interface WebhookClientOptions {
  readonly resolve: Resolve;
  /** Let targets be on this machine or in a private network. */
  readonly allowPrivate: boolean;
  /**
   * Milliseconds for a whole request, from the look-up of the name to the end of the answer.
   *
   * @default 15_000
   */
  readonly timeout?: number;
  /**
   * Milliseconds of these for name look-up, TCP and TLS.
   *
   * @default 5_000
   */
  readonly connectTimeout?: number;
  /** Certificates in PEM to trust instead of the public ones. */
  readonly ca?: string;
}

const maxHeaderBytes = 16_384;
const maxBodyBytes = 16_384;
const keptBodyBytes = 1024;

const agentOptions = {
  keepAlive: true,
  /** Idle connections to one receiver, and the milliseconds that they are kept. */
  maxFreeSockets: 32,
  timeout: 15_000,
  /** Node's own 250 ms gives a receiver on the other side of the world up for its next address. */
  autoSelectFamilyAttemptTimeout: 1000,
} as const;

/** A request that may reach nothing but the addresses its `lookup` hands out, which `pin` names. */
interface PinnedRequest extends https.RequestOptions {
  readonly pin: string;
}

/** Posts to URLs that strangers have chosen. */
export class WebhookClient {
  private readonly resolve: Resolve;
  private readonly allowPrivate: boolean;
  private readonly timeout: number;
  private readonly connectTimeout: number;
  private readonly plain: http.Agent;
  private readonly encrypted: https.Agent;

  constructor({ resolve, allowPrivate, timeout = 15_000, connectTimeout = 5000, ca }: WebhookClientOptions) {
    this.resolve = resolve;
    this.allowPrivate = allowPrivate;
    this.timeout = timeout;
    this.connectTimeout = Math.min(connectTimeout, timeout);
    this.plain = sharedByPin(new http.Agent(agentOptions));
    this.encrypted = sharedByPin(new https.Agent({ ...agentOptions, ...(ca && { ca }) }));
  }

  /**
   * One POST. The name is looked up and judged for each, and only addresses that were found good are connected to.
   *
   * @param headers as the receiver shall see them; those of the connection and of the body's length are added
   * @throws PostError when no answer came
   */
  async post(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<PostAnswer> {
    const start = performance.now();
    const deadline = start + this.timeout;
    const target = URL.parse(url);
    if (!target) throw new PostError('forbidden_target');
    const addresses = await this.vet(target);
    const agent = target.protocol === 'https:' ? this.encrypted : this.plain;
    const request: PinnedRequest = {
      method: 'POST',
      headers: { ...headers, 'content-length': Buffer.byteLength(body), 'accept-encoding': 'identity' },
      agent,
      maxHeaderSize: maxHeaderBytes,
      lookup: only(addresses),
      pin: [target.host, ...addresses.map(({ address }) => address).toSorted()].join(' '),
    };
    try {
      return await send(target, request, body, start + this.connectTimeout, deadline);
    } catch (error) {
      if (!(error instanceof StaleConnectionError)) throw error;
      // Its neighbours are no fresher. The receiver may have had the request; the same id makes a second one harmless.
      for (const idle of agent.freeSockets[request.pin] ?? []) idle.destroy();
      return await send(target, request, body, performance.now() + this.connectTimeout, deadline);
    }
  }

  /** Ends the kept connections. */
  close(): void {
    this.plain.destroy();
    this.encrypted.destroy();
  }

  private async vet(target: URL): Promise<readonly Address[]> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new PostError('connect_timeout')), this.connectTimeout);
    try {
      return await Promise.race([vettedAddresses(target, this.resolve, this.allowPrivate), late]);
    } catch (error) {
      if (error instanceof PostError) throw error;
      if (error instanceof ForbiddenTargetError) throw new PostError('forbidden_target');
      throw new PostError('unresolvable', codeOf(error));
    } finally {
      clearTimeout(timer);
    }
  }
}

/**
 * @param connectBy instant by which a new connection has to stand
 * @param deadline instant by which the answer has to be complete
 * @throws PostError, StaleConnectionError
 */
function send(
  target: URL,
  options: PinnedRequest,
  body: string,
  connectBy: number,
  deadline: number,
): Promise<PostAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<PostAnswer>();
  const isTls = target.protocol === 'https:';
  const request = (isTls ? https : http).request(target, options);
  const fail = (failure: PostFailure) => {
    reject(new PostError(failure));
    request.destroy();
  };
  const timer = setTimeout(fail, deadline - performance.now(), 'timeout');
  let connectTimer: NodeJS.Timeout | undefined;
  let bytesBefore = 0;
  request.on('socket', (socket) => {
    bytesBefore = socket.bytesRead;
    if (!socket.connecting) return;
    connectTimer = setTimeout(fail, connectBy - performance.now(), 'connect_timeout');
    socket.once(isTls ? 'secureConnect' : 'connect', () => clearTimeout(connectTimer));
  });
  request.on('response', (response) => {
    const { statusCode: status = 0, headers } = response;
    // Nobody asked to switch protocols; where the answer names one, Node closes the connection itself. Other interim
    // answers never come here: HTTP has clients ignore them.
    if (status === 101) return fail('broken');
    const kept: Buffer[] = [];
    let bytes = 0;
    const answer = () => resolve({ status, headers, body: textOf(kept) });
    response.on('data', (chunk: Buffer) => {
      if (bytes < keptBodyBytes) kept.push(chunk);
      bytes += chunk.length;
      if (bytes <= maxBodyBytes) return;
      answer();
      request.destroy();
    });
    response.on('end', answer);
    response.on('error', () => fail('broken'));
  });
  request.on('error', (error) => {
    const code = codeOf(error);
    const isStale =
      request.reusedSocket &&
      (code === 'ECONNRESET' || code === 'EPIPE') &&
      (request.socket?.bytesRead ?? bytesBefore) === bytesBefore;
    reject(isStale ? new StaleConnectionError() : new PostError(failureOf(code), code));
  });
  request.on('close', () => {
    clearTimeout(timer);
    clearTimeout(connectTimer);
    reject(new PostError('broken'));
  });
  request.end(body);
  return promise;
}

/** A kept connection turned out to be closed. */
class StaleConnectionError extends Error {
  override readonly name = 'StaleConnectionError';
}

/** Has an agent share a connection only between requests to the same addresses of the same name. */
function sharedByPin<A extends http.Agent>(agent: A): A {
  agent.getName = (options) => (options as PinnedRequest).pin;
  return agent;
}

/** A look-up that knows nothing else, so that nothing changes between the check and the connection. */
function only(addresses: readonly Address[]): LookupFunction {
  return (_, { all }, callback) => {
    if (all) callback(null, [...addresses]);
    else callback(null, addresses[0]!.address, addresses[0]!.family);
  };
}

/** Streaming leaves out a character that the cut has halved. */
function textOf(chunks: readonly Buffer[]): string {
  const kept = Buffer.concat(chunks).subarray(0, keptBodyBytes);
  return new TextDecoder().decode(kept, { stream: true }).replaceAll(/\p{Cc}/gu, ' ');
}

/** Node's own codes for network, TLS and HTTP. */
function failureOf(code = ''): PostFailure {
  if (['ECONNREFUSED', 'EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH'].includes(code)) return 'refused';
  if (code === 'ETIMEDOUT') return 'connect_timeout';
  if (code === 'HPE_HEADER_OVERFLOW') return 'headers_too_large';
  return tlsProblemOf(code) ? 'tls' : 'broken';
}
