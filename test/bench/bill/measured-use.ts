import { type Deployed, readStack } from '#test/bench/deployed/deployed-stack.ts';
import type { Bench } from '#test/bench/section.ts';
import { measureLogs } from '#test/bench/units/log-bytes.ts';
import { measureRegistry, type RegistryReads } from '#test/bench/units/registry-units.ts';
import { measureRequestBytes } from '#test/bench/units/request-bytes.ts';
import { type MeasuredPolls, measurePolls } from '#test/bench/units/shard-units.ts';
import { measureWebhookUnits } from '#test/bench/units/webhook-units.ts';

type WebhookUse = Awaited<ReturnType<typeof measureWebhookUnits>>;
type LogUse = ReturnType<typeof measureLogs>;

/** Everything that bills are calculated from, but the polls: the same for mailboxes of every size. */
export interface SharedUse {
  /** Units of DynamoDB, writes to indexes included. */
  readonly webhooks: WebhookUse['webhooks'];
  /** Bytes of rows, with DynamoDB's 100 for each row and for each place in an index. */
  readonly stored: WebhookUse['stored'];
  readonly logs: LogUse['logs'];
  readonly metrics: LogUse['metrics'];
  readonly registry: RegistryReads;
  /** Bytes of a request for a page without client id, TLS, TCP and IP. */
  readonly requestBytes: number;
  readonly deployed: Deployed;
}

/** The same with the polls of mailboxes of one size. */
export interface MeasuredUse extends SharedUse {
  readonly polls: MeasuredPolls;
}

/** Polls by the number of transfers of the mailboxes. */
export type PollsBySize = ReadonlyMap<number, MeasuredPolls>;

/** Measures everything that bills are calculated from, polls of mailboxes of each size included. */
export async function measureUse(
  bench: Pick<Bench, 'services' | 'deps'>,
  sizes: Iterable<number>,
  activeShare: number,
): Promise<{ readonly shared: SharedUse; readonly polls: PollsBySize }> {
  const { services, deps } = bench;
  const polls = new Map<number, MeasuredPolls>();
  for (const size of new Set(sizes)) polls.set(size, await measurePolls(bench, size, activeShare));
  const shared = {
    ...measureLogs(),
    ...(await measureWebhookUnits(services.addresses, deps.topics)),
    registry: await measureRegistry(services.addresses, deps),
    requestBytes: await measureRequestBytes(),
    deployed: readStack(),
  };
  return { shared, polls };
}
