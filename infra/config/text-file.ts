import { readFileSync } from 'node:fs';

/**
 * The text of a file that a person wrote: in UTF-8, or in UTF-16 where it says so by a byte order mark, which some editors
 * put before a text and no reader expects in one.
 *
 * @throws the file system's error
 */
export function readTextFile(file: string): string {
  const bytes = readFileSync(file);
  const mark = bytes.subarray(0, 2).toString('hex');
  const encoding = { fffe: 'utf-16le', feff: 'utf-16be' }[mark] ?? 'utf-8';
  return new TextDecoder(encoding).decode(bytes);
}
