import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { EndpointCause } from '#functions/events/endpoint-event.ts';
import { Connections, encodingOf, type HttpAnswer } from '#functions/http/connections.ts';
import { HttpError } from '#functions/http/http-error.ts';
import { type ProxySettings, proxyFor } from '#functions/http/proxy.ts';
import { codeOf, tlsProblemOf } from '#functions/http/tls-problem.ts';
import failures from './post-failures.json' with { type: 'json' };
import { ForbiddenTargetError, literalOf, type Resolve, resolvePublicAddresses, targetProblem } from './ssrf-guard.ts';

/** An answer of any status, redirects included: the client does not follow them. */
export type PostAnswer = Readonly<Awaited<ReturnType<WebhookClient['post']>>>;

export type PostFailure = keyof typeof failures;
export const postFailures = Object.keys(failures) as PostFailure[];

/** The cause that operators hear of. */
export const causeOf = (failure: PostFailure) => failures[failure].cause as EndpointCause;

/** Thrown when no answer came; names neither URL nor address, and therefore has no `cause`. */
export class PostError extends Error {
  override readonly name = 'PostError';
  readonly failure: PostFailure;
  readonly code: string | undefined;

  constructor(failure: PostFailure, code?: string) {
    super(`no answer: ${failure.replaceAll('_', ' ')}`);
    this.failure = failure;
    this.code = code;
  }
}

export interface WebhookClientOptions {
  readonly resolve: Resolve;
  /** Allow targets on this machine and in private networks. */
  readonly allowPrivate: boolean;
  /** None by default, whatever the environment says. A proxy resolves names, so it decides which targets are allowed. */
  readonly proxy?: ProxySettings;
  /** Milliseconds for a whole request, from name look-up to the end of the answer. @default 15_000 */
  readonly timeoutMs?: number;
  /** Milliseconds of these for name look-up, TCP and TLS. @default 5_000 */
  readonly connectTimeoutMs?: number;
  /** Certificates in PEM to trust instead of the public ones. */
  readonly ca?: string;
}

/** Bytes of an answer that are read: receivers are not trusted, and many attempts are in flight. */
const maxBodyBytes = 16_384;
/** Bytes of an answer that are stored for operators. */
const keptBodyBytes = 1024;

export type WebhookClient = ReturnType<typeof webhookClient>;

/** Posts to untrusted URLs. */
export function webhookClient({ ca, resolve, allowPrivate, proxy: proxies, ...times }: WebhookClientOptions) {
  const { timeoutMs = 15_000, connectTimeoutMs = 5000 } = times;
  const connections = new Connections(ca);

  /** Sends one POST to addresses that it looks up and checks anew. @throws PostError when no answer came */
  async function post(url: string, headers: Readonly<Record<string, string>>, body: string) {
    const start = performance.now();
    const target = URL.parse(url);
    if (!target || targetProblem(url, allowPrivate) !== undefined) throw new PostError('forbidden_target');
    try {
      const proxy = proxies && proxyFor(target, proxies);
      const pinned = proxy ? {} : pinnedLookup(target, await vet(target));
      const spent = performance.now() - start;
      const answer = await connections.send({
        ...pinned,
        ...{ method: 'POST', url: target, headers, body, proxy, maxBytes: maxBodyBytes },
        timeoutMs: timeoutMs - spent,
        connectTimeoutMs: connectTimeoutMs - spent,
        // The receiver may have processed the request, but the id makes it idempotent.
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

  async function vet(target: URL): Promise<readonly LookupAddress[]> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const giveUp = () => reject(new PostError('connect_timeout'));
    const timer = literalOf(target) ? undefined : setTimeout(giveUp, Math.min(timeoutMs, connectTimeoutMs));
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

  return { post, close: (): void => connections.close() };
}

/** Restricts a request to these addresses, and to connections of requests with the same addresses. */
function pinnedLookup(target: URL, addresses: readonly LookupAddress[]) {
  // A fixed look-up, otherwise the name could change between check and connection (DNS rebinding).
  const lookup: LookupFunction = (_, { all }, callback) => {
    if (all) callback(null, [...addresses]);
    else callback(null, addresses[0]!.address, addresses[0]!.family);
  };
  return { lookup, pool: [target.origin, ...addresses.map(({ address }) => address).toSorted()].join(' ') };
}

/** The first KB of a body with blanks for control characters. For an encoded body only a note of the encoding. */
function textOf(answer: HttpAnswer): string {
  if (answer.body.length === 0 && !answer.flaw) return '';
  if (answer.flaw === 'encoded') return `(content-encoding ${encodingOf(answer)}, though none was requested)`;
  // `stream` drops a character cut in half.
  return new TextDecoder().decode(answer.body.subarray(0, keptBodyBytes), { stream: true }).replaceAll(/\p{Cc}/gu, ' ');
}

function failureOf(code = ''): PostFailure {
  const known = Object.entries(failures).find(([, failure]) => 'codes' in failure && failure.codes.includes(code));
  return (known?.[0] as PostFailure | undefined) ?? (tlsProblemOf(code) ? 'tls' : 'broken');
}
