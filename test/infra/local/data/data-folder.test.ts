import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { SNSClient } from '@aws-sdk/client-sns';
import { ClassicLevel } from 'classic-level';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DataFolderError } from '#infra/local/data/data-folder.ts';
import { dataKeyOf } from '#infra/local/data/data-key.ts';
import { createTopic, createTransfersTable, startEmbeddedServices } from '#infra/local/services/embedded-services.ts';
import { openDataFolder } from '#infra/local/data/open-data-folder.ts';
import { sdkSettings } from '#test/support/sdk-settings.ts';

const umask = process.umask();
let folder: string;
let kept: string;
let data: string;

/** Does what a run does with its data folder, as far as it comes. */
async function runUntil(step: 'services' | 'table' | 'key' | 'rows', path: string): Promise<void> {
  const services = await startEmbeddedServices(path);
  const { AWS_ENDPOINT_URL_DYNAMODB = '', AWS_ENDPOINT_URL_SNS = '' } = services.sdkEnvironment;
  const sdk = sdkSettings(services.sdkEnvironment);
  const dynamo = new DynamoDBClient({ ...sdk, endpoint: AWS_ENDPOINT_URL_DYNAMODB });
  const sns = new SNSClient({ ...sdk, endpoint: AWS_ENDPOINT_URL_SNS });
  try {
    if (step === 'services') return;
    await createTransfersTable(dynamo, 'transfers');
    if (step === 'table') return;
    await dataKeyOf(path, dynamo, 'transfers');
    if (step === 'key') return;
    await createTopic(sns, 'transfer-events');
    for (let row = 0; row < 200; row += 1) {
      const Item = { pk: { S: 'sent#alice@example.com' }, sk: { S: `row-${row}` }, text: { S: 'x'.repeat(row) } };
      await dynamo.send(new PutItemCommand({ TableName: 'transfers', Item }));
    }
  } finally {
    dynamo.destroy();
    sns.destroy();
    await services.close();
  }
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'data-folder-'));
  kept = join(folder, 'kept');
  await runUntil('rows', kept);
});
beforeEach(() => {
  data = join(folder, 'data');
  cpSync(kept, data, { recursive: true });
  return () => rmSync(data, { recursive: true });
});
afterAll(() => {
  process.umask(umask);
  rmSync(folder, { recursive: true });
});

/** Modes of a folder and of everything in it, by path. */
function modesIn(path: string): Record<string, string> {
  const entries = [path, ...readdirSync(path, { recursive: true, encoding: 'utf8' }).map((name) => join(path, name))];
  return Object.fromEntries(entries.map((entry) => [entry, (statSync(entry).mode & 0o777).toString(8)]));
}

const openToOthers = (path: string) => Object.entries(modesIn(path)).filter(([, mode]) => !/^[67]00$/.test(mode));

/** The path of a file of the database, by the end of its name. */
const databaseFile = (ending: string) =>
  join(data, 'dynamodb', readdirSync(join(data, 'dynamodb')).find((name) => name.includes(ending))!);

function overwrite(file: string, at: number, bytes: Buffer): void {
  const text = readFileSync(file);
  bytes.copy(text, at < 0 ? text.length + at : at);
  writeFileSync(file, text);
}

const noise = () => Buffer.from(randomBytes(32).map((byte) => byte | 1));

