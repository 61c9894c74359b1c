/*
 * A backup is a line of JSON, {@link BackupHead}, followed by records: a byte for the kind, four for the length (big-endian),
 * and as many bytes. The last record holds the SHA-256 of everything before it, so that a half or changed file shows.
 */

import { createHash } from 'node:crypto';
import type { DataCopy, StoredRow } from '#infra/local/data/data-copy.ts';

/** Version of the format. Readers refuse a higher one. */
const formatVersion = 1;

/** First line of a backup. */
export interface BackupHead {
  readonly kind: 'transfer-notifier-backup';
  readonly format: number;
  /** Version of the notifier that made it. */
  readonly notifier: string;
  /** ISO 8601 time of the copied state. */
  readonly takenAt: string;
}

/** A part of a backup: the head first, then the data key, parts of the queue file, and rows. */
export type BackupPart =
  | { readonly kind: 'head'; readonly head: BackupHead }
  | { readonly kind: 'key'; readonly text: string }
  | { readonly kind: 'queues'; readonly bytes: Buffer }
  | { readonly kind: 'rows'; readonly rows: readonly StoredRow[] };

/** Thrown for a file that is no whole backup; the message tells what is wrong with it. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
}

const kinds = { key: 1, queues: 2, rows: 3, end: 4 } as const;

const recordHeadBytes = 5;
const lengthBytes = 4;
const digestBytes = 32;

/** Bytes after which gathered rows become a record; a row has at most 400 KB. */
const rowsBytes = 256 * 1024;

/** Upper limits in bytes while reading: a changed length must not fill the memory. */
const largestHead = 1024;
const largestRecord = 16 * 1024 * 1024;

/** Writes a backup in parts. */
export async function* backupBytes(
  notifier: string,
  takenAt: Date,
  copy: Omit<DataCopy, 'close'>,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  const hashed = (bytes: Buffer) => {
    hash.update(bytes);
    return bytes;
  };
  const head: BackupHead = {
    kind: 'transfer-notifier-backup',
    format: formatVersion,
    notifier,
    takenAt: takenAt.toISOString(),
  };
  yield hashed(Buffer.from(`${JSON.stringify(head)}\n`));
  yield hashed(record(kinds.key, [Buffer.from(copy.key)]));
  for await (const bytes of copy.queues) yield hashed(record(kinds.queues, [bytes]));
  let gathered: Buffer[] = [];
  let size = 0;
  for await (const row of copy.rows) {
    for (const part of row) gathered.push(lengthOf(part), part);
    size += row[0].length + row[1].length;
    if (size < rowsBytes) continue;
    yield hashed(record(kinds.rows, gathered));
    gathered = [];
    size = 0;
  }
  if (gathered.length > 0) yield hashed(record(kinds.rows, gathered));
  yield record(kinds.end, [hash.digest()]);
}

function record(kind: number, parts: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(recordHeadBytes);
  head[0] = kind;
  head.writeUInt32BE(
    parts.reduce((sum, { length }) => sum + length, 0),
    1,
  );
  return Buffer.concat([head, ...parts]);
}

function lengthOf({ length }: Buffer): Buffer {
  const bytes = Buffer.alloc(lengthBytes);
  bytes.writeUInt32BE(length);
  return bytes;
}

/**
 * Reads a backup. Only when it ends without an error, all of it was sound.
 *
 * @throws BackupError for a half, changed or newer one; the error of the source
 */
export async function* readBackup(source: AsyncIterable<Buffer>): AsyncGenerator<BackupPart> {
  const bytes = new ByteReader(source);
  const hash = createHash('sha256');
  const line = await bytes.line(largestHead);
  hash.update(line);
  yield { kind: 'head', head: headOf(line.toString()) };
  for (;;) {
    const head = await bytes.take(recordHeadBytes);
    const length = head.readUInt32BE(1);
    if (length > largestRecord) throw new BackupError('it is damaged');
    const content = await bytes.take(length);
    if (head[0] === kinds.end) {
      const isSame = length === digestBytes && hash.digest().equals(content);
      if (isSame && (await bytes.isAtEnd())) return;
      throw new BackupError('it is damaged: its checksum is not that of its content');
    }
    hash.update(head).update(content);
    yield partOf(head[0]!, content);
  }
}

function headOf(line: string): BackupHead {
  let head: Partial<BackupHead> | null = null;
  try {
    head = JSON.parse(line);
  } catch {
    // Another file may begin with anything.
  }
  if (head?.kind !== 'transfer-notifier-backup') throw new BackupError('it is no backup of a notifier');
  if (typeof head.format !== 'number' || head.format > formatVersion) {
    throw new BackupError(
      `version ${head.notifier} of the notifier has made it: restore it with that one, or a newer one`,
    );
  }
  return head as BackupHead;
}

function partOf(kind: number, content: Buffer): BackupPart {
  if (kind === kinds.key) return { kind: 'key', text: content.toString() };
  if (kind === kinds.queues) return { kind: 'queues', bytes: content };
  if (kind !== kinds.rows) throw new BackupError('it is damaged');
  const parts: Buffer[] = [];
  for (let at = 0; at < content.length; ) {
    const from = at + lengthBytes;
    const length = from <= content.length ? content.readUInt32BE(at) : largestRecord;
    at = from + length;
    if (at > content.length) throw new BackupError('it is damaged');
    parts.push(content.subarray(from, at));
  }
  if (parts.length % 2 === 1) throw new BackupError('it is damaged');
  const rows = Array.from({ length: parts.length / 2 }, (_, row): StoredRow => [parts[2 * row]!, parts[2 * row + 1]!]);
  return { kind: 'rows', rows };
}

/** Takes exact numbers of bytes from a stream of chunks. */
class ByteReader {
  private readonly chunks: AsyncIterator<Buffer>;
  private rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.chunks = source[Symbol.asyncIterator]();
  }

  /** @throws BackupError if fewer are left */
  async take(count: number): Promise<Buffer> {
    const parts = [this.rest];
    let length = this.rest.length;
    while (length < count) {
      const { value, done } = await this.chunks.next();
      if (done) throw new BackupError('it ends in the middle: only half of it is there');
      parts.push(value);
      length += value.length;
    }
    const all = parts.length === 1 ? this.rest : Buffer.concat(parts);
    this.rest = all.subarray(count);
    return all.subarray(0, count);
  }

  /** Takes a line with its end. @throws BackupError for one of more bytes than `longest` */
  async line(longest: number): Promise<Buffer> {
    let line = Buffer.alloc(0);
    while (line.length < longest) {
      line = Buffer.concat([line, await this.take(1)]);
      if (line.at(-1) === 10) return line;
    }
    throw new BackupError('it is no backup of a notifier');
  }

  async isAtEnd(): Promise<boolean> {
    return this.rest.length === 0 && (await this.chunks.next()).done === true;
  }
}
