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

  const stores: { create(options: object): { readonly db: ClassicLevel } };
  export default stores;
}
