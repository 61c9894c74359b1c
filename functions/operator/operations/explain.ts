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
import { notFound } from '#functions/operator/api/problem.ts';
import { direction, trackingId } from '#functions/operator/api/schemas.ts';
import { rootKey, toTransferRow, transferKey } from '#functions/snapshot/snapshot-rows.ts';
import { addressKey } from '#functions/transfers/address-key.ts';
import { address as mailbox } from '#functions/transfers/mailbox-address.ts';
import { type Watch, watchKey } from '#functions/transfers/transfer.ts';
import { placeOf, rangeOfPlaces } from '#functions/watches/places.ts';
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
import { leaseOf, plausibleLease } from '#functions/webhooks/endpoints/lease.ts';
import { leaseKey } from '#functions/webhooks/endpoints/leases.ts';
import { endpointName } from '#functions/webhooks/endpoints/settings.ts';
import { shownEvent } from './traces.ts';
import { shownTransfer } from './transfers.ts';

/** Bounds of one answer; beyond them it says `hasMore`. */
const [mostRows, mostEvents, mostSubscribers, mostDigests] = [2000, 100, 100, 100];

/** Watches in which a transfer without an event is looked up: two rows of each are read. */
const mostWatches = 100;

const query = z.strictObject({
  subscriber: z.optional(endpointName),
  mailbox: z.optional(mailbox),
  direction: z.optional(direction),
});

type Query = z.output<typeof query>;

type Tables = OperatorDependencies['tables'];

/** The part of the operator API that reads for an explanation. */
interface Sources extends Pick<OperatorDependencies, 'tables'> {
  readonly webhooks: Pick<OperatorDependencies['webhooks'], 'deliveries' | 'now'>;
}

/** Reads at half the price: what the last second brought may be missing. */
const lagging = (source: TableSource): TableSource => ({ ...source, mayLag: true });

const rowsOf = ({ dynamo, table }: TableSource, keys: readonly Key[], deadline: Deadline) =>
  getRows(dynamo, table, keys, retryBudget(deadline), true);

const nameOf = ({ pk, sk }: Item): string => `${pk} ${sk}`;

/** An event of a row, from its bytes. */
function eventIn(body: string, row: string, storedAt?: string) {
  const { id, type, timestamp: at, data } = shownEvent(body);
  const { trackingId: transfer, mailbox, direction, state, sequence } = data as unknown as TransferEvent['data'];
  return { id, type, at, mailbox, direction, state, sequence, transfer, row, fannedOutAt: storedAt };
}

type ReadEvent = ReturnType<typeof eventIn>;

/** By time, and at one time by their number. */
const byTime = (one: ReadEvent, other: ReadEvent): number =>
  one.at === other.at ? one.sequence - other.sequence : one.at < other.at ? -1 : 1;

/** Tells whether a question is about a watch. */
const matcher = (asked: Query) => (watch: Watch) =>
  (asked.mailbox === undefined || addressKey(`${watch.mailbox}`) === addressKey(asked.mailbox)) &&
  (asked.direction === undefined || watch.direction === asked.direction);

/** Events, deliveries and attempts in one query; attempts come last, so that they are left out first. */
async function tracesOf({ tables, webhooks }: Sources, transfer: string, asked: Query) {
  const partition = new Partition(lagging(tables.webhooks), transferPartition(transfer));
  const { rows, last } = await partition.page('ATTEMPT#', 'EVENT#~', mostRows, true);
  const { attempts = [], stored = [] } = Object.groupBy(rows, ({ sk }) => (sk < 'D' ? 'attempts' : 'stored'));
  const { keptForMs } = webhooks.deliveries;
  const now = webhooks.now().getTime();
  const events = [...Map.groupBy(stored, ({ sk }) => eventIdOf(sk)).values()]
    .map((of) => eventIn(storedEventOf(of[0]!).body, nameOf(of[0]!), fannedOutAt(of, keptForMs, now)))
    .filter((event) => event.transfer === transfer && matcher(asked)(event));
  return {
    events,
    deliveries: stored.filter(({ sk }) => sk < 'E').map(deliveryOf),
    attempts: attempts.map((row) => ({ ...attemptOf(row), ...attemptNameOf(row.sk) })),
    isWhole: last === undefined || last < 'D',
    hasMore: last !== undefined,
  };
}

/** The rows of a transfer in the snapshots of watches. */
async function rowsIn(tables: Tables, transfer: string, watches: readonly Watch[], until: Deadline) {
  const keys = watches.map((watch) => ({ pk: watchKey(watch), sk: transferKey(transfer) }));
  const rows = await rowsOf(tables.transfers, keys, until);
  return watches.flatMap(({ mailbox, direction }, index) => {
    const row = rows[index];
    return row ? { ...toTransferRow(row), mailbox, direction, row: nameOf(row) } : [];
  });
}

/** Looks a transfer up in the watches that a question is about, and counts those that may not have it yet. */
async function lookUp(tables: Tables, transfer: string, asked: Query, until: Deadline) {
  const registry = new Partition(lagging(tables.transfers), registryPartition);
  const { rows: found, last } = await registry.page(...rangeOf(asked), mostWatches);
  const watches = found.map(watchOf).filter(matcher(asked));
  const rows = await rowsIn(tables, transfer, watches, until);
  const present = watches.filter(({ isRemoved }) => !isRemoved);
  const roots = present.map((watch) => ({ pk: watchKey(watch), sk: rootKey }));
  const unfinished = (await rowsOf(tables.transfers, roots, until)).filter((root) => root?.baselineAt === undefined);
  const looked = {
    watches: present.length,
    isMore: last !== undefined,
    disabled: present.filter(({ isDisabled }) => isDisabled).length,
    failing: present.filter(({ health }) => health).length,
    unfinished: unfinished.length,
  };
  return { rows, looked };
}

