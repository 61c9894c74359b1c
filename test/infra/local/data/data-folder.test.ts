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
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DataFolderError } from '#infra/local/data/data-folder.ts';
import { dataKeyOf } from '#infra/local/data/data-key.ts';
import { openDataFolder } from '#infra/local/data/open-data-folder.ts';
import { createTopic, createTransfersTable, startEmbeddedServices } from '#infra/local/services/embedded-services.ts';
import { sdkSettings } from '#test/support/sdk-settings.ts';

const umask = process.umask();
let folder: string;
let kept: string;
let data: string;

/** Does with a data folder what a run does, up to a step. */
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

/** Modes of a folder and its contents by path. */
function modesIn(path: string): Record<string, string> {
  const entries = [path, ...readdirSync(path, { recursive: true, encoding: 'utf8' }).map((name) => join(path, name))];
  return Object.fromEntries(entries.map((entry) => [entry, (statSync(entry).mode & 0o777).toString(8)]));
}

const openToOthers = (path: string) => Object.entries(modesIn(path)).filter(([, mode]) => !/^[67]00$/.test(mode));

/** Path of a database file by a part of its name. */
const databaseFile = (ending: string) =>
  join(data, 'dynamodb', readdirSync(join(data, 'dynamodb')).find((name) => name.includes(ending))!);

function overwrite(file: string, at: number, bytes: Buffer): void {
  const text = readFileSync(file);
  bytes.copy(text, at < 0 ? text.length + at : at);
  writeFileSync(file, text);
}

const noise = () => Buffer.from(randomBytes(32).map((byte) => byte | 1));

