import { domainToASCII } from 'node:url';

/**
 * Common key of all addresses of a mailbox: case and script make no difference. Addresses themselves are stored as
 * spelt, because a server may know only that spelling.
 */
export function addressKey(text: string): string {
  const at = text.lastIndexOf('@') + 1;
  const domain = text.slice(at);
  return `${text.slice(0, at).normalize('NFC').toLowerCase()}${domainToASCII(domain) || domain.toLowerCase()}`;
}
