import * as z from 'zod/mini';
import { retryBudget } from '#functions/clock/backoff.ts';
import type { Deadline } from '#functions/clock/instants.ts';
import { getRows } from '#functions/dynamodb/batch.ts';
import type { TableSource } from '#functions/dynamodb/index-pages.ts';
import { Partition } from '#functions/dynamodb/partition.ts';
import type { Item, Key } from '#functions/dynamodb/row.ts';
import type { TransferEvent } from '#functions/events/transfer-event.ts';
import { findingOf } from '#functions/explain/finding.ts';
import { fannedOutAt, timelineOf } from '#functions/explain/timeline.ts';
import { verdictOf } from '#functions/explain/verdict.ts';
import { type OperatorDependencies, operation } from '#functions/operator/api/operation.ts';
import { existing } from '#functions/operator/api/problem.ts';
import { direction, trackingId } from '#functions/operator/api/schemas.ts';
import { rootKey, toTransferRow, transferKey } from '#functions/snapshot/snapshot-rows.ts';
import { addressKey } from '#functions/transfers/address-key.ts';
import { address as mailbox } from '#functions/transfers/mailbox-address.ts';
import { type Watch, watchKey } from '#functions/transfers/transfer.ts';
import { registryPartition, watchOf } from '#functions/watches/polled-watches.ts';
import {
  attemptNameOf,
  attemptOf,
  type Delivery,
  type DeliveryName,
  deliveryKey,
  deliveryOf,
  eventIdOf,
  transferPartition,
} from '#functions/webhooks/deliveries/delivery.ts';
import { storedEventOf } from '#functions/webhooks/deliveries/stored-events.ts';
import { Endpoints } from '#functions/webhooks/endpoints/endpoints.ts';
import { isForPeople } from '#functions/webhooks/endpoints/format.ts';
import { leaseOf, newLease, plausibleLease } from '#functions/webhooks/endpoints/lease.ts';
import { leaseKey } from '#functions/webhooks/endpoints/leases.ts';
import { endpointName } from '#functions/webhooks/endpoints/settings.ts';
import { shownEvent } from './traces.ts';
import { shownTransfer } from './transfers.ts';

/** Bounds of one answer; beyond them it says `hasMore`. A usual transfer has four events, and an attempt at each. */
const mostRows = 2000;
const mostEvents = 100;
const mostSubscribers = 100;
const mostDigests = 100;
/** Watches in which a transfer without an event is looked up: two rows of each are read. */
const mostWatches = 100;

type ReadEvent = ReturnType<typeof eventIn>;

const query = z.strictObject({
  subscriber: z.optional(endpointName),
  mailbox: z.optional(mailbox),
  direction: z.optional(direction),
});

type Query = z.output<typeof query>;

/** Reads at half the price: what the last second brought may be missing. */
const lagging = (source: TableSource): TableSource => ({ ...source, mayLag: true });

const rowsOf = ({ dynamo, table }: TableSource, keys: readonly Key[], deadline: Deadline) =>
  getRows(dynamo, table, keys, retryBudget(deadline), true);

const nameOf = ({ pk, sk }: Item): string => `${pk} ${sk}`;

/** An event of a row, from its bytes. */
function eventIn(body: string, row: string) {
  const { id, type, timestamp: at, data } = shownEvent(body);
  const { trackingId: transfer, mailbox, direction, state, sequence } = data as unknown as TransferEvent['data'];
  return { id, type, at, mailbox, direction, state, sequence, transfer, row };
}

/** By time, and at one time by their number. */
const byTime = (one: ReadEvent, other: ReadEvent): number =>
  one.at === other.at ? one.sequence - other.sequence : one.at < other.at ? -1 : 1;

/** Tells whether a question is about a watch. */
const matcher = (asked: Query) => (watch: Watch) =>
  (asked.mailbox === undefined || addressKey(watch.mailbox) === addressKey(asked.mailbox)) &&
  (asked.direction === undefined || watch.direction === asked.direction);

