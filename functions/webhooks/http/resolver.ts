import { NODATA, NOTFOUND } from 'node:dns';
import { lookup, Resolver } from 'node:dns/promises';
import pLimit from 'p-limit';
import type { Resolve } from './ssrf-guard.ts';

interface ResolverOptions {
  /** The system's own look-up; rejects with its error when it knows no address. */
  readonly system?: Resolve;
  /** Asks name servers directly. */
  readonly direct?: Resolve;
  /** Milliseconds that a name waits for its turn at the system before name servers are asked for it as well; 250 by default. */
  readonly patience?: number;
}

/** This machine by the names that RFC 6761 (6.3) reserves for it; not every system knows those below `localhost`. */
const localhost = /^(?:.*\.)?localhost\.?$/;
const loopback = ['127.0.0.1', '::1'];

/**
 * Looks names up as the system does: hosts file, search list, name servers that have changed. The system's look-up holds
 * a thread for as long as it takes, and libuv lets no more than two threads of a process wait for names. So names take
 * turns here, which leaves the other thread to the rest of the process. A name whose turn does not come, because an
 * earlier one is slow, is asked of the name servers directly as well, which takes no thread.
 */
export function dnsResolver({
  system = getaddrinfo,
  direct = askServers,
  patience = 250,
}: ResolverOptions = {}): Resolve {
  const turns = pLimit(1);
  const underWay = new Map<string, Promise<readonly string[]>>();
  const find = (hostname: string): Promise<readonly string[]> => {
    const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
    let isFound = false;
    const found = (addresses: readonly string[]) => {
      isFound = true;
      resolve(addresses);
    };
    const impatient = setTimeout(async () => {
      const addresses = await direct(hostname).catch(() => []);
      // That the name servers know none proves nothing: a hosts file may.
      if (addresses.length > 0) found(addresses);
    }, patience);
    turns(async () => {
      clearTimeout(impatient);
      if (!isFound) await system(hostname).then(found, reject);
    });
    return promise;
  };
  return async (hostname) => {
    if (localhost.test(hostname)) return loopback;
    const current = underWay.get(hostname) ?? find(hostname).finally(() => underWay.delete(hostname));
    underWay.set(hostname, current);
    return current;
  };
}

/** All addresses, in the order in which the system would connect to them. */
async function getaddrinfo(hostname: string): Promise<readonly string[]> {
  const found = await lookup(hostname, { all: true, order: 'verbatim' });
  return found.map(({ address }) => address);
}

/** Answers rather than failures: there is no such record. */
const noRecord: ReadonlySet<unknown> = new Set([NODATA, NOTFOUND]);

/**
 * Asks name servers, which may be given as `address:port`, for IPv4 and IPv6 at once, and brings what either has; rejects with
 * the look-up's error when there is no address and one of the two failed.
 */
export async function askServers(hostname: string, servers?: readonly string[]): Promise<readonly string[]> {
  // A new one for each name, since it reads the system's name servers but once.
  const resolver = new Resolver({ timeout: 2000, tries: 2 });
  if (servers) resolver.setServers(servers);
  const answers = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
  const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  const failures = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []));
  const failure = failures.find(({ code }) => !noRecord.has(code));
  if (addresses.length === 0 && failure) throw failure;
  return addresses;
}
