import { readFileSync } from 'node:fs';

/**
 * Reads a text file in UTF-8, or in UTF-16 if it begins with that byte order mark. Drops the mark, which some editors
 * write and no parser expects.
 *
 * @throws the file system's error
 */
export function readTextFile(file: string): string {
  const bytes = readFileSync(file);
  const mark = bytes.subarray(0, 2).toString('hex');
  const encoding = { fffe: 'utf-16le', feff: 'utf-16be' }[mark] ?? 'utf-8';
  return new TextDecoder(encoding).decode(bytes);
}
