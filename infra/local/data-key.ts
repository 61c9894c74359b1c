import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The key that seals secrets in the data folder: made by the first run, readable by its owner only. Whoever has the whole
 * folder has the secrets; a copy of the database alone reveals none.
 *
 * @param data folder; without it the key lives as long as the run
 * @returns 32 bytes in base64
 * @throws the file system's error
 */
export function dataKeyOf(data: string | undefined): string {
  const fresh = randomBytes(32).toString('base64');
  if (data === undefined) return fresh;
  const file = join(data, 'data-key');
  try {
    writeFileSync(file, `${fresh}\n`, { mode: 0o600, flag: 'wx' });
    return fresh;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return readFileSync(file, 'utf8').trim();
  }
}
