import { BlockList, isIP } from 'node:net';

/** Builds a list of networks such as `10.0.0.0/8`; invalid ones have no addresses. */
export function networks(all: readonly string[]): BlockList {
  const list = new BlockList();
  for (const [address = '', prefix] of all.map((network) => network.split('/'))) {
    const bits = Number(prefix);
    const isNetwork = Number.isInteger(bits) && bits >= 0 && bits <= (isIP(address) === 6 ? 128 : 32);
    if (isIP(address) !== 0 && isNetwork) list.addSubnet(address, bits, familyOf(address));
  }
  return list;
}

/** False for a host that is no address. */
export const isIn = (list: BlockList, host: string): boolean => isIP(host) !== 0 && list.check(host, familyOf(host));

const familyOf = (address: string) => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** Name or address in a URL; an IPv6 address without brackets. */
export const bareHost = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, '$1');
