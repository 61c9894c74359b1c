import { isIP } from 'node:net';
import { bareHost, isIn, networks } from '#functions/http/networks.ts';
import forbidden from './forbidden-targets.json' with { type: 'json' };

/** Looks up all addresses of a name; `[]` for none. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

/** One message for every refused target; details would help to scan the network. */
export const forbiddenTarget = 'expected an address on the public internet';

export class ForbiddenTargetError extends Error {
  override readonly name = 'ForbiddenTargetError';
  override readonly message = forbiddenTarget;
}

/** Networks outside the public internet (IANA special-purpose registry), or that embed or stand for other addresses. */
const blocked = networks([...forbidden.networks[4], ...forbidden.networks[6]]);
const global = networks(['2000::/3']);

// NAT64: the last 32 bits are the IPv4 address (RFC 6052, 2.1). The local-use prefix, 64:ff9b:1::/48, stays forbidden,
// since each network maps it by itself.
const translated = networks(['64:ff9b::/96']);

/** True when an address is outside the public internet, or is no plain IP address. */
export function isForbidden(address: string): boolean {
  // BlockList ignores a zone, which names a network interface of this machine.
  if (address.includes('%')) return true;
  if (isIP(address) === 4) return isIn(blocked, address);
  if (isIn(translated, address)) return isIn(blocked, embedded4(address));
  return !isIn(global, address) || isIn(blocked, address);
}

/** Characters of a URL, so that the row of an endpoint stays small. */
const maxUrlLength = 2048;

/** Names of this machine, of private networks, and of AWS services in all partitions. */
const privateName =
  /^localhost$|\.(?:localhost|local|internal|home\.arpa|amazonaws\.(?:com|com\.cn|eu)|api\.(?:aws|amazonwebservices\.com\.cn|amazonwebservices\.eu))$/;

/** Problems of a URL that need no look-up; `allowPrivate` allows this machine, private networks, `http:` and any port. */
export function targetProblem(url: string, allowPrivate: boolean): string | undefined {
  const parsed = URL.parse(url);
  if (!parsed) return 'expected a URL such as https://example.com/webhooks';
  const { href, protocol, username, password, hash } = parsed;
  const problems: string[] = [];
  // The length as sent, escapes included, so that a URL accepted once passes at every attempt.
  if (href.length > maxUrlLength) problems.push(`expected a URL of at most ${maxUrlLength} characters`);
  if (protocol !== 'https:' && !(allowPrivate && protocol === 'http:')) problems.push('expected https:');
  if (username || password) problems.push('expected neither user name nor password; send a header instead');
  if (hash) problems.push('expected no fragment; it would not be sent');
  if (!allowPrivate) problems.push(...publicProblems(parsed));
  return problems.length > 0 ? problems.join('; ') : undefined;
}

function publicProblems(url: URL): string[] {
  const { protocol, hostname, port } = url;
  const literal = literalOf(url);
  const isPrivate = literal
    ? isForbidden(literal)
    : !hostname.includes('.') || hostname.endsWith('.') || privateName.test(hostname);
  if (isPrivate) return [forbiddenTarget];
  // Ports of public receivers; URLs spell 443 as none. Unusual ports more often belong to databases.
  return protocol !== 'https:' || port === '' || port === '8443' ? [] : ['expected port 443 or 8443'];
}

/**
 * Addresses of a URL that {@link targetProblem} accepts. One forbidden address forbids the name: a mixed result is
 * an attack or a mistake. @throws ForbiddenTargetError, an error for a name without addresses, or that of the look-up
 */
export async function resolvePublicAddresses(url: URL, resolve: Resolve, allowPrivate: boolean) {
  const literal = literalOf(url);
  const addresses = literal ? [literal] : await resolve(url.hostname);
  if (addresses.length === 0) throw new Error('the name has no address');
  if (!allowPrivate && addresses.some(isForbidden)) throw new ForbiddenTargetError();
  return addresses.map((address) => ({ address, family: isIP(address) === 6 ? 6 : 4 }));
}

/** Forms of headers that operators must not set, in lower case and with dashes. */
const reservedHeaders = Object.values(forbidden.headers)
  .flat()
  .map((form) => new RegExp(form));

/** The problem with a header that an operator configures. */
export function headerProblem(name: string, value: string): string | undefined {
  if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/.test(name)) return 'expected a header name of 1 to 64 characters';
  // CGI and WSGI read an underscore as a dash.
  const canonical = name.toLowerCase().replaceAll('_', '-');
  if (reservedHeaders.some((reserved) => reserved.test(canonical)))
    return 'expected a header that the notifier does not set or forbid';
  if (!/^[\x20-\x7e]{0,1024}$/.test(value)) return 'expected a value of at most 1024 printable ASCII characters';
  return undefined;
}

/** The IP address in a URL; undefined for a name. */
export const literalOf = (url: URL): string | undefined => (isIP(bareHost(url)) === 0 ? undefined : bareHost(url));

function embedded4(address: string): string {
  // WHATWG URL normalizes it to groups of hexadecimal digits; an empty group stands for zeros.
  const groups = new URL(`http://[${address}]`).hostname.slice(1, -1).split(':').slice(-2);
  const [high = 0, low = 0] = groups.map((group) => Number.parseInt(group || '0', 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}
