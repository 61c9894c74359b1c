import { BlockList, isIP } from 'node:net';

export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Looks a name up: all its addresses, or none. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

/** What is said of every target that is not on the public internet, whatever it is: more would help to scan a network. */
export const forbiddenTarget = 'expected an address on the public internet';

/** Thrown when a target is, or resolves to, an address that must not be reached. */
export class ForbiddenTargetError extends Error {
  override readonly name = 'ForbiddenTargetError';
  override readonly message = forbiddenTarget;
}

/** Networks of IPv4 that are not on the public internet (IANA special-purpose registry). */
const forbidden4 = [
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.31.196.0/24',
  '192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4',
  '240.0.0.0/4',
].flatMap((line) => line.split(' '));

/** Of IPv6 only global unicast is let through, and of that not these: they embed or stand for something else. */
const global = blockList(['2000::/3']);
const forbidden6 = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20'];

const blocked = blockList([...forbidden4, ...forbidden6]);

/**
 * Where a translator (NAT64) shows IPv4 to a network that has none: the last 32 bits are the IPv4 address that is reached
 * (RFC 6052, 2.1). The prefix for local use, 64:ff9b:1::/48, is each network's own affair, and so stays forbidden.
 */
const translated = blockList(['64:ff9b::/96']);

/** Whether an IP address is not on the public internet; what is no plain IP address is not either. */
export function isForbidden(address: string): boolean {
  // BlockList looks past a zone, which names a network card of this machine.
  if (address.includes('%')) return true;
  if (isIP(address) === 4) return blocked.check(address, 'ipv4');
  if (translated.check(address, 'ipv6')) return blocked.check(embedded4(address), 'ipv4');
  return !global.check(address, 'ipv6') || blocked.check(address, 'ipv6');
}

const maxUrlLength = 2048;

/** Ports of public receivers, 443 being spelt as none; an unusual port is more often somebody's database. */
const allowedPorts: ReadonlySet<string> = new Set(['', '8443']);

/** Names of this machine and of private networks, and of AWS's own services in all of its partitions. */
const privateName =
  /^localhost$|\.(?:localhost|local|internal|home\.arpa|amazonaws\.(?:com|com\.cn|eu)|api\.(?:aws|amazonwebservices\.com\.cn|amazonwebservices\.eu))$/;

/**
 * Tells everything that is wrong with the URL of a target, as far as that can be told without looking its name up.
 *
 * @param allowPrivate let it be on this machine or in a private network, by `http:` as well and on any port, because
 * that is where receivers under development listen
 */
export function targetProblem(url: string, allowPrivate: boolean): string | undefined {
  const parsed = URL.parse(url);
  if (!parsed) return 'expected a URL such as https://example.com/webhooks';
  const { href, protocol, username, password, hash } = parsed;
  const problems: string[] = [];
  // As it is sent: escapes make it longer, and what passes once has to pass at every attempt.
  if (href.length > maxUrlLength) problems.push(`expected a URL of at most ${maxUrlLength} characters`);
  if (protocol !== 'https:' && !(allowPrivate && protocol === 'http:')) problems.push('expected https:');
  if (username || password) problems.push('expected neither user name nor password; send a header instead');
  if (hash) problems.push('expected no fragment; it would not be sent');
  if (!allowPrivate) problems.push(...publicProblems(parsed));
  return problems.length > 0 ? problems.join('; ') : undefined;
}

function publicProblems({ protocol, hostname, port }: URL): string[] {
  const literal = literalOf(hostname);
  const isPrivate = literal
    ? isForbidden(literal)
    : !hostname.includes('.') || hostname.endsWith('.') || privateName.test(hostname);
  if (isPrivate) return [forbiddenTarget];
  // Another protocol has ports of its own.
  return protocol !== 'https:' || allowedPorts.has(port) ? [] : ['expected port 443 or 8443'];
}

/**
 * The addresses to connect to for a URL in whose text nothing is wrong, looked up now. Where even one of a name's addresses is
 * forbidden, all are: what resolves to both is an attack, or a mistake.
 *
 * @throws ForbiddenTargetError, an error where a name has no address, or the error of the look-up
 */
export async function resolvePublicAddresses(
  url: URL,
  resolve: Resolve,
  allowPrivate: boolean,
): Promise<readonly Address[]> {
  const literal = literalOf(url.hostname);
  const addresses = literal ? [literal] : await resolve(url.hostname);
  if (addresses.length === 0) throw new Error('the name has no address');
  if (!allowPrivate && addresses.some(isForbidden)) throw new ForbiddenTargetError();
  return addresses.map((address) => ({ address, family: isIP(address) === 6 ? 6 : 4 }));
}

/** Headers that no operator may have sent, in small letters and with dashes. */
const reservedHeaders: readonly RegExp[] = [
  // How a request is to be read and passed on, and what the notifier says in it itself.
  /^(?:host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|http2-settings|expect|max-forwards|early-data)$/,
  /^(?:user-agent|cookie|accept-encoding|proxy)$|^(?:content|webhook|proxy|sec)-/,
  // Who asks, and in what way: receivers believe it, because their own proxies tell it like this.
  /^(?:via|forwarded)$|^x-forward|(?:^|-)(?:client|socket)?ip(?:v[46])?$|^(?:x-)?(?:remote|ssl|client-cert)(?:$|-)/,
  /^x-(?:url-)?scheme$|^front-end-https$|^cf-(?!access-)|^(?:fastly|x-envoy|x-azure|x-appengine)-/,
  /^x-goog-(?:authenticated|iap)-|^x-ms-client-principal/,
  // Another address or method than those of the request.
  /^x-(?:host$|(?:original|rewrite|override|http-host|http-method|method-override)(?:$|-))/,
  // What opens the services of a cloud, metadata services among them.
  /^x-(?:amzn?|aws|metadata)-|^x-google-metadata|^metadata/,
];

/** Tells what is wrong with a header that an operator wants to be sent. */
export function headerProblem(name: string, value: string): string | undefined {
  if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/.test(name)) return 'expected a header name of 1 to 64 characters';
  // Gateways such as CGI and WSGI take an underscore for a dash.
  const canonical = name.toLowerCase().replaceAll('_', '-');
  if (reservedHeaders.some((reserved) => reserved.test(canonical)))
    return 'expected a header that the notifier does not set or forbid';
  if (!/^[\x20-\x7e]{0,1024}$/.test(value)) return 'expected a value of at most 1024 printable ASCII characters';
  return undefined;
}

/** The IP address that a hostname is; WHATWG URL has spelt it canonically by now. */
export function literalOf(hostname: string): string | undefined {
  const bare = hostname.replace(/^\[(.*)\]$/, '$1');
  return isIP(bare) === 0 ? undefined : bare;
}

/** The IPv4 address that the last 32 bits of an IPv6 address are. */
function embedded4(address: string): string {
  // WHATWG URL spells it canonically, in groups of hexadecimal digits; an empty one stands for zeros.
  const groups = new URL(`http://[${address}]`).hostname.slice(1, -1).split(':').slice(-2);
  const [high = 0, low = 0] = groups.map((group) => Number.parseInt(group || '0', 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    list.addSubnet(address, Number(prefix), isIP(address) === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}
