import type { Server } from 'node:http';
import type { ClassicLevel } from 'classic-level';
import dynalite from 'dynalite';
import stores, { type Store } from 'dynalite/db/index.js';

/**
 * Starts DynamoDB (dynalite), which keeps the database behind it to itself: this function gets hold of it on the way.
 *
 * @param path folder of the database; in memory without it
 */
export function createDatabase(path: string | undefined): { readonly server: Server; readonly rows: ClassicLevel } {
  const { create } = stores;
  let rows: Store | undefined;
  stores.create = (options) => {
    const store = create(options);
    rows = store.db;
    return store;
  };
  try {
    const server = dynalite({ createTableMs: 0, ...(path && { path }) });
    if (!rows) throw new Error('dynalite did not start as it used to: its database is not known');
    if (!path) keepOwnBytes(rows);
    return { server, rows };
  } finally {
    stores.create = create;
  }
}

/** Has a store in memory keep copies of rows: Node cuts small ones out of 64 KB, of which each would keep all. */
function keepOwnBytes(store: Store): void {
  const [put, batch] = [store._put.bind(store), store._batch.bind(store)];
  store._put = (key, value, options) => put(copyOf(key), copyOf(value), options);
  store._batch = (rows, options) =>
    batch(
      rows.map((row) => ({ ...row, key: copyOf(row.key), ...(row.value && { value: copyOf(row.value) }) })),
      options,
    );
}

function copyOf(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}
