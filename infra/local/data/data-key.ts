import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { Partition } from '#functions/dynamodb/partition.ts';
import { DataKey, DataKeyError, DecryptionError } from '#functions/lambda/data-key.ts';
import { contents, DataFolderError, damagedFolder, writeOwnFile } from './data-folder.ts';

/** Row with a text that only the right key decrypts, and the encryption context of that text. */
const row = 'DATA_KEY';
const context = 'data key';

/**
 * Reads the key that encrypts secrets in the data folder; the first run creates it, readable by its owner only. A copy
 * of the database alone does not reveal the secrets; the whole folder does.
 *
 * @param data folder; without it the key lives as long as the run
 * @param table holds a text that proves the key
 * @returns 32 bytes in base64
 * @throws DataFolderError if the key is unusable or does not belong to this database
 */
export async function dataKeyOf(data: string | undefined, dynamo: DynamoDBClient, table: string): Promise<string> {
  const fresh = randomBytes(32).toString('base64');
  if (data === undefined) return fresh;
  const rows = new Partition({ dynamo, table }, row);
  const [probe] = await rows.range(row, row);
  const file = join(data, contents.key);
  // damageOf has found this already for an embedded database, but not for another implementation.
  if (!existsSync(file) && probe) throw wrongKey(data, 'is missing');
  if (!existsSync(file)) writeOwnFile(file, `${fresh}\n`);
  const text = textOf(file).trim();
  try {
    const key = new DataKey(text);
    if (probe) key.decrypt(probe.encrypted, context);
    else await rows.put(row, { encrypted: key.encrypt('', context) }, {});
  } catch (error) {
    if (error instanceof DataKeyError) throw wrongKey(data, 'is empty or changed, expected 32 bytes in base64');
    if (error instanceof DecryptionError) throw wrongKey(data, 'is not the key of its database');
    throw error;
  }
  return text;
}

const wrongKey = (data: string, what: string): DataFolderError =>
  damagedFolder(`the data folder ${data}`, `the file ${contents.key} ${what}`);

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new DataFolderError(`${file} cannot be read (${(error as Error).message}): restore it from a backup`);
  }
}
