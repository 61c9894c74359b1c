import { createReadStream, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ClassicLevel } from 'classic-level';
import { contents } from './data-folder.ts';
import { inQueues } from './queued-messages.ts';

const raw = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const;

/** Rows read at once. */
const rowsAtOnce = 500;

/** A key and its value, as the database has them. */
export type StoredRow = readonly [key: Buffer, value: Buffer];

/** State of a data folder in use at one instant, to be read once. */
export interface DataCopy {
  /** Text of the data key. */
  readonly key: string;
  /** File of the queues, in parts. */
  readonly queues: AsyncIterable<Buffer>;
  readonly rows: AsyncIterable<StoredRow>;
  /** Gives up what was not read. */
  close(): Promise<void>;
}

/**
 * Copies a data folder that this process uses. Database and queues are those of the same instant, since nothing else runs
 * in between: the state that a crash at this instant would leave. So an event whose row is settled is in a queue or has
 * its deliveries.
 *
 * @param database of that folder, open
 * @throws the error of LevelDB, SQLite or the file system
 */
export function copyOf(data: string, database: ClassicLevel): DataCopy {
  const file = queuesCopyIn(data);
  rmSync(file, { force: true });
  const snapshot = database.snapshot();
  let queues: number;
  try {
    // Holds up everything for a moment; the queues are empty, or small.
    inQueues(data, (database) => database.prepare('VACUUM INTO ?').run(file));
    queues = openSync(file, 'r');
  } catch (error) {
    void snapshot.close();
    throw error;
  } finally {
    // The open file stays readable, and goes with its last reader.
    rmSync(file, { force: true });
  }
  const stream = createReadStream('', { fd: queues });
  return {
    key: readFileSync(join(data, contents.key), 'utf8'),
    queues: stream,
    rows: rowsOf(database, snapshot),
    async close() {
      stream.destroy();
      await snapshot.close();
    },
  };
}

/** File with a copy of the queues, which exists for a moment, or after a crash in it. */
export const queuesCopyIn = (data: string): string => join(data, contents.queues, 'copy.db');

async function* rowsOf(database: ClassicLevel, snapshot: ReturnType<ClassicLevel['snapshot']>) {
  const iterator = database.iterator<Buffer, Buffer>({ ...raw, snapshot });
  try {
    for (let rows = await iterator.nextv(rowsAtOnce); rows.length > 0; rows = await iterator.nextv(rowsAtOnce))
      yield* rows;
  } finally {
    await iterator.close();
  }
}
