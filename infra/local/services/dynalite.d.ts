/** Part of dynalite that the local run uses; the package has no types. */
declare module 'dynalite' {
  import type { Server } from 'node:http';

  interface DynaliteOptions {
    /** Folder of the database; in memory without it. */
    readonly path?: string;
    /** Milliseconds that a new table stays in the state CREATING. */
    readonly createTableMs?: number;
  }

  export default function dynalite(options?: DynaliteOptions): Server;
}

declare module 'dynalite/db/index.js' {
  import type { ClassicLevel } from 'classic-level';

  interface Row {
    readonly key: Uint8Array;
    /** Undefined for a deletion. */
    readonly value?: Uint8Array;
  }

  /** A database with the methods by which abstract-level hands rows to it, as bytes. */
  export interface Store extends ClassicLevel {
    _put(key: Uint8Array, value: Uint8Array, options: object): Promise<void>;
    _batch(rows: readonly Row[], options: object): Promise<void>;
  }

  const stores: { create(options: object): { readonly db: Store } };
  export default stores;
}
