import { NODATA, NOTFOUND } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import type { Resolve } from './guard.ts';

/** Milliseconds that a name server has for an answer, and how often it is asked. */
const timeout = 2000;
const tries = 2;

/** Answers rather than failures: there is no such record. */
const noRecord: ReadonlySet<unknown> = new Set([NODATA, NOTFOUND]);

/**
 * Looks names up in DNS, IPv4 and IPv6 at once, and brings what either has; rejects with the look-up's error when there
 * is no address and one of the two failed. Asks name servers itself: the system's own look-up has four threads for all
 * of the process, so that one slow name server would hold up every endpoint, and reads private names in `/etc/hosts`.
 *
 * @param servers name servers to ask instead of the system's, as `address:port`
 */
export function dnsResolver(servers?: readonly string[]): Resolve {
  const resolver = new Resolver({ timeout, tries });
  if (servers) resolver.setServers(servers);
  return async (hostname) => {
    // Not in DNS; the guard lets it through only where private targets are allowed.
    if (hostname === 'localhost') return ['127.0.0.1'];
    const answers = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
    const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    const failures = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []));
    const failure = failures.find(({ code }) => !noRecord.has(code));
    if (addresses.length === 0 && failure) throw failure;
    return addresses;
  };
}
