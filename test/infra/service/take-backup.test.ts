import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { localTarget } from '#infra/cli/api/target.ts';
import { listenOnLoopback } from '#infra/loopback/loopback-guard.ts';
import { backupBytes } from '#infra/service/backup-format.ts';
import { takeBackup } from '#infra/service/take-backup.ts';

async function* chunks(...list: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* list;
}

/** A whole backup with a key of this name. */
async function backupOf(key: string): Promise<Buffer> {
  const copy = { key, queues: chunks(Buffer.from('queues')), rows: (async function* () {})() };
  const parts: Uint8Array[] = [];
  for await (const part of backupBytes('0.1.0', new Date(), copy)) parts.push(part);
  return Buffer.concat(parts);
}

/** Answers that have begun and wait for their second half. */
let open: http.ServerResponse[] = [];
let onRequest: (response: http.ServerResponse) => void;
const notifier = http.createServer((_request, response) => onRequest(response));
const target = localTarget(await listenOnLoopback(notifier), undefined, 'start it');
afterAll(() => {
  notifier.closeAllConnections();
  notifier.close();
});
beforeEach(() => {
  open = [];
  onRequest = async (response) => response.end(await backupOf('key'));
});

function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'backup-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

describe('takeBackup', () => {
  it('gives its name to a whole file alone, although another backup into it has begun', async () => {
    const folder = freshFolder();
    const file = join(folder, 'notifier.backup');
    writeFileSync(file, 'an older one');
    const [first, second] = [await backupOf('first'), await backupOf('second')];
    onRequest = (response) => {
      open.push(response);
      response.write(first.subarray(0, 60));
    };
    const begun = async (count: number) => {
      await expect.poll(() => open.length).toBe(count);
      await expect.poll(() => readFileSync(`${file}.new`).length).toBe(60);
    };
    const one = takeBackup(target, file).catch((error: Error) => error);
    await begun(1);
    onRequest = (response) => {
      open.push(response);
      response.write(second.subarray(0, 60));
    };
    const { ino } = statSync(`${file}.new`);
    const other = takeBackup(target, file).catch((error: Error) => error);
    await begun(2);
    await expect.poll(() => statSync(`${file}.new`).ino).not.toBe(ino);
    await begun(2);
    open[0]!.end(first.subarray(60));
    expect(await one).toMatchObject({ message: expect.stringContaining('another backup into that file has begun') });
    expect(readFileSync(file, 'utf8')).toBe('an older one');
    open[1]!.end(second.subarray(60));
    expect(await other).toMatchObject({ bytes: second.length });
    expect(readFileSync(file)).toEqual(second);
    expect(readdirSync(folder)).toEqual(['notifier.backup']);
  });

  it('replaces no device', async () => {
    const file = join(freshFolder(), 'null');
    symlinkSync('/dev/null', file);
    await expect(takeBackup(target, file)).rejects.toThrow('expected the name of a file for the backup');
    expect(readlinkSync(file)).toBe('/dev/null');
  });

  it('writes to where a symbolic link leads, such as another disk', async () => {
    const [folder, disk] = [freshFolder(), freshFolder()];
    const [file, there] = [join(folder, 'notifier.backup'), join(disk, 'notifier.backup')];
    writeFileSync(there, 'an older one');
    symlinkSync(there, file);
    const { bytes } = await takeBackup(target, file);
    expect(readFileSync(there)).toHaveLength(bytes);
    expect(readlinkSync(file)).toBe(there);
  });
});
