import { stripVTControlCharacters } from 'node:util';

/**
 * A text on one line that reads from left to right and shows all that it holds: without the escape sequences of terminals,
 * without characters that show nothing or turn the order of others, and with a space for each line break or control
 * character. For every channel, terminals included, and for every text in it.
 */
export const printable = (text: string): string =>
  // Halves of characters go first: what is taken away between two of them would make a whole one.
  stripVTControlCharacters(text.replaceAll(/\p{Cs}/gu, ' '))
    .replaceAll(/\p{Default_Ignorable_Code_Point}|\p{Cf}/gu, '')
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ');

/** The same for a text of several lines. */
export const printableLines = (text: string): string => text.split(/\r?\n/).map(printable).join('\n');

/**
 * The signs by which clients make links of plain text: the colon of a scheme, the dot behind `www` and before a path or a
 * port. Full-width and other forms of a sign count as the sign.
 */
const linkSigns =
  /(?<=[a-z][a-z0-9+.-])[:：](?=\S)|[:：](?=[/\\／]{2})|(?<=\bwww)[.．。｡․](?=\S)|(?<=[\p{L}\p{M}\p{N}\p{S}_-])[.．。｡․](?=[\p{L}\p{M}\p{N}-]+[:：]?[\p{N}]*[/\\／?])/giu;

/** Beside these, the dot in a bare domain, emoji and accents of their own included, and the at sign of an address or a mention. */
const nameSigns = /(?<=[\p{L}\p{M}\p{N}\p{S}_-])[.．。｡․](?=\p{L}[\p{L}\p{M}])|[@＠](?=\S)/gu;

/**
 * A text of the notifier's own into which others may have brought a word: {@link printable}, and with a space behind each
 * sign by which a client would make a link of it.
 */
export const unlinked = (text: string): string => printable(text).replaceAll(linkSigns, '$& ');

/**
 * A text that others have chosen, such as a state that the vendor has not documented, a tracking id, or a receiver's answer:
 * neither whole links nor bare domains nor mentions are left of it. No channel has an escape for those, and a space, unlike
 * an invisible sign, is seen.
 */
export const neutral = (text: string): string => unlinked(text).replaceAll(nameSigns, '$& ');

/** Chats know no escape for their marks; these look alike and mean nothing. */
const lookalikes: Readonly<Record<string, string>> = { '*': '∗', _: 'ˍ', '~': '∼', '`': "'", ':': '∶' };

/** Marks of emphasis, and the colon that begins an emoji name. Within a word `_` is no mark. */
const marks = /[*~`]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])|:(?=[\w+'-]+:)/g;

/** Without the marks that a chat takes for emphasis or for an emoji. */
export const unmarked = (text: string): string => text.replaceAll(marks, (mark) => lookalikes[mark]!);

/** JSON that can be printed on a terminal: what {@link printable} takes away is written as an escape. */
export const printableJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, undefined, indent).replaceAll(
    /[\x7f-\x9f]|\p{Default_Ignorable_Code_Point}|[\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) =>
      character
        .split('')
        .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
        .join(''),
  );
