import { stripVTControlCharacters } from 'node:util';

/**
 * Makes a text safe to show on every channel, terminals included: one line, left to right, all content visible.
 * Removes escape sequences and invisible or direction-changing characters; line breaks and control characters become spaces.
 */
export const printable = (text: string): string =>
  // Lone surrogates go first, otherwise removing the text between two halves would join them.
  stripVTControlCharacters(text.replaceAll(/\p{Cs}/gu, ' '))
    .replaceAll(/\p{Default_Ignorable_Code_Point}|\p{Cf}/gu, '')
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ');

// Signs from which clients make links in plain text, with their full-width and other variants. They are the colon of a
// scheme, and the dot after `www` or before a path or a port.
const linkSigns =
  /(?<=[a-z][a-z0-9+.-])[:：](?=\S)|[:：](?=[/\\／]{2})|(?<=www)[.．。｡․](?=\S)|(?<=[\p{L}\p{M}\p{N}\p{S}_-])[.．。｡․](?=[\p{L}\p{M}\p{N}-]+[:：]?[\p{N}]*[/\\／?])/giu;

/** The dot of a bare domain, with emoji and separate accents, and the at sign of an address or mention. */
const nameSigns = /(?<=[\p{L}\p{M}\p{N}\p{S}_-])[.．。｡․](?=\p{L}[\p{L}\p{M}])|[@＠](?=\S)/gu;

/** For the notifier's own text with foreign words in it: {@link printable}, with a space after each link sign. */
export const unlinked = (text: string): string => printable(text).replaceAll(linkSigns, '$& ');

/**
 * Breaks links, bare domains and mentions in foreign text by a space. Such text is an undocumented state, a tracking id
 * or a receiver's answer, for example. No channel has an escape for them, and a space is visible, unlike a zero-width
 * character.
 *
 * @example neutral('see www.example.com'); // 'see www. example. com'
 */
export const neutral = (text: string): string => unlinked(text).replaceAll(nameSigns, '$& ');

/** Local part and domain, both without signs that a chat reads as marks of its own. */
const address =
  /^(?<local>(?:[\w!#$%&'*+/=?^`{|}~.-]|[^\p{ASCII}\p{C}\p{Z}])+)@(?<domain>[\p{L}\p{M}\p{N}\p{So}-]+(?:\.[\p{L}\p{M}\p{N}\p{So}-]+)+)$/u;

/** Longest address, in characters (RFC 5321); a text that is none may be longer. */
const maxAddress = 254;

/** The display form of a mailbox: an address stays unchanged unless its local part looks like a link. */
export function mailboxText(mailbox: string): string {
  const text = cut(mailbox, maxAddress);
  const { local = '', domain } = address.exec(text)?.groups ?? {};
  if (domain === undefined) return neutral(text);
  return `${/\/|^www\./i.test(local) ? neutral(local) : local}@${domain}`;
}

/** Chats have no escape for their marks; these characters look alike and have no meaning there. */
const lookalikes: Readonly<Record<string, string>> = { '*': '∗', _: 'ˍ', '~': '∼', '`': "'", ':': '∶' };

/** Marks of emphasis, and the colon that begins an emoji name; `_` within a word is no mark. */
const marks = /[*~`]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])|:(?=[\w+'-]+:)/g;

export const unmarked = (text: string): string => text.replaceAll(marks, (mark) => lookalikes[mark]!);

/** Truncates a text to a number of characters with its mark, but never within a surrogate pair. */
export const cut = (text: string, limit: number, mark = '…'): string =>
  text.length <= limit ? text : text.slice(0, limit - mark.length).replace(/[\ud800-\udbff]$/, '') + mark;
