import { readStack } from '#test/bench/deployed/deployed-stack.ts';
import type { Bench } from '#test/bench/section.ts';
import { measureDigestUnits } from '#test/bench/units/digest-units.ts';
import { measureLogs } from '#test/bench/units/log-bytes.ts';
import { measureRegistry } from '#test/bench/units/registry-units.ts';
import { measureRequestBytes } from '#test/bench/units/request-bytes.ts';
import { type MeasuredPolls, measurePolls } from '#test/bench/units/shard-units.ts';
import { measureWebhookUnits } from '#test/bench/units/webhook-units.ts';

type PollBench = Pick<Bench, 'services' | 'deps'>;

/** Everything that bills are calculated from, but the polls: the same for mailboxes of every size. */
export type SharedUse = Awaited<ReturnType<typeof measureShared>>;

/** The same with the polls of mailboxes of one size. */
export interface MeasuredUse extends SharedUse {
  readonly polls: MeasuredPolls;
}

/** Polls by the number of transfers of the mailboxes. */
export type PollsBySize = ReadonlyMap<number, MeasuredPolls>;

/** Measures everything that bills are calculated from, polls of mailboxes of each size included. */
export async function measureUse(bench: PollBench, sizes: Iterable<number>, activeShare: number) {
  const polls = new Map<number, MeasuredPolls>();
  for (const size of new Set(sizes)) polls.set(size, await measurePolls(bench, size, activeShare));
  return { shared: await measureShared(bench), polls };
}

const measureShared = async ({ services, deps }: PollBench) => ({
  ...measureLogs(),
  ...(await measureWebhookUnits(services.addresses, deps.topic)),
  readers: await measureDigestUnits(services.addresses, deps.topic),
  registry: await measureRegistry(services.addresses, deps),
  /** Bytes of a request for a page without client id, TLS, TCP and IP. */
  requestBytes: await measureRequestBytes(),
  deployed: readStack(),
});
