import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { isSoundLog } from '#infra/local/data/database-log.ts';

/** A log of LevelDB: small records, records that fill a block to its last bytes, some longer than blocks. */
let log: Buffer;
beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'database-log-'));
  const database = new ClassicLevel(folder);
  for (let row = 0; row < 300; row += 1) await database.put(`row-${row}`, 'x'.repeat((row * 37) % 600));
  for (const length of [100_000, 32_700, 70_000]) await database.put(`long-${length}`, 'y'.repeat(length));
  for (let row = 0; row < 100; row += 1) await database.put(`last-${row}`, 'z'.repeat(row));
  await database.close();
  const name = readdirSync(folder).find((file) => file.endsWith('.log'))!;
  log = readFileSync(join(folder, name));
  rmSync(folder, { recursive: true });
});

describe('isSoundLog', () => {
  it('accepts the log that LevelDB wrote, and an empty one', () => {
    expect(isSoundLog(log)).toBe(true);
    expect(isSoundLog(Buffer.alloc(0))).toBe(true);
  });

  it('accepts a log whose end a crash has cut off, or left as zeros', () => {
    fc.assert(
      fc.property(fc.nat(log.length), fc.nat(70_000), (end, zeros) => {
        expect(isSoundLog(Buffer.concat([log.subarray(0, end), Buffer.alloc(zeros)]))).toBe(true);
      }),
    );
  });

  it('refuses a log in which bytes before the last records were overwritten', () => {
    fc.assert(
      fc.property(fc.nat(log.length - 300), fc.uint8Array({ minLength: 32, maxLength: 32 }), (at, bytes) => {
        const changed = Buffer.from(log);
        changed.set(bytes, at);
        fc.pre(!changed.equals(log));
        expect(isSoundLog(changed)).toBe(false);
      }),
    );
  });
});