describe('openDataFolder', () => {
  it('creates a folder for its owner alone, with everything that a run puts into it', async () => {
    process.umask(0o022);
    const fresh = join(folder, 'new', 'data');
    await runUntil('rows', fresh);
    expect(Object.keys(modesIn(fresh)).length).toBeGreaterThan(6);
    expect(openToOthers(fresh)).toEqual([]);
  });

  it('closes the notifier’s own contents of a folder that was open to others', async () => {
    process.umask(0o022);
    for (const path of Object.keys(modesIn(data))) chmodSync(path, statSync(path).isDirectory() ? 0o777 : 0o666);
    writeFileSync(join(data, 'notes.txt'), 'of its owner');
    await runUntil('rows', data);
    expect(openToOthers(data).filter(([path]) => !path.endsWith('notes.txt'))).toEqual([]);
  });

  it('closes and uses an empty folder that was open to others', async () => {
    const empty = join(folder, 'empty');
    mkdirSync(join(empty, 'lost+found'), { recursive: true, mode: 0o700 });
    chmodSync(empty, 0o755);
    await runUntil('services', empty);
    expect(openToOthers(empty)).toEqual([]);
  });

  it('refuses and leaves alone a folder that is open to others and holds foreign files', async () => {
    const home = join(folder, 'home');
    mkdirSync(home);
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

  it('refuses a link in place of one of its files', async () => {
    renameSync(join(data, 'data-key'), join(folder, 'key'));
    symlinkSync(join(folder, 'key'), join(data, 'data-key'));
    await expect(openDataFolder(data)).rejects.toThrow(/data-key leads elsewhere/);
  });

  it('refuses a file, and a path in a file', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    await expect(openDataFolder(file)).rejects.toThrow(/^the data folder .* cannot be used \(E/);
    await expect(openDataFolder(join(file, 'data'))).rejects.toThrow(/^the data folder .* cannot be used \(E/);
  });

  it.each(['services', 'table', 'key', 'rows'] as const)('uses the folder of a run that came to %s', async (step) => {
    const fresh = join(folder, `left-by-${step}`);
    await runUntil(step, fresh);
    await expect(runUntil('rows', fresh)).resolves.toBeUndefined();
  });

  it('uses the folder of a run that was killed while it made a table', async () => {
    const fresh = join(folder, 'killed-at-table');
    await runUntil('table', fresh);
    const database = new ClassicLevel<string, object>(join(fresh, 'dynamodb'), { valueEncoding: 'json' });
    const [[key, table] = []] = await database.iterator().all();
    await database.put(key!, { ...table, TableStatus: 'CREATING' });
    await database.close();
    await expect(runUntil('rows', fresh)).resolves.toBeUndefined();
  });

  it('uses a folder whose last record a crash has cut off', async () => {
    const log = databaseFile('.log');
    truncateSync(log, statSync(log).size - 5);
    await expect(runUntil('rows', data)).resolves.toBeUndefined();
  });
});

const remedy = /is damaged \(.*\): restore it from a backup, or move it away to begin anew/;
const inData = (...names: string[]) => join(data, ...names);
const queueFile = 'queues/fauxqs.db';

describe('damageOf', () => {
  it.each<[damage: string, says: RegExp, does: () => void]>([
    ['log overwritten', /dynamodb\/\d+\.log was changed/, () => overwrite(databaseFile('.log'), 20_000, noise())],
    ['log emptied', /database in dynamodb is missing/, () => writeFileSync(databaseFile('.log'), '')],
    ['log missing', /database in dynamodb is missing or empty/, () => rmSync(databaseFile('.log'))],
    ['CURRENT missing', /dynamodb\/CURRENT is missing/, () => rmSync(databaseFile('CURRENT'))],
    ['CURRENT empty', /CURRENT/, () => writeFileSync(databaseFile('CURRENT'), '')],
    ['MANIFEST missing', /MANIFEST/, () => rmSync(databaseFile('MANIFEST'))],
    ['MANIFEST overwritten', /Corruption/, () => overwrite(databaseFile('MANIFEST'), 10, noise())],
    ['database missing', /database in dynamodb is missing/, () => rmSync(inData('dynamodb'), { recursive: true })],
    [
      'database and key missing',
      /database in dynamodb is missing/,
      () => {
        rmSync(inData('dynamodb'), { recursive: true });
        rmSync(inData('data-key'));
      },
    ],
    ['data-key missing', /data-key is missing/, () => rmSync(inData('data-key'))],
    ['data-key cut', /data-key is empty or changed/, () => truncateSync(inData('data-key'), 20)],
    ['data-key longer', /data-key is empty or changed/, () => appendFileSync(inData('data-key'), 'AA')],
    [
      'data-key of another folder',
      /data-key is not the key of its database/,
      () => writeFileSync(inData('data-key'), `${randomBytes(32).toString('base64')}\n`),
    ],
    ['queue file missing', /queues\/fauxqs\.db is missing/, () => rmSync(inData('queues'), { recursive: true })],
    ['queue file empty', /queues\/fauxqs\.db is missing or empty/, () => truncateSync(inData(queueFile))],
    ['queue file cut', /malformed|fauxqs\.db/, () => truncateSync(inData(queueFile), 10_000)],
    [
      'row of the queue file overwritten',
      /queues\/fauxqs\.db: .*JSON/,
      () => {
        const queues = new DatabaseSync(inData(queueFile));
        queues.exec("UPDATE sns_topics SET attributes = 'xx'");
        queues.close();
      },
    ],
    ['queue file overwritten', /not a database/, () => overwrite(inData(queueFile), 0, noise())],
  ])('finds the damage, and names it with the way out: %s', async (_, says, does) => {
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

  it('finds a table of the database that is overwritten, cut or missing', async () => {
    // Opening a database turns its log into a table.
    await openDataFolder(data);
    const file = databaseFile('.ldb');
    const bytes = readFileSync(file);
    const middle = Math.floor(bytes.length / 2);
    for (const does of [() => overwrite(file, middle, noise()), () => truncateSync(file, middle), () => rmSync(file)]) {
      does();
      await expect(openDataFolder(data)).rejects.toThrow(remedy);
      writeFileSync(file, bytes);
    }
  });
});

describe('dataKeyOf', () => {
  it.each<[damage: string, says: RegExp, does: (key: string) => void]>([
    ['is missing', /data-key is missing/, (key) => rmSync(key)],
    ['is empty', /data-key is empty or changed/, (key) => writeFileSync(key, '')],
    [
      'is a folder',
      /data-key cannot be read/,
      (key) => {
        rmSync(key);
        mkdirSync(key);
      },
    ],
  ])('refuses a database of another implementation of AWS whose data-key %s', async (_, says, does) => {
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
});
