import { NODATA, NOTFOUND } from 'node:dns';
import { lookup, Resolver } from 'node:dns/promises';
import pLimit from 'p-limit';
import type { Resolve } from './ssrf-guard.ts';

interface ResolverOptions {
  /** The system's look-up; rejects when it finds no address. */
  readonly system?: Resolve;
  readonly direct?: Resolve;
  /** Milliseconds that a name waits for its turn before name servers are asked directly as well. @default 250 */
  readonly patienceMs?: number;
}

/** Names of this machine (RFC 6761, 6.3); some systems do not resolve those below `localhost`. */
const localhost = /^(?:.*\.)?localhost\.?$/;
const loopback = ['127.0.0.1', '::1'];

/**
 * Looks names up as the system does: hosts file, search list, changed name servers. The system's look-up blocks a thread,
 * and libuv uses at most two threads of a process for names. Names therefore take turns on one thread and leave the other
 * to the rest of the process. A name that waits behind a slow one also asks the name servers directly, which needs no thread.
 */
export function dnsResolver({ system = getaddrinfo, direct = askServers, patienceMs = 250 }: ResolverOptions = {}) {
  const turns = pLimit(1);
  const inFlight = new Map<string, Promise<readonly string[]>>();
  const find = (hostname: string): Promise<readonly string[]> => {
    const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
    let isFound = false;
    const impatient = setTimeout(async () => {
      const addresses = await direct(hostname).catch(() => []);
      // No address from name servers proves nothing: the hosts file may have one.
      isFound = addresses.length > 0;
      if (isFound) resolve(addresses);
    }, patienceMs);
    turns(async () => {
      clearTimeout(impatient);
      if (!isFound) await system(hostname).then(resolve, reject);
    });
    return promise;
  };
  return async (hostname: string): Promise<readonly string[]> => {
    if (localhost.test(hostname)) return loopback;
    const current = inFlight.get(hostname) ?? find(hostname).finally(() => inFlight.delete(hostname));
    inFlight.set(hostname, current);
    return current;
  };
}

/** All addresses in the system's order of connection. */
const getaddrinfo: Resolve = async (hostname) =>
  (await lookup(hostname, { all: true, order: 'verbatim' })).map(({ address }) => address);

/** Asks `servers` (`address:port`) or the system's; `[]` without records. @throws a query's error, if none answers */
export async function askServers(hostname: string, servers?: readonly string[]): Promise<readonly string[]> {
  // One resolver per name, since it reads the system's name servers only once.
  const resolver = new Resolver({ timeout: 2000, tries: 2 });
  if (servers) resolver.setServers(servers);
  const answers = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
  const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  const failures = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []));
  // These two are answers, not failures: no such record.
  const failure = failures.find(({ code }) => code !== NODATA && code !== NOTFOUND);
  if (addresses.length === 0 && failure) throw failure;
  return addresses;
}
