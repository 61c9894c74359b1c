import type { IncomingHttpHeaders } from 'node:http';
import type { LookupFunction } from 'node:net';
import { Connections, encodingOf, type HttpAnswer } from '#functions/http/connections.ts';
import { HttpError } from '#functions/http/http-error.ts';
import { type ProxySettings, proxyFor } from '#functions/http/proxy.ts';
import { codeOf, tlsProblemOf } from '#functions/http/tls-problem.ts';
import {
  type Address,
  ForbiddenTargetError,
  literalOf,
  type Resolve,
  resolvePublicAddresses,
  targetProblem,
} from './ssrf-guard.ts';

/** An answer, whatever it says; redirects are not followed. */
export interface PostAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The first KB of the body as text, control characters being blanks; of an encoded body just that it is. */
  readonly body: string;
}

/** What kept a request from being answered. */
export const postFailures = [
  'forbidden_target',
  'unresolvable',
  'connect_timeout',
  'proxy',
  'refused',
  'broken',
  'timeout',
  'tls',
  'headers_too_large',
] as const;
export type PostFailure = (typeof postFailures)[number];

/** Thrown when a request brought no answer; says neither URL nor address, and so has no cause. */
export class PostError extends Error {
  override readonly name = 'PostError';
  readonly failure: PostFailure;
  /** Node's, if it has one. */
  readonly code: string | undefined;

  constructor(failure: PostFailure, code?: string) {
    super(`no answer: ${failure.replaceAll('_', ' ')}`);
    this.failure = failure;
    this.code = code;
  }
}

export interface WebhookClientOptions {
  readonly resolve: Resolve;
  /** Let targets be on this machine or in a private network. */
  readonly allowPrivate: boolean;
  /** None by default, whatever the environment says. It looks names up and connects: what may be reached is for it to decide. */
  readonly proxy?: ProxySettings;
  /** Milliseconds for a whole request, from the look-up of the name to the end of the answer; 15,000 by default. */
  readonly timeout?: number;
  /** Milliseconds of these for name look-up, TCP and TLS; 5,000 by default. */
  readonly connectTimeout?: number;
  /** Certificates in PEM to trust instead of the public ones. */
  readonly ca?: string;
}

const maxBodyBytes = 16_384;
const keptBodyBytes = 1024;

/** URLs that are remembered. */
const mostTargets = 500;

/** Posts to URLs that strangers have chosen. */
export class WebhookClient {
  private readonly options: Required<Omit<WebhookClientOptions, 'ca'>>;
  private readonly connections: Connections;
  private readonly targets = new Map<string, URL>();

  constructor({ ca, ...options }: WebhookClientOptions) {
    const direct = { proxy: undefined, except: undefined };
    this.options = { proxy: direct, timeout: 15_000, connectTimeout: 5000, ...options };
    this.connections = new Connections(ca);
  }

  /**
   * One POST. The name is looked up and judged for each, and only addresses that were found good are connected to.
   *
   * @param headers as the receiver shall see them; those of the connection and of the body's length are added
   * @throws PostError when no answer came
   */
  async post(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<PostAnswer> {
    const { proxy: proxies, timeout, connectTimeout } = this.options;
    const start = performance.now();
    const target = this.targetOf(url);
    try {
      const proxy = proxyFor(target, proxies);
      const pinned = proxy ? {} : pinnedLookup(target, await this.vet(target));
      const spent = performance.now() - start;
      const answer = await this.connections.send({
        ...pinned,
        method: 'POST',
        url: target,
        headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
        body,
        proxy,
        timeout: timeout - spent,
        connectTimeout: connectTimeout - spent,
        maxBytes: maxBodyBytes,
        // The receiver may have had the request; the same id makes a second one harmless.
        isRepeatable: true,
      });
      if (answer.flaw === 'late') throw new PostError('timeout');
      return { status: answer.status, headers: answer.headers, body: textOf(answer) };
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      const { failure, code } = error;
      throw failure === 'network' ? new PostError(failureOf(code), code) : new PostError(failure);
    }
  }

  close(): void {
    this.connections.close();
  }

  /** Tells what is wrong with the text of a URL but once, for an endpoint gets many requests. */
  private targetOf(url: string): URL {
    const known = this.targets.get(url);
    if (known) return known;
    const target = URL.parse(url);
    if (!target || targetProblem(url, this.options.allowPrivate) !== undefined) throw new PostError('forbidden_target');
    if (this.targets.size >= mostTargets) this.targets.clear();
    this.targets.set(url, target);
    return target;
  }

  private async vet(target: URL): Promise<readonly Address[]> {
    const { resolve, allowPrivate, timeout, connectTimeout } = this.options;
    const { promise: late, reject } = Promise.withResolvers<never>();
    const giveUp = () => reject(new PostError('connect_timeout'));
    // An address needs no look-up, and so no time.
    const timer = literalOf(target.hostname) ? undefined : setTimeout(giveUp, Math.min(timeout, connectTimeout));
    try {
      return await Promise.race([resolvePublicAddresses(target, resolve, allowPrivate), late]);
    } catch (error) {
      if (error instanceof PostError) throw error;
      if (error instanceof ForbiddenTargetError) throw new PostError('forbidden_target');
      throw new PostError('unresolvable', codeOf(error));
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Has a request reach nothing but these addresses, and share connections only with requests to the same. */
function pinnedLookup(target: URL, addresses: readonly Address[]) {
  // It knows nothing else, so that nothing changes between the check and the connection.
  const lookup: LookupFunction = (_, { all }, callback) => {
    if (all) callback(null, [...addresses]);
    else callback(null, addresses[0]!.address, addresses[0]!.family);
  };
  return { lookup, pool: [target.origin, ...addresses.map(({ address }) => address).toSorted()].join(' ') };
}

/** Streaming leaves out a character that the cut has halved. */
function textOf(answer: HttpAnswer): string {
  if (answer.body.length === 0 && !answer.flaw) return '';
  if (answer.flaw === 'encoded') return `(content-encoding ${encodingOf(answer)}, which was not asked for)`;
  const kept = answer.body.subarray(0, keptBodyBytes);
  return new TextDecoder().decode(kept, { stream: true }).replaceAll(/\p{Cc}/gu, ' ');
}

function failureOf(code = ''): PostFailure {
  if (['ECONNREFUSED', 'EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH'].includes(code)) return 'refused';
  if (code === 'ETIMEDOUT') return 'connect_timeout';
  if (code === 'HPE_HEADER_OVERFLOW') return 'headers_too_large';
  return tlsProblemOf(code) ? 'tls' : 'broken';
}