describe('a data folder', () => {
  test('that is made is for its owner alone, with everything that a run puts into it', async () => {
    process.umask(0o022);
    const fresh = join(folder, 'new', 'data');
    await runUntil('rows', fresh);
    expect(Object.keys(modesIn(fresh)).length).toBeGreaterThan(6);
    expect(openToOthers(fresh)).toEqual([]);
  });

  test('that was there, open to others, is closed with everything in it, and stays so', async () => {
    process.umask(0o022);
    for (const path of Object.keys(modesIn(data))) chmodSync(path, statSync(path).isDirectory() ? 0o777 : 0o666);
    writeFileSync(join(data, 'notes.txt'), 'of its owner');
    await runUntil('rows', data);
    expect(openToOthers(data).filter(([path]) => !path.endsWith('notes.txt'))).toEqual([]);
  });

  test('that is empty is closed and used, though others could enter it', async () => {
    const empty = join(folder, 'empty');
    mkdirSync(empty, { mode: 0o755 });
    mkdirSync(join(empty, 'lost+found'), { mode: 0o700 });
    await runUntil('services', empty);
    expect(openToOthers(empty)).toEqual([]);
  });

  test('that is open to others and holds what is not of the notifier is refused and left as it is', async () => {
    const home = join(folder, 'home');
    mkdirSync(home, { mode: 0o755 });
    chmodSync(home, 0o755);
    writeFileSync(join(home, 'letter.txt'), '');
    await expect(openDataFolder(home)).rejects.toThrow(
      /holds what is not the notifier's \(letter\.txt\); choose an empty folder/,
    );
    expect(statSync(home).mode & 0o777).toBe(0o755);
    expect(readdirSync(home)).toEqual(['letter.txt']);
    chmodSync(home, 0o700);
    await expect(openDataFolder(home)).resolves.toBeUndefined();
  });

  test('in which something leads elsewhere is refused', async () => {
    renameSync(join(data, 'data-key'), join(folder, 'key'));
    symlinkSync(join(folder, 'key'), join(data, 'data-key'));
    await expect(openDataFolder(data)).rejects.toThrow(/data-key leads elsewhere/);
  });

  test('that is a file, or lies in one, is refused', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    await expect(openDataFolder(file)).rejects.toThrow(/^the data folder .* cannot be used \(E/);
    await expect(openDataFolder(join(file, 'data'))).rejects.toThrow(/^the data folder .* cannot be used \(E/);
  });

  test.each(['services', 'table', 'key', 'rows'] as const)(
    'that a run which came to %s has left is used again',
    async (step) => {
      const fresh = join(folder, `left-by-${step}`);
      await runUntil(step, fresh);
      await expect(runUntil('rows', fresh)).resolves.toBeUndefined();
    },
  );

  test('whose first run was killed while it made a table is used again', async () => {
    const fresh = join(folder, 'killed-at-table');
    await runUntil('table', fresh);
    const database = new ClassicLevel<string, object>(join(fresh, 'dynamodb'), { valueEncoding: 'json' });
    const [[key, table] = []] = await database.iterator().all();
    await database.put(key!, { ...table, TableStatus: 'CREATING' });
    await database.close();
    await expect(runUntil('rows', fresh)).resolves.toBeUndefined();
  }, 20_000);

  test('whose last record a crash has cut off is used again', async () => {
    const log = databaseFile('.log');
    truncateSync(log, statSync(log).size - 5);
    await expect(runUntil('rows', data)).resolves.toBeUndefined();
  });
});

describe('a damaged data folder is refused in one sentence that names the damage and the way out:', () => {
  const remedy = /is damaged \(.*\): restore it from a backup, or move it away to begin anew/;
  const damages: Record<string, { does: () => void; says: RegExp }> = {
    'its log overwritten at the start': {
      does: () => overwrite(databaseFile('.log'), 3, noise()),
      says: /dynamodb\/\d+\.log was changed/,
    },
    'its log overwritten in the middle': {
      does: () => overwrite(databaseFile('.log'), 20_000, noise()),
      says: /dynamodb\/\d+\.log was changed/,
    },
    'its log overwritten with zeros': {
      does: () => overwrite(databaseFile('.log'), 9_000, Buffer.alloc(32)),
      says: /dynamodb\/\d+\.log was changed/,
    },
    'its log overwritten at the end': {
      does: () => overwrite(databaseFile('.log'), -32, noise()),
      says: /dynamodb\/\d+\.log was changed/,
    },
    'its log replaced by something else': {
      does: () => writeFileSync(databaseFile('.log'), 'nothing of the kind, but a text\n'.repeat(50)),
      says: /dynamodb\/\d+\.log was changed/,
    },
    'its log emptied': { does: () => writeFileSync(databaseFile('.log'), ''), says: /database in dynamodb is missing/ },
    'its log missing': { does: () => rmSync(databaseFile('.log')), says: /database in dynamodb is missing or empty/ },
    'CURRENT missing': { does: () => rmSync(databaseFile('CURRENT')), says: /dynamodb\/CURRENT is missing/ },
    'CURRENT empty': { does: () => writeFileSync(databaseFile('CURRENT'), ''), says: /CURRENT/ },
    'MANIFEST missing': { does: () => rmSync(databaseFile('MANIFEST')), says: /MANIFEST/ },
    'MANIFEST overwritten': { does: () => overwrite(databaseFile('MANIFEST'), 10, noise()), says: /Corruption/ },
    'its database missing': {
      does: () => rmSync(join(data, 'dynamodb'), { recursive: true }),
      says: /database in dynamodb is missing/,
    },
    'database and key missing': {
      does: () => {
        rmSync(join(data, 'dynamodb'), { recursive: true });
        rmSync(join(data, 'data-key'));
      },
      says: /database in dynamodb is missing/,
    },
    'data-key missing': { does: () => rmSync(join(data, 'data-key')), says: /data-key is missing/ },
    'data-key empty': { does: () => writeFileSync(join(data, 'data-key'), ''), says: /data-key is empty or changed/ },
    'data-key cut': { does: () => truncateSync(join(data, 'data-key'), 20), says: /data-key is empty or changed/ },
    'data-key longer': {
      does: () => appendFileSync(join(data, 'data-key'), 'AA'),
      says: /data-key is empty or changed/,
    },
    'the data-key of another folder': {
      does: () => writeFileSync(join(data, 'data-key'), `${randomBytes(32).toString('base64')}\n`),
      says: /data-key is not the key of its database/,
    },
    'its queue file missing': {
      does: () => rmSync(join(data, 'queues'), { recursive: true }),
      says: /queues\/fauxqs\.db is missing/,
    },
    'its queue file empty': {
      does: () => truncateSync(join(data, 'queues/fauxqs.db')),
      says: /queues\/fauxqs\.db is missing or empty/,
    },
    'its queue file cut': {
      does: () => truncateSync(join(data, 'queues/fauxqs.db'), 10_000),
      says: /malformed|fauxqs\.db/,
    },
    'a row of its queue file overwritten': {
      does: () => {
        const queues = new DatabaseSync(join(data, 'queues/fauxqs.db'));
        queues.exec("UPDATE sns_topics SET attributes = 'xx'");
        queues.close();
      },
      says: /queues\/fauxqs\.db: .*JSON/,
    },
    'its queue file overwritten': {
      does: () => overwrite(join(data, 'queues/fauxqs.db'), 0, noise()),
      says: /not a database/,
    },
  };
  test.each(Object.entries(damages))('%s', async (_, { does, says }) => {
    does();
    const before = readdirSync(data);
    const error = await runUntil('key', data).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DataFolderError);
    const { message } = error as Error;
    expect(message).toMatch(remedy);
    expect(message).toMatch(says);
    expect(message).not.toMatch(/\n|undefined|\bat \//);
    if (!before.includes('data-key')) expect(readdirSync(data)).not.toContain('data-key');
  });

  test.each([
    { name: 'without its data-key', does: (key: string) => rmSync(key), says: /data-key is missing/ },
    {
      name: 'with an empty data-key',
      does: (key: string) => writeFileSync(key, ''),
      says: /data-key is empty or changed/,
    },
    {
      name: 'with a folder in place of its data-key',
      does: (key: string) => {
        rmSync(key);
        mkdirSync(key);
      },
      says: /data-key cannot be read/,
    },
  ])('a database that another implementation of AWS keeps, $name', async ({ does, says }) => {
    const services = await startEmbeddedServices();
    const endpoint = services.sdkEnvironment.AWS_ENDPOINT_URL_DYNAMODB!;
    const dynamo = new DynamoDBClient({ ...sdkSettings(services.sdkEnvironment), endpoint });
    const elsewhere = mkdtempSync(join(folder, 'elsewhere-'));
    try {
      await createTransfersTable(dynamo, 'transfers');
      await dataKeyOf(elsewhere, dynamo, 'transfers');
      does(join(elsewhere, 'data-key'));
      const before = readdirSync(elsewhere);
      const error = await dataKeyOf(elsewhere, dynamo, 'transfers').catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(DataFolderError);
      expect((error as Error).message).toMatch(says);
      expect(readdirSync(elsewhere)).toEqual(before);
    } finally {
      dynamo.destroy();
      await services.close();
    }
  });

  test('a table of its database overwritten, cut or missing', async () => {
    // Opening a database turns its log into a table.
    await openDataFolder(data);
    const bytes = readFileSync(databaseFile('.ldb'));
    for (const does of [
      () => overwrite(databaseFile('.ldb'), Math.floor(bytes.length / 2), noise()),
      () => truncateSync(databaseFile('.ldb'), Math.floor(bytes.length / 2)),
      () => rmSync(databaseFile('.ldb')),
    ]) {
      const file = databaseFile('.ldb');
      does();
      await expect(openDataFolder(data)).rejects.toThrow(remedy);
      writeFileSync(file, bytes);
    }
  });
});
