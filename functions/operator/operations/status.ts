import pLimit from 'p-limit';
import type { Deadline } from '#functions/clock/instants.ts';
import { countKeys } from '#functions/dynamodb/index-pages.ts';
import { type OperatorDependencies, operation } from '#functions/operator/api/operation.ts';
import { pollProgress } from '#functions/watches/late-watches.ts';
import type { RegisteredWatch } from '#functions/watches/polled-watches.ts';
import { shardsIn } from '#functions/watches/shard-rows.ts';
import { heldBetween } from '#functions/webhooks/deliveries/delivery.ts';
import type { Endpoint } from '#functions/webhooks/endpoints/endpoint.ts';
import { limitsOf } from '#functions/webhooks/endpoints/format.ts';
import { admission, plausibleLease } from '#functions/webhooks/endpoints/lease.ts';

/** Most deliveries counted, since each counted row is read; and endpoints counted at once. */
const mostCounted = 1000;
const concurrency = 8;
const forever = Number.MAX_SAFE_INTEGER;

/** Counts waiting and held deliveries until the deadline, and finds the oldest overdue one. */
async function countDeliveries(deps: OperatorDependencies, endpoints: readonly Endpoint[], deadline: Deadline) {
  const { webhooks, tables } = deps;
  let [waiting, held, oldestOverdueMs, isCut, hasMoreTasks] = [0, 0, 0, false, false];
  await pLimit(concurrency).map(endpoints, async (endpoint) => {
    const { name } = endpoint;
    isCut ||= webhooks.steady() >= deadline;
    if (isCut) return;
    const [retries, { lease, tasks }, places] = await Promise.all([
      // One row beyond the limit shows that there are more; the first row is the oldest.
      webhooks.deliveries.due(name, forever, Math.max(1, mostCounted + 1 - waiting)),
      webhooks.leases.look(name, mostTasks),
      held > mostCounted ? 0 : countKeys(tables.webhooks, heldBetween(name, 0, forever), mostCounted + 1 - held),
    ]);
    waiting += tasks.reduce((sum, { events }) => sum + events.length, retries.length);
    hasMoreTasks ||= tasks.length === mostTasks;
    held += places;
    const now = webhooks.now().getTime();
    // A process drains the endpoint, or none may send to it now: its deliveries are not overdue.
    const admitted = admission(plausibleLease(lease, now), limitsOf(endpoint), now);
    if (endpoint.status === 'active' && admitted.kind !== 'free') return;
    const since = Math.min(retries[0]?.dueAt ?? now, tasks[0]?.at ?? now);
    oldestOverdueMs = Math.max(oldestOverdueMs, now - since);
  });
  const told = (count: number, hasMore = false) => {
    return { count: Math.min(count, mostCounted), more: isCut || hasMore || count > mostCounted };
  };
  return { waiting: told(waiting, hasMoreTasks), held: told(held), oldestOverdueMs };
}

/** Most counted tasks per endpoint; each names up to 100 deliveries, so these exceed what is counted. */
const mostTasks = 100;

/** Causes for which polls of enabled watches fail, the most frequent first, each with the message of one watch. */
function causesOf(enabled: readonly RegisteredWatch[]) {
  const failing = enabled.flatMap(({ health }) => health ?? []);
  const byCause = Map.groupBy(failing, ({ problem }) => problem.cause);
  const causes = [...byCause].map(([cause, found]) => {
    const since = found.map(({ failingSince }) => failingSince).toSorted()[0]!;
    const isAnnounced = found.some((health) => health.isAnnounced);
    return { cause, watches: found.length, since, isAnnounced, message: found[0]!.problem.message };
  });
  return causes.toSorted((a, b) => b.watches - a.watches);
}

export const showStatus = operation('showStatus', 'GET /status', {
  async run(deps, { deadline }) {
    const { transfers, webhooks, tables } = deps;
    const [watches, endpoints, shards] = await Promise.all([
      transfers.watches.list(),
      webhooks.endpoints.list(),
      shardsIn(tables.transfers),
    ]);
    const enabled = watches.filter(({ isDisabled }) => !isDisabled);
    const incomplete = enabled.flatMap(({ health }) => health?.incompleteSince ?? []).toSorted();
    const ofStatus = (status: string) => endpoints.filter((endpoint) => endpoint.status === status).length;
    return {
      version: deps.version,
      server: transfers.origin,
      watches: {
        all: watches.length,
        failing: enabled.filter(({ health }) => health?.isAnnounced).length,
        disabled: watches.length - enabled.length,
      },
      polls: {
        ...pollProgress(watches, shards, transfers, webhooks.now().getTime()),
        ...{ incomplete: incomplete.length, incompleteSince: incomplete[0] },
      },
      causes: causesOf(enabled),
      endpoints: {
        ...{ active: ofStatus('active'), paused: ofStatus('paused'), disabled: ofStatus('disabled') },
        failing: endpoints.filter(({ health }) => health).length,
      },
      deliveries: await countDeliveries(deps, endpoints, deadline),
    };
  },
});
