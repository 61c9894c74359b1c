import { readFileSync } from 'node:fs';

/** Reads UTF-8, or UTF-16 after its byte order mark. Drops the mark, which no parser expects. @throws a system error */
export function readTextFile(file: string): string {
  const bytes = readFileSync(file);
  const mark = bytes.subarray(0, 2).toString('hex');
  const encoding = { fffe: 'utf-16le', feff: 'utf-16be' }[mark] ?? 'utf-8';
  return new TextDecoder(encoding).decode(bytes);
}
