import { domainToASCII } from 'node:url';

/** Key shared by all spellings of an address. Store the address as spelt: a server may know only that spelling. */
export function addressKey(text: string): string {
  const at = text.lastIndexOf('@') + 1;
  const domain = text.slice(at);
  return `${text.slice(0, at).normalize('NFC').toLowerCase()}${domainToASCII(domain) || domain.toLowerCase()}`;
}
