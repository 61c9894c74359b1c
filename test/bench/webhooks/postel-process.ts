import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pLimit from 'p-limit';
import { cpuSoFar, instant } from '#test/bench/measurement.ts';
import { serveParent, startArgument } from '#test/bench/processes/bench-process.ts';
import { publishAt, type SenderMethods, waitForCount } from './contestant.ts';
import type { PostelStart } from './postel.ts';

/** The parts of Postel and of its database driver that this process uses. */
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

const { folder, database, url } = startArgument<PostelStart>();
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
const numberOf = async (text: string) => Number(Object.values((await pool.query(text)).rows[0]!)[0]);
if ((await numberOf('SELECT count(*) FROM endpoints')) !== 1) throw new Error('the database of Postel is not empty');
await postel.start();

/** The process of PostgreSQL that has forked the one for this connection. */
const postgres = statOf(await numberOf('SELECT pg_backend_pid()'))?.[1];
const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** Reads what Linux says of a process: the fields of `/proc/…/stat` behind the command's name. */
function statOf(pid: number | string): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

/** Milliseconds of CPU of PostgreSQL and its children, ended ones included; undefined where `/proc` is missing. */
function cpuOfStore(): number | undefined {
  const own = postgres === undefined ? undefined : statOf(postgres);
  if (!own) return undefined;
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(statOf)
    .filter((stat) => stat?.[1] === postgres);
  // utime and stime of each, with those of the children that have ended.
  const ticks = [...own.slice(11, 15), ...children.flatMap((stat) => stat!.slice(11, 13))];
  return (ticks.reduce((sum, value) => sum + Number(value), 0) * 1000) / ticksPerSecond;
}

serveParent({
  async publish(name, count, paceMs) {
    const published: Record<string, number> = {};
    await publishAt(paceMs, name, count, (events) =>
      pLimit(connections).map(events, async ({ type, data }) => {
        const sentAt = instant();
        const { id } = await postel.outbound.send({ type, data });
        published[id] = sentAt;
      }),
    );
    return published;
  },
  finished: (count) => waitForCount(count, () => numberOf("SELECT count(*) FROM messages WHERE status = 'dispatched'")),
  cpu: () => ({ sender: cpuSoFar(), store: cpuOfStore() }),
} satisfies SenderMethods);
