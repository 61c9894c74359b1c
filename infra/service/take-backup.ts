import { constants } from 'node:fs';
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises';
import http from 'node:http';
import { dirname, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { jsonOf } from '#functions/parsing/json.ts';
import type { Target } from '#infra/cli/api/aws-target.ts';
import { refused, unreachable } from '#infra/cli/terminal/cli-error.ts';
import { isLoopback } from '#infra/config/plain-address.ts';
import { BackupError, type BackupHead, readBackup } from './backup-format.ts';

/** Milliseconds without a byte after which the notifier is given up. */
const silenceMs = 60_000;

/** Facts of a whole backup; its size is in bytes. */
export interface Backup {
  readonly head: BackupHead;
  readonly rows: number;
  readonly bytes: number;
}

/** Reads a whole backup. @throws BackupError for one that is not sound, or the error of the source */
export async function inspectBackup(source: AsyncIterable<Buffer>): Promise<Backup> {
  let head: BackupHead | undefined;
  let [rows, bytes] = [0, 0];
  for await (const part of readBackup(counted(source, (length) => (bytes += length)))) {
    if (part.kind === 'head') ({ head } = part);
    if (part.kind === 'rows') rows += part.rows.length;
  }
  return { head: head!, rows, bytes };
}

async function* counted(source: AsyncIterable<Buffer>, add: (length: number) => void): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    add(chunk.length);
    yield chunk;
  }
}

/**
 * Has a running notifier write a backup into a file, for its owner alone. The file takes its name once it is whole: an older
 * backup of that name stays until then.
 *
 * @throws CliError
 */
export async function takeBackup(target: Target, file: string): Promise<Backup> {
  if (!isLoopback(new URL(target.url).hostname)) {
    throw refused('only a run on this machine is backed up so: on AWS, the tables have point-in-time recovery');
  }
  // A symbolic link may lead to another disk, and stays.
  const place = await realpath(file).catch(() => file);
  const there = await stat(place).catch(() => undefined);
  if (there && !there.isFile()) {
    const what = there.isDirectory() ? 'folder' : 'device';
    throw refused(`${file} is a ${what}, expected the name of a file for the backup`);
  }
  const answer = await ask(target);
  const fresh = `${place}.new`;
  let own: number | undefined;
  const isOwn = async () => own !== undefined && (await stat(fresh).catch(() => undefined))?.ino === own;
  try {
    await rm(fresh, { force: true });
    const handle = await open(fresh, 'wx', 0o600);
    own = (await handle.stat()).ino;
    const backup = await inspectBackup(written(answer, handle)).finally(() => handle.close());
    if (!(await isOwn())) throw new Error('another backup into that file has begun');
    await rename(fresh, place);
    await syncFolder(place);
    return backup;
  } catch (error) {
    answer.destroy();
    if (await isOwn()) await rm(fresh, { force: true }).catch(() => undefined);
    const what = error instanceof BackupError || isBroken(error) ? 'the notifier stopped in the middle' : reason(error);
    throw refused(`the backup is not written (${what}): take it again`);
  }
}

const isBroken = (error: unknown): boolean =>
  /^(?:ECONNRESET|EPIPE)$/.test((error as NodeJS.ErrnoException).code ?? '');
const reason = (error: unknown): string => (error as Error).message;

async function ask(target: Target): Promise<http.IncomingMessage> {
  const url = new URL(`${target.url}/backup`);
  const headers = await target.sign('POST', url, {}, undefined);
  const { promise, resolve: answered, reject } = Promise.withResolvers<http.IncomingMessage>();
  const request = http.request(url, { method: 'POST', headers, timeout: silenceMs }, answered);
  request.on('timeout', () => request.destroy(new Error('no answer')));
  request.on('error', reject);
  request.end();
  const answer = await promise.catch(({ code, message }: NodeJS.ErrnoException) => {
    throw unreachable(`cannot reach the operator API at ${target.url} (${code ?? message}): ${target.remedy}`);
  });
  if (answer.statusCode === 200) return answer;
  const { detail = '' } = (jsonOf(await text(answer)) ?? {}) as { detail?: string };
  if (answer.statusCode === 401 || answer.statusCode === 403) {
    throw unreachable(`${target.url} refuses access (HTTP ${answer.statusCode}): ${target.admission('')}`);
  }
  if (answer.statusCode === 404) throw refused(`the notifier at ${target.url} is too old to make a backup: upgrade it`);
  throw refused(`the notifier makes no backup (HTTP ${answer.statusCode}): ${detail}`);
}

/** Passes on chunks once they are written, and ends once they are on the disk. */
async function* written(source: AsyncIterable<Buffer>, handle: FileHandle): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    await handle.appendFile(chunk);
    yield chunk;
  }
  await handle.sync();
}

/** Makes a new name of a file survive a crash of the machine, where the system can do that. */
async function syncFolder(file: string): Promise<void> {
  const folder = await open(dirname(resolve(file)), constants.O_RDONLY).catch(() => undefined);
  await folder?.sync().catch(() => undefined);
  await folder?.close();
}
