import { printable } from '#functions/notices/foreign-text.ts';

export const printableLines = (text: string): string => text.split(/\r?\n/).map(printable).join('\n');

/** JSON for a terminal: characters that {@link printable} removes become escapes. */
export const printableJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, undefined, indent).replaceAll(
    /[\x7f-\x9f]|\p{Default_Ignorable_Code_Point}|[\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => character.replaceAll(/[\s\S]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
