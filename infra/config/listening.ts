import { isIP } from 'node:net';
import { z } from 'zod';
import { isLoopback } from './plain-address.ts';

/** Address of this machine that a server listens on. */
export interface ListenAddress {
  /** IP address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

const loopback = '127.0.0.1';

/** Addresses that stand for every address of this machine. */
const unspecified = ['0.0.0.0', '::'];

/** Host names that the guard of local servers accepts; other addresses of 127.0.0.0/8 are not among them. */
const loopbackHosts = [loopback, '::1'];

/**
 * Reads the setting `listen`: an address with its port, or a port of the loopback interface.
 *
 * @example listenAddressOf('[::1]:8123'); // { host: '::1', port: 8123 }
 * @returns undefined for any other value
 */
export function listenAddressOf(setting: string | number): ListenAddress | undefined {
  const [, name = loopback, digits] = /^(?:(\[[\da-f:.]+\]|[\w.]+):)?(\d{1,5})$/i.exec(String(setting)) ?? [];
  const host = name === 'localhost' ? loopback : name.replace(/^\[(.*)\]$/, '$1');
  const port = Number(digits);
  const isSound = isIP(host) !== 0 && port >= 1 && port <= 65_535 && host.includes(':') === name.startsWith('[');
  return isSound ? { host, port } : undefined;
}

/** True for an address that only programs of this machine reach. */
export const isLoopbackAddress = ({ host }: ListenAddress): boolean => loopbackHosts.includes(host);

/** Text of an address as in a URL. */
export const addressText = ({ host, port }: ListenAddress): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;

const listen = (expected: string, isAllowed: (address: ListenAddress) => boolean) =>
  z.union([z.number(), z.string()], expected).refine((setting) => {
    const address = listenAddressOf(setting);
    return address !== undefined && isAllowed(address);
  }, expected);

/** Where the operator API of a run on one box listens. */
export const operatorSettings = z.strictObject({
  listen: listen(
    'expected a port such as 8123, or 127.0.0.1:8123: an address of this machine alone',
    isLoopbackAddress,
  ).describe('On one box, port of the operator API on the loopback interface; without it, a free one at each start'),
});

/** Where metrics for Prometheus are served. */
export const metricsSettings = z.strictObject({
  listen: listen(
    'expected a port such as 9464, or an IP address with a port, such as 127.0.0.1:9464',
    () => true,
  ).describe('On one box, port on the loopback interface, or address and port, of the metrics for Prometheus'),
});

const expectedHeartbeat = 'expected an address such as https://hc.example.com/ping/1, without user name and fragment';

/** A service that raises an alarm when it is called no more; the path or query may name this notifier. */
export const heartbeatSettings = z.strictObject({
  url: z
    .url({ protocol: /^https?$/, error: expectedHeartbeat, abort: true })
    .refine((text) => {
      const { username, password, hash } = new URL(text);
      return username + password + hash === '';
    }, expectedHeartbeat)
    .refine(
      (text) => new URL(text).protocol === 'https:' || isLoopback(new URL(text).hostname),
      'expected https: (http: only for a service on this machine)',
    )
    .describe('On one box, address that is called each minute while polls succeed, for an alarm when the calls end'),
});

interface Listening {
  readonly operator?: z.output<typeof operatorSettings> | undefined;
  readonly metrics?: z.output<typeof metricsSettings> | undefined;
}

/** Finds one port that two servers would listen on. */
export function listeningProblems({ operator, metrics }: Listening): string[] {
  const [one, other] = [operator, metrics].map((settings) => settings && listenAddressOf(settings.listen));
  const isShared =
    one !== undefined && one.port === other?.port && (one.host === other.host || unspecified.includes(other.host));
  return isShared ? ['metrics.listen: expected another port than that of operator.listen'] : [];
}
