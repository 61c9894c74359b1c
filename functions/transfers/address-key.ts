import { domainToASCII } from 'node:url';

/**
 * What addresses of the same mailbox have in common: neither case nor script make a difference. The addresses themselves
 * stay as they are spelt, for a server may know them in that spelling alone.
 */
export function addressKey(text: string): string {
  const at = text.lastIndexOf('@') + 1;
  const domain = text.slice(at);
  return `${text.slice(0, at).normalize('NFC').toLowerCase()}${domainToASCII(domain) || domain.toLowerCase()}`;
}
