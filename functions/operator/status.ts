import pLimit from 'p-limit';
import { Watches } from '../transfers/watches.ts';
import { duePartNames, dueSince, heldPart, isDue } from '../webhooks/delivery.ts';
import { listEndpoints } from '../webhooks/endpoint-life.ts';
import { countPlaces, type IndexRange, walk } from '../webhooks/index-walk.ts';
import { indexes } from '../webhooks/waiting.ts';
import { type OperatorDependencies, operation } from './operation.ts';
import { deliveryIn } from './traces.ts';

/** Deliveries that are counted; there may be more. */
const mostCounted = 1000;

/** Of each part of the index, so many are looked at to find the one that has been due for longest. */
const firstLooks = 25;

/** Queries under way at the same time. */
const concurrency = 8;

const part = (due: string, until: number): IndexRange => ({
  index: indexes.waiting,
  partition: ['due', due],
  sort: ['dueAt', 0, until],
  isDescending: false,
});

/** Later than every instant at which something is due. */
const forever = Number.MAX_SAFE_INTEGER;

/** Counts what waits in parts of the index, for as long as there is time and the number is worth telling. */
async function countAll({ webhooks }: OperatorDependencies, parts: readonly string[], stopAt: number) {
  let all = 0;
  let isCut = false;
  await pLimit(concurrency).map(parts, async (due) => {
    isCut ||= all > mostCounted || webhooks.steady() >= stopAt;
    if (isCut) return;
    const count = await countPlaces(webhooks.dynamo, webhooks.table, part(due, forever), mostCounted + 1);
    all += count;
  });
  return { count: Math.min(all, mostCounted), more: isCut || all > mostCounted };
}

async function oldestOverdue({ webhooks }: OperatorDependencies): Promise<number> {
  const now = webhooks.now().getTime();
  const waits = await Promise.all(
    duePartNames.map(async (due) => {
      const { rows } = await walk(webhooks.dynamo, webhooks.table, {
        ranges: [part(due, forever)],
        matches: () => true,
        after: undefined,
        limit: firstLooks,
      });
      const overdue = rows.map(deliveryIn).filter((delivery) => isDue(delivery, now));
      return Math.max(0, ...overdue.map((delivery) => now - dueSince(delivery)));
    }),
  );
  return Math.max(...waits);
}

export const statusOperations = [
  operation({
    id: 'showStatus',
    method: 'GET',
    path: '/status',
    summary: 'Tells how the notifier is doing',
    status: 200,
    async run(deps, { stopAt }) {
      const { transfers, webhooks } = deps;
      const [watches, endpoints] = await Promise.all([
        new Watches(transfers.dynamo, transfers.table).list(),
        listEndpoints(webhooks),
      ]);
      const [waiting, held, oldestOverdueMs] = await Promise.all([
        countAll(deps, duePartNames, stopAt),
        countAll(
          deps,
          endpoints.map(({ name }) => heldPart(name)),
          stopAt,
        ),
        oldestOverdue(deps),
      ]);
      const ofStatus = (status: string) => endpoints.filter((endpoint) => endpoint.status === status).length;
      return {
        version: deps.version,
        server: transfers.origin,
        watches: {
          all: watches.length,
          failing: watches.filter(({ health, isDisabled }) => health?.isAnnounced && !isDisabled).length,
          disabled: watches.filter(({ isDisabled }) => isDisabled).length,
        },
        endpoints: {
          active: ofStatus('active'),
          paused: ofStatus('paused'),
          disabled: ofStatus('disabled'),
          failing: endpoints.filter(({ health }) => health).length,
        },
        deliveries: { waiting, held, oldestOverdueMs },
      };
    },
  }),
];