/** Events, deliveries and attempts in one query; attempts come last, so that they are left out first. */
async function tracesOf(
  { tables, webhooks }: OperatorDependencies,
  transfer: string,
  isAsked: (watch: Watch) => boolean,
) {
  const partition = new Partition(lagging(tables.webhooks), transferPartition(transfer));
  const { rows, last } = await partition.page('ATTEMPT#', 'EVENT#~', mostRows, true);
  const [stored, tried] = [false, true].map((isAttempt) =>
    rows.filter(({ sk }) => sk.startsWith('ATTEMPT#') === isAttempt),
  );
  const events = [...Map.groupBy(stored!, ({ sk }) => eventIdOf(sk)).values()]
    .map((some) => ({
      ...eventIn(storedEventOf(some[0]!).body, nameOf(some[0]!)),
      fannedOutAt: fannedOutAt(some, webhooks.deliveries.keptForMs),
    }))
    .filter((event) => event.transfer === transfer && isAsked(event));
  const ids = new Set(events.map(({ id }) => id));
  const deliveries = stored!.filter(({ sk }) => sk.startsWith('DELIVERY#')).map(deliveryOf);
  const attempts = tried!.map((row) => ({ ...attemptOf(row), ...attemptNameOf(row.sk) }));
  const isOfEvent = ({ event }: DeliveryName) => ids.has(event);
  const isWhole = last === undefined || last.startsWith('ATTEMPT#');
  return {
    events,
    deliveries: deliveries.filter(isOfEvent),
    attempts: attempts.filter(isOfEvent),
    isWhole,
    hasMore: last !== undefined,
  };
}

/** The rows of a transfer in the snapshots of watches. */
async function rowsIn(
  { tables }: OperatorDependencies,
  transfer: string,
  watches: readonly Watch[],
  deadline: Deadline,
) {
  const keys = watches.map((watch) => ({ pk: watchKey(watch), sk: transferKey(transfer) }));
  const rows = await rowsOf(tables.transfers, keys, deadline);
  return watches.flatMap(({ mailbox, direction }, index) => {
    const row = rows[index];
    return row ? { ...toTransferRow(row), mailbox, direction, row: nameOf(keys[index]!) } : [];
  });
}

/** Watches whose snapshots may hold a transfer that no event tells of. */
async function candidates({ tables, transfers }: OperatorDependencies, asked: Query) {
  if (asked.mailbox !== undefined) return { some: await transfers.watches.everOfMailbox(asked.mailbox), isMore: false };
  const { rows, last } = await new Partition(lagging(tables.transfers), registryPartition).page(' ', '~', mostWatches);
  return { some: rows.map(watchOf), isMore: last !== undefined };
}

/** Looks a transfer up in watches, and counts those that cannot have it or may not show it. */
async function lookUp(deps: OperatorDependencies, transfer: string, asked: Query, deadline: Deadline) {
  const { some, isMore } = await candidates(deps, asked);
  const watches = some.filter(matcher(asked));
  const rows = await rowsIn(deps, transfer, watches, deadline);
  const roots = await rowsOf(
    deps.tables.transfers,
    watches.map((watch) => ({ pk: watchKey(watch), sk: rootKey })),
    deadline,
  );
  const looked = {
    watches: watches.length,
    isMore,
    disabled: watches.filter(({ isDisabled }) => isDisabled).length,
    failing: watches.filter(({ health }) => health).length,
    unfinished: roots.filter((root) => root?.baselineAt === undefined).length,
  };
  return { rows, looked };
}

/** The subscribers that a question is about; with `next`, there are more. */
async function subscribersOf({ tables }: OperatorDependencies, name: string | undefined) {
  const registry = new Endpoints(lagging(tables.webhooks));
  const found = name !== undefined && (await registry.find(name));
  if (name !== undefined) return { endpoints: found ? [found] : [], next: undefined };
  const { endpoints, next, fault } = await registry.after('', mostSubscribers);
  if (fault) throw fault;
  return { endpoints, next };
}

