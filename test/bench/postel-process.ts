import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import pLimit from 'p-limit';
import { cpuSoFar, instant, serveParent } from './bench-child.ts';
import { eventsOf } from './bench-events.ts';
import { type ContestantCommand, type Published, patience } from './contestant.ts';
import type { PostelStart } from './postel.ts';

/** The little of Postel and of its database driver that is needed here. */
interface Pool {
  query(text: string): Promise<{ readonly rows: readonly Record<string, string>[] }>;
}
interface PostelLibrary {
  readonly InProcess: (options: object) => object;
  readonly Postel: (options: object) => {
    readonly outbound: {
      readonly endpoints: { create(endpoint: object): Promise<unknown> };
      send(event: object): Promise<{ readonly id: string }>;
    };
    start(): Promise<unknown>;
  };
}

const { folder, database, url } = JSON.parse(process.argv[2]!) as PostelStart;
const built = (name: string) => join(folder, 'typescript/packages', name, 'dist/index.js');
const load = (file: string) => import(pathToFileURL(file).href);
const { InProcess, Postel } = (await load(built('core'))) as PostelLibrary;
const { PgStorage } = (await load(built('storage/pg'))) as { readonly PgStorage: (options: object) => object };
// The driver that Postel itself has.
const { default: pg } = (await load(createRequire(built('storage/pg')).resolve('pg'))) as {
  readonly default: { readonly Pool: new (options: object) => Pool };
};

/** As in Postel's own benchmark. */
const connections = 20;
const workers = 4;

const pool = new pg.Pool({ connectionString: database, max: connections });
const postel = Postel({
  outbound: {
    storage: PgStorage({ pool, autoMigrate: true }),
    workers: InProcess({ concurrency: workers }),
    http: { ssrf: { allowedRanges: ['127.0.0.0/8'] } },
  },
});
await postel.outbound.endpoints.create({ url, allowHttp: true });
const countOf = async (text: string) => Number((await pool.query(text)).rows[0]!.count);
const countDone = () => countOf("SELECT count(*) FROM messages WHERE status = 'dispatched'");
if ((await countOf('SELECT count(*) FROM endpoints')) !== 1) throw new Error('the database of Postel is not empty');
await postel.start();

async function publish(name: string, count: number, pace: number): Promise<Published> {
  const published: Record<string, number> = {};
  const send = async ({ type, data }: ReturnType<typeof eventsOf>[number]) => {
    const at = instant();
    const { id } = await postel.outbound.send({ type, data });
    published[id] = at;
  };
  const events = eventsOf(name, count);
  if (pace === 0) await pLimit(connections).map(events, send);
  else {
    for (const event of events) await Promise.all([send(event), sleep(pace)]);
  }
  return published;
}

async function finished(count: number): Promise<number | undefined> {
  const began = performance.now();
  while ((await countDone()) < count) {
    if (performance.now() - began > patience) return undefined;
    await sleep(10);
  }
  return instant();
}

const { pid } = (await pool.query('SELECT pg_backend_pid() AS pid')).rows[0]!;
serveParent<ContestantCommand>(Number(pid), (command) => {
  switch (command.kind) {
    case 'publish':
      return publish(command.name, command.count, command.pace);
    case 'finished':
      return finished(command.count);
    case 'cpu':
      return cpuSoFar();
  }
});
