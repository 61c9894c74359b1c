import { BlockList, isIP } from 'node:net';

/** @throws TypeError or RangeError for a misspelt network: a list of forbidden ones must not have less than it says */
export function networks(all: readonly string[]): BlockList {
  const list = new BlockList();
  for (const [address = '', bits] of all.map((network) => network.split('/'))) {
    list.addSubnet(address, Number(bits), familyOf(address));
  }
  return list;
}

/** False for a host that is no address. */
export const isIn = (list: BlockList, host: string): boolean => isIP(host) !== 0 && list.check(host, familyOf(host));

const familyOf = (address: string) => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** Name or address in a URL; an IPv6 address without brackets. */
export const bareHost = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, '$1');