/** The leases of subscribers with a delivery on its way, and the digests that tell the events. */
async function statesOf({ tables }: OperatorDependencies, deliveries: readonly Delivery[], deadline: Deadline) {
  const waiting = deliveries.filter(({ status }) => status === 'PENDING' || status === 'COLLECTED');
  const names = [...new Set(waiting.map(({ endpoint }) => endpoint))];
  const digests = deliveries.flatMap(({ digest: event, endpoint }) => (event ? deliveryKey({ event, endpoint }) : []));
  const keys = [...new Map(digests.map((key) => [nameOf(key), key])).values()].slice(-mostDigests);
  const rows = await rowsOf(tables.webhooks, [...names.map(leaseKey), ...keys], deadline);
  return {
    leases: new Map(names.map((name, index) => [name, leaseOf(rows[index])])),
    digests: new Map(rows.slice(names.length).flatMap((row) => (row ? [[nameOf(row), deliveryOf(row)]] : []))),
  };
}

async function explain(deps: OperatorDependencies, transfer: string, asked: Query, deadline: Deadline) {
  const now = deps.webhooks.now().getTime();
  const { keptForMs } = deps.webhooks.deliveries;
  const traces = await tracesOf(deps, transfer, matcher(asked));
  const told = [...new Map(traces.events.map((event) => [watchKey(event), event])).values()];
  const { rows, looked } = await (told.length > 0
    ? rowsIn(deps, transfer, told, deadline).then((some) => ({ rows: some, looked: undefined }))
    : lookUp(deps, transfer, asked, deadline));
  const stored = new Set(traces.events.map(({ id }) => id));
  const pending = rows
    .flatMap((row) => (row.pending ?? []).map((body) => ({ ...eventIn(body, row.row), fannedOutAt: undefined })))
    .filter(({ id }) => !stored.has(id));
  const events = [...traces.events, ...pending].sort(byTime).slice(-mostEvents);
  const { endpoints, next } = await subscribersOf(deps, asked.subscriber);
  const isShown = ({ endpoint }: DeliveryName) =>
    asked.subscriber ? endpoint === asked.subscriber : endpoint <= (next ?? '~');
  const deliveries = traces.deliveries.filter(isShown);
  const names = [
    ...new Set([...endpoints, ...deliveries.map(({ endpoint: name }) => ({ name }))].map(({ name }) => name)),
  ];
  if (asked.subscriber !== undefined) existing(names[0], `endpoint or reader ${asked.subscriber}`);
  const { leases, digests } = await statesOf(deps, deliveries, deadline);
  const subscribers = names.sort().map((name) => {
    const endpoint = endpoints.find((one) => one.name === name);
    const lease = plausibleLease(leases.get(name) ?? newLease, now);
    const own = new Map(deliveries.filter((one) => one.endpoint === name).map((one) => [one.event, one]));
    const verdicts = events.map((event) => {
      const { id, type, at, row, mailbox, direction } = event;
      const delivery = own.get(id);
      const digest = digests.get(nameOf(deliveryKey({ event: delivery?.digest ?? '', endpoint: name })));
      const subject = { types: [type], mailbox, direction };
      const evidence = {
        endpoint,
        name,
        delivery,
        digest,
        lease,
        now,
        isWhole: traces.isWhole,
        isFannedOut: stored.has(id),
      };
      return { event: id, type, at, ...verdictOf({ ...evidence, event: { id, at, subject, row } }) };
    });
    return {
      name,
      isReader: endpoint && isForPeople(endpoint.format),
      status: endpoint?.status ?? ('removed' as const),
      verdicts,
    };
  });
  return {
    trackingId: transfer,
    finding: findingOf({ fannedOut: stored.size, pending: pending.length, rows, looked, keptForMs, now }),
    looked,
    seen: rows.map(({ mailbox, direction, ...row }) => ({ mailbox, direction, ...shownTransfer(row) })),
    timeline: timelineOf({
      rows,
      events,
      deliveries: [...deliveries, ...digests.values()],
      attempts: traces.attempts.filter(isShown),
    }),
    subscribers,
    hasMore: traces.hasMore || next !== undefined || undefined,
  };
}

export const explainTransfer = operation('explainTransfer', 'GET /transfers/{trackingId}/explanation', {
  params: z.strictObject({ trackingId }),
  query,
  run: (deps, { params, query: asked, deadline }) => explain(deps, params.trackingId, asked, deadline),
});
