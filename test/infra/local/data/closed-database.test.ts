import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { expect, test } from 'vitest';
import { storageError } from '#infra/local/data/data-folder.ts';

test('storageError takes no folder for damaged because a database was closed while an iterator was open', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'closed-database-'));
  const database = new ClassicLevel(folder);
  await database.open();
  const iterator = database.keys();
  await database.close();
  const error = await iterator.next().then(undefined, (reason: Error) => reason);
  rmSync(folder, { recursive: true });
  expect(storageError('the data folder', error)?.message).toBe(
    'the data folder was closed while work was in flight; start again',
  );
});
