import { startProcess } from '#test/bench/processes/bench-process.ts';
import type { Bench } from '#test/bench/section.ts';
import type { Contestant, SenderMethods } from './contestant.ts';

/** The start of the process of Postel: its checkout, its empty database, and the URL of the receiver. */
export type PostelStart = NonNullable<Bench['postel']> & { readonly url: string };

/**
 * Starts Postel, a library that sends webhooks from PostgreSQL, as its own benchmark sets it up: four workers, 20
 * connections. PostgreSQL has to be running.
 */
export async function startPostel(start: PostelStart): Promise<Contestant> {
  const { call, stop } = await startProcess<SenderMethods>(import.meta.resolve('./postel-process.ts'), start);
  return { name: 'Postel, PostgreSQL', call, stop, cpu: () => call('cpu') };
}
