import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BackupError, type BackupPart, backupBytes, readBackup } from '#infra/service/backup-format.ts';

type Row = readonly [Buffer, Buffer];

async function* chunks<T>(list: readonly T[]): AsyncGenerator<T> {
  yield* list;
}

const takenAt = new Date('2026-11-27T06:00:00.000Z');

/** Writes a backup into one buffer. */
async function backupOf(key: string, queues: readonly Buffer[], rows: readonly Row[]): Promise<Buffer> {
  const written: Buffer[] = [];
  const copy = { key, queues: chunks(queues), rows: chunks(rows) };
  for await (const part of backupBytes('0.1.0', takenAt, copy)) written.push(part);
  return Buffer.concat(written);
}

/** Reads a backup that arrives in chunks of a length. */
async function parts(bytes: Buffer, chunk = bytes.length || 1): Promise<BackupPart[]> {
  const list = Array.from({ length: Math.ceil(bytes.length / chunk) }, (_, index) =>
    bytes.subarray(index * chunk, (index + 1) * chunk),
  );
  const read: BackupPart[] = [];
  for await (const part of readBackup(chunks(list))) read.push(part);
  return read;
}

const bytes = fc.uint8Array({ maxLength: 50 }).map((array) => Buffer.from(array));
const anyRows = fc.array(fc.tuple(bytes, bytes), { maxLength: 20 });
const small = () => backupOf('key', [Buffer.from('queues')], [[Buffer.from('a'), Buffer.from('1')]]);

describe('readBackup', () => {
  it('returns what was written, however the bytes arrive', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.array(bytes), anyRows, fc.integer({ min: 1, max: 400 }), async (...given) => {
        const [key, queues, rows, chunk] = given;
        const read = await parts(await backupOf(key, queues, rows), chunk);
        expect(read[0]).toMatchObject({ head: { notifier: '0.1.0', takenAt: takenAt.toISOString() } });
        expect(read.flatMap((part) => (part.kind === 'key' ? part.text : []))).toEqual([key]);
        expect(read.flatMap((part) => (part.kind === 'queues' ? part.bytes : []))).toEqual(queues);
        expect(read.flatMap((part) => (part.kind === 'rows' ? part.rows : []))).toEqual(rows);
      }),
    );
  });

  it('returns rows of 400 KB, and many rows in several records', async () => {
    const rows = Array.from({ length: 4 }, (_, row): Row => [Buffer.from([row]), Buffer.alloc(400_000, row)]);
    const read = (await parts(await backupOf('key', [], rows), 65_536)).filter(({ kind }) => kind === 'rows');
    expect(read).toHaveLength(4);
    expect(read.flatMap((part) => (part.kind === 'rows' ? part.rows : []))).toEqual(rows);
  });

  it('refuses a backup that ends at any byte before its end', async () => {
    const whole = await small();
    for (let length = 0; length < whole.length; length += 1)
      await expect(parts(whole.subarray(0, length)), String(length)).rejects.toThrow(BackupError);
  });

  it('refuses a backup with any byte changed', async () => {
    const whole = await small();
    for (let at = 0; at < whole.length; at += 1) {
      const changed = Buffer.from(whole);
      changed[at]! ^= 1 << (at % 8);
      await expect(parts(changed), String(at)).rejects.toThrow(BackupError);
    }
  });

  it('refuses a backup with a byte after its end', async () => {
    const longer = Buffer.concat([await small(), Buffer.from('\n')]);
    await expect(parts(longer)).rejects.toThrow('it is damaged: its checksum is not that of its content');
  });

  it.each([
    ['', 'it ends in the middle: only half of it is there'],
    ['{"kind":"transfer-notifier-backup","format":1', 'it ends in the middle: only half of it is there'],
    ['{"a":1}\n', 'it is no backup of a notifier'],
    ['null\n', 'it is no backup of a notifier'],
    ['x'.repeat(2000), 'it is no backup of a notifier'],
    [
      '{"kind":"transfer-notifier-backup","format":2,"notifier":"9.0.0"}\n',
      'version 9.0.0 of the notifier has made it: restore it with that one, or a newer one',
    ],
  ])('says of %j what is wrong', async (text, problem) => {
    await expect(parts(Buffer.from(text))).rejects.toThrow(problem);
  });

  it('does not fill the memory for a length that was changed', async () => {
    const whole = await small();
    const at = whole.indexOf('\n') + 2;
    whole.writeUInt32BE(0xffff_ffff, at);
    await expect(parts(whole)).rejects.toThrow('it is damaged');
  });
});
