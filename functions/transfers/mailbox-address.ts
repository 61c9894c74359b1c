import { domainToASCII, domainToUnicode } from 'node:url';
import * as z from 'zod/mini';

/** Octets of an address, of its part before the @, and of a domain label (RFC 5321, 4.5.3.1; RFC 1035, 2.3.4). */
const longestAddress = 254;
const longestLocalPart = 64;
const longestLabel = 63;

/** Form of an address as JSON Schema can state it; {@link addressProblem} checks more. */
export const addressPattern =
  /^[^\s@"(),:;<>[\]\\.]+(?:\.[^\s@"(),:;<>[\]\\.]+)*@(?:[^\s@"(),:;<>[\]\\.]+\.)+[^\s@"(),:;<>[\]\\.]+$/;

/** Characters of a name without quotes, by RFC 5321 and RFC 6531. */
const atext = /[\w!#$%&'*+/=?^`{|}~-]|[^\p{ASCII}\p{C}\p{Z}]/u;
const asciiLabel = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/i;

/**
 * Reason why a text is no e-mail address that mail can reach. Accepted is a dot-atom of RFC 5321 or, in other scripts,
 * RFC 6531. The domain has a dot, and is in its own script or in Punycode. Quoted names and IP addresses are refused.
 *
 * @param text in normal form C
 * @returns the reason, for a person, without repeating the text; undefined for an address
 */
export function addressProblem(text: string): string | undefined {
  const reason = reasonAgainst(text);
  return reason && `expected an e-mail address, but ${reason}`;
}

function reasonAgainst(text: string): string | undefined {
  if (/\s/.test(text)) return 'it has a space';
  if (text.includes('\ufffd')) return 'it has a character that could not be read as UTF-8';
  const hidden = /[\p{C}\p{Z}]/u.exec(text)?.[0];
  if (hidden) return `it has an invisible character (${codeOf(hidden)})`;
  const parts = text.split('@');
  if (parts.length === 1) return 'it has no @';
  if (text.startsWith('"')) return 'the part before the @ is quoted, which is not supported';
  if (parts.length > 2) return 'it has more than one @';
  const [local, domain] = parts as [string, string];
  const bytes = Buffer.byteLength(text);
  if (bytes > longestAddress) return `it has ${bytes} bytes, more than ${longestAddress}`;
  return reasonAgainstLocalPart(local) ?? reasonAgainstDomain(domain);
}

function reasonAgainstLocalPart(local: string): string | undefined {
  if (local === '') return 'nothing stands before the @';
  if (/^\.|\.\.|\.$/.test(local)) return 'the part before the @ begins or ends with a dot, or has two in a row';
  const wrong = [...local].find((character) => character !== '.' && !atext.test(character));
  if (wrong !== undefined) return `the part before the @ has "${wrong}", which only a quoted name may have`;
  const bytes = Buffer.byteLength(local);
  if (bytes <= longestLocalPart) return undefined;
  return `the part before the @ has ${bytes} bytes, more than ${longestLocalPart}`;
}

function reasonAgainstDomain(domain: string): string | undefined {
  if (domain === '') return 'nothing stands behind the @';
  if (domain.startsWith('[')) return 'an IP address takes the place of its domain';
  const labels = domain.split('.');
  if (labels.includes('')) return 'its domain has an empty part';
  if (labels.length === 1) return 'its domain has no dot';
  const wrong = labels.find((label) => isAscii(label) && !asciiLabel.test(label));
  if (wrong !== undefined) {
    const sign = /[^a-z0-9-]/i.exec(wrong)?.[0];
    return sign ? `its domain has "${sign}"` : 'a part of its domain begins or ends with a hyphen';
  }
  if (/^\d+$/.test(labels.at(-1)!)) return 'its domain ends with a number';
  const ascii = domainToASCII(domain).split('.');
  const read = domainToUnicode(domain).split('.');
  // A label that is read differently, such as a ligature or full-width letters, is in no registered name.
  const isAlike = (label: string, other = '') => isAscii(label) || sameSigma(other) === sameSigma(label.toLowerCase());
  const isSame = labels.every((label, index) => isAlike(label, read[index]));
  if (ascii.length !== labels.length || !isSame) return 'its domain is no valid name in its script or in Punycode';
  if (ascii.every((label) => label.length <= longestLabel)) return undefined;
  return `a part of its domain has more than ${longestLabel} characters, in Punycode if it is in another script`;
}

/** Lower case without the final form of sigma: only some readings give it to a capital at a word's end. */
const sameSigma = (label: string): string => label.normalize('NFC').replaceAll('ς', 'σ');

const problemOf = ({ input }: { readonly input?: unknown }) => addressProblem(String(input));

/** E-mail address in normal form C, for the configuration file, requests and files to import. */
export const address = /* @__PURE__ */ z.string('expected an e-mail address').check(
  z.normalize('NFC'),
  z.maxLength(longestAddress, { error: problemOf, abort: true }),
  z.regex(addressPattern, { error: problemOf, abort: true }),
  z.refine((text) => addressProblem(text) === undefined, { error: problemOf }),
);

const isAscii = (text: string): boolean => /^\p{ASCII}*$/u.test(text);

/** `U+202E`. */
const codeOf = (character: string) => `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
