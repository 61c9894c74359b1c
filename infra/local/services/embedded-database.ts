import type { Server } from 'node:http';
import type { ClassicLevel } from 'classic-level';
import dynalite from 'dynalite';
import stores from 'dynalite/db/index.js';

/**
 * Starts DynamoDB (dynalite), which keeps the database behind it to itself: this function gets hold of it on the way.
 *
 * @param path folder of the database; in memory without it
 */
export function createDatabase(path: string | undefined): { readonly server: Server; readonly rows: ClassicLevel } {
  const { create } = stores;
  let rows: ClassicLevel | undefined;
  stores.create = (options) => {
    const store = create(options);
    rows = store.db;
    return store;
  };
  try {
    const server = dynalite({ createTableMs: 0, ...(path && { path }) });
    if (!rows) throw new Error('dynalite did not start as it used to: its database is not known');
    return { server, rows };
  } finally {
    stores.create = create;
  }
}