/** Sort keys of the registry around the watches of a mailbox, or around all. */
function rangeOf({ mailbox: box }: Query): readonly [from: string, to: string] {
  if (box === undefined) return [' ', '~'];
  const place = placeOf({ mailbox: box });
  return rangeOfPlaces(place, place);
}

/** The subscribers that a question is about; with `next`, there are more. */
async function subscribersOf(tables: Tables, { subscriber: name }: Query) {
  const registry = new Endpoints(lagging(tables.webhooks));
  const named = name === undefined ? undefined : await registry.find(name);
  if (name !== undefined) return { endpoints: named ? [named] : [], next: undefined };
  const { endpoints, next, fault } = await registry.after('', mostSubscribers);
  if (fault) throw fault;
  return { endpoints, next };
}

/** The leases of subscribers that have something on its way, and the digests that tell events, by the keys of both. */
async function statesOf(tables: Tables, deliveries: readonly Delivery[], until: Deadline) {
  const open = deliveries.filter(({ status }) => status === 'PENDING' || status === 'COLLECTED');
  const digests = open.flatMap(({ digest: event, endpoint }) => (event ? deliveryKey({ event, endpoint }) : []));
  const keys = [...new Map(digests.map((key) => [nameOf(key), key])).values()].slice(-mostDigests);
  const leases = [...new Set(open.map(({ endpoint }) => endpoint))].map(leaseKey);
  const rows = await rowsOf(tables.webhooks, [...leases, ...keys], until);
  return new Map(rows.flatMap((row) => (row ? [[nameOf(row), row]] : [])));
}

/** Explains a transfer from stored rows alone. @throws Problem for a subscriber that never was */
export async function explain(deps: Sources, transfer: string, asked: Query, until: Deadline) {
  const now = deps.webhooks.now().getTime();
  const { keptForMs } = deps.webhooks.deliveries;
  const { isWhole, ...traces } = await tracesOf(deps, transfer, asked);
  const told = [...new Map(traces.events.map((event) => [watchKey(event), event])).values()];
  const { rows, looked = undefined } = await (told.length > 0
    ? { rows: await rowsIn(deps.tables, transfer, told, until) }
    : lookUp(deps.tables, transfer, asked, until));
  const stored = new Set(traces.events.map(({ id }) => id));
  const pending = rows
    .flatMap((row) => (row.pending ?? []).map((body) => eventIn(body, row.row)))
    .filter(({ id }) => !stored.has(id));
  const all = [...traces.events, ...pending].sort(byTime);
  const events = all.slice(-mostEvents);
  const shown = new Set(events.map(({ id }) => id));
  const { endpoints, next } = await subscribersOf(deps.tables, asked);
  const isShown = ({ event, endpoint }: DeliveryName) =>
    shown.has(event) && (asked.subscriber === undefined ? endpoint <= (next ?? '~') : endpoint === asked.subscriber);
  const deliveries = traces.deliveries.filter(isShown);
  const names = new Set([...endpoints.map(({ name }) => name), ...deliveries.map(({ endpoint }) => endpoint)]);
  if (names.size === 0 && asked.subscriber !== undefined) throw notFound(`endpoint or reader ${asked.subscriber}`);
  const states = await statesOf(deps.tables, deliveries, until);
  const digests = [...states.values()].filter(({ sk }) => sk.startsWith('DELIVERY#')).map(deliveryOf);
  const named = ({ event, endpoint }: DeliveryName) => `${event} ${endpoint}`;
  const byName = new Map([...deliveries, ...digests].map((one) => [named(one), one]));
  const subscribers = [...names].sort().map((name) => {
    const endpoint = endpoints.find((one) => one.name === name);
    const lease = plausibleLease(leaseOf(states.get(nameOf(leaseKey(name)))), now);
    const verdicts = events.map((event) => {
      const { id, type, at } = event;
      const delivery = byName.get(named({ event: id, endpoint: name }));
      const digest = delivery?.digest && byName.get(named({ event: delivery.digest, endpoint: name }));
      const evidence = { event, name, endpoint, delivery, digest: digest || undefined, lease, isWhole, now };
      return { event: id, type, at, ...verdictOf({ ...evidence, isFannedOut: stored.has(id) }) };
    });
    const { status = 'removed' as const, format } = endpoint ?? {};
    return { name, isReader: format && isForPeople(format), status, verdicts };
  });
  const life = { rows, events, deliveries: [...deliveries, ...digests], attempts: traces.attempts.filter(isShown) };
  return {
    trackingId: transfer,
    finding: findingOf({ fannedOut: stored.size, pending: pending.length, rows, looked, keptForMs, now }),
    looked,
    seen: rows.map(({ mailbox, direction, ...row }) => ({ mailbox, direction, ...shownTransfer(row) })),
    timeline: timelineOf(life),
    subscribers,
    hasMore: traces.hasMore || next !== undefined || all.length > mostEvents || undefined,
  };
}

export const explainTransfer = operation('explainTransfer', 'GET /transfers/{trackingId}/explanation', {
  params: z.strictObject({ trackingId }),
  query,
  run: (deps, { params, query: asked, deadline }) => explain(deps, params.trackingId, asked, deadline),
});
