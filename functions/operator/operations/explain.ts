import * as z from 'zod/mini';
import { retryBudget } from '#functions/clock/backoff.ts';
import type { Deadline } from '#functions/clock/instants.ts';
import { getRows, rowName } from '#functions/dynamodb/batch.ts';
import type { TableSource } from '#functions/dynamodb/index-pages.ts';
import { Partition } from '#functions/dynamodb/partition.ts';
import type { Key } from '#functions/dynamodb/row.ts';
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
import type { DeliveryDependencies } from '#functions/webhooks/deliveries/deliveries.ts';
import * as traces from '#functions/webhooks/deliveries/delivery.ts';
import { storedEventOf } from '#functions/webhooks/deliveries/stored-events.ts';
import { Endpoints } from '#functions/webhooks/endpoints/endpoints.ts';
import { isForPeople } from '#functions/webhooks/endpoints/format.ts';
import { leaseOf, plausibleLease } from '#functions/webhooks/endpoints/lease.ts';
import { leaseKey } from '#functions/webhooks/endpoints/leases.ts';
import { endpointName } from '#functions/webhooks/endpoints/settings.ts';
import { shownEvent } from './traces.ts';
import { shownTransfer } from './watches.ts';

/** Bounds of one answer; beyond them it says `hasMore`. */
const [mostRows, mostEvents, mostSubscribers, mostDigests] = [2000, 100, 100, 100];

/** Watches in which a transfer without an event is looked up: two rows of each are read. */
const mostWatches = 100;

const query = z.partial(z.strictObject({ subscriber: endpointName, mailbox, direction }));

type Query = z.output<typeof query>;

/** The part of the operator API that reads for an explanation. */
type Sources = Pick<OperatorDependencies, 'tables'> & { webhooks: Pick<DeliveryDependencies, 'deliveries' | 'now'> };

/** Reads at half the price: what the last second brought may be missing. */
const lagging = (source: TableSource): TableSource => ({ ...source, mayLag: true });

const rowsOf = ({ dynamo, table }: TableSource, keys: readonly Key[], until: Deadline) =>
  getRows(dynamo, table, keys, retryBudget(until), true);

function eventIn(body: string, row: string, storedAt?: string) {
  const { id, type, timestamp: at, data } = shownEvent(body);
  const { trackingId: transfer, mailbox, direction, state, sequence } = data as unknown as TransferEvent['data'];
  return { id, type, at, mailbox: `${mailbox}`, direction, state, sequence, transfer, row, fannedOutAt: storedAt };
}

type ReadEvent = ReturnType<typeof eventIn>;

/** Sort key of the delivery of an attempt, whose own key goes on with its time and its number. */
const deliveryIn = (sk: string): string => sk.replace(/^ATTEMPT(.*)#[^#]*#\d+$/, 'DELIVERY$1');

const isAbout = (asked: Query, watch: Watch): boolean =>
  (asked.mailbox === undefined || addressKey(watch.mailbox) === addressKey(asked.mailbox)) &&
  (asked.direction === undefined || watch.direction === asked.direction);

/** Events, deliveries and attempts in one query; attempts come last, so that they are left out first. */
async function tracesOf({ tables, webhooks }: Sources, transfer: string, asked: Query) {
  const partition = new Partition(lagging(tables.webhooks), traces.transferPartition(transfer));
  const { rows, last } = await partition.page('ATTEMPT#', 'EVENT#~', mostRows, true);
  const { attempts = [], stored = [] } = Object.groupBy(rows, ({ sk }) => (sk < 'D' ? 'attempts' : 'stored'));
  const [now, { keptForMs }] = [webhooks.now().getTime(), webhooks.deliveries];
  const events = [...Map.groupBy(stored, ({ sk }) => traces.eventIdOf(sk)).values()]
    .map((of) => eventIn(storedEventOf(of[0]!).body, rowName(of[0]!), fannedOutAt(of, keptForMs, now)))
    .filter((event) => event.transfer === transfer && isAbout(asked, event));
  return {
    events,
    deliveries: stored.filter(({ sk }) => sk < 'E').map(traces.deliveryOf),
    attempts: attempts.map((row) => ({ ...traces.attemptOf(row), ...traces.deliveryNameOf(deliveryIn(row.sk)) })),
    isWhole: last === undefined || last < 'D',
    hasMore: last !== undefined,
  };
}

/** The rows of a transfer in the snapshots of watches. */
async function rowsIn(source: TableSource, transfer: string, watches: readonly Watch[], until: Deadline) {
  const keys = watches.map((watch) => ({ pk: watchKey(watch), sk: transferKey(transfer) }));
  return (await rowsOf(source, keys, until)).flatMap((row, index) => {
    const { mailbox, direction } = watches[index]!;
    return row ? { ...toTransferRow(row), mailbox, direction, row: rowName(row) } : [];
  });
}

/** Looks a transfer up in the watches that a question is about, and counts those that may not have it yet. */
async function lookUp(source: TableSource, transfer: string, asked: Query, until: Deadline) {
  const place = asked.mailbox === undefined ? undefined : placeOf({ mailbox: asked.mailbox });
  const [from, to] = place === undefined ? [' ', '~'] : rangeOfPlaces(place, place);
  const { rows: found, last } = await new Partition(lagging(source), registryPartition).page(from!, to!, mostWatches);
  const watches = found.map(watchOf).filter((watch) => isAbout(asked, watch));
  const rows = await rowsIn(source, transfer, watches, until);
  const present = watches.filter(({ isRemoved }) => !isRemoved);
  const keys = present.map((watch) => ({ pk: watchKey(watch), sk: rootKey }));
  const unfinished = (await rowsOf(source, keys, until)).filter((root) => root?.baselineAt === undefined).length;
  const looked = {
    watches: present.length,
    isMore: last !== undefined,
    disabled: present.filter(({ isDisabled }) => isDisabled).length,
    failing: present.filter(({ health }) => health).length,
    unfinished,
  };
  return { rows, looked };
}

/** The subscribers that a question is about; with `next`, there are more. */
async function subscribersOf(source: TableSource, { subscriber: name }: Query) {
  const registry = new Endpoints(lagging(source));
  if (name !== undefined) return { endpoints: [await registry.find(name)].filter((one) => one !== undefined) };
  const { endpoints, next, fault } = await registry.after('', mostSubscribers);
  if (fault) throw fault;
  return { endpoints, next };
}

/** The leases of subscribers that have something on its way, and the digests that tell events, by the keys of both. */
async function statesOf(source: TableSource, deliveries: readonly traces.Delivery[], until: Deadline) {
  const open = deliveries.filter(({ status }) => status === 'PENDING' || status === 'COLLECTED');
  const digests = open.flatMap(({ digest: event, endpoint }) => (event ? traces.deliveryKey({ event, endpoint }) : []));
  const keys = [...new Map(digests.map((key) => [rowName(key), key])).values()].slice(-mostDigests);
  const leases = [...new Set(open.map(({ endpoint }) => endpoint))].map(leaseKey);
  const rows = (await rowsOf(source, [...leases, ...keys], until)).filter((row) => row !== undefined);
  return {
    leases: new Map(rows.map((row) => [row.pk, row])),
    digests: rows.filter(({ sk }) => sk.startsWith('DELIVERY#')).map(traces.deliveryOf),
  };
}

/** Explains a transfer from stored rows alone. @throws Problem for a subscriber that never was */
export async function explain({ tables, webhooks }: Sources, transfer: string, asked: Query, until: Deadline) {
  const now = webhooks.now().getTime();
  const keptSince = now - webhooks.deliveries.keptForMs;
  const found = await tracesOf({ tables, webhooks }, transfer, asked);
  const stored = new Set(found.events.map(({ id }) => id));
  const told = [...new Map(found.events.map((event) => [watchKey(event), event])).values()];
  const { rows, looked = undefined } = await (told.length > 0
    ? { rows: await rowsIn(tables.transfers, transfer, told, until) }
    : lookUp(tables.transfers, transfer, asked, until));
  const pending = rows
    .flatMap((row) => (row.pending ?? []).map((body) => eventIn(body, row.row)))
    .filter(({ id }) => !stored.has(id));
  const inOrder = (a: ReadEvent, b: ReadEvent) => Date.parse(a.at) - Date.parse(b.at) || a.sequence - b.sequence;
  const all = [...found.events, ...pending].sort(inOrder);
  const events = all.slice(-mostEvents);
  const shown = new Set(events.map(({ id }) => id));
  const { endpoints, next } = await subscribersOf(tables.webhooks, asked);
  const isShown = ({ event, endpoint }: traces.DeliveryName) =>
    shown.has(event) && (asked.subscriber === undefined ? endpoint <= (next ?? '~') : endpoint === asked.subscriber);
  const deliveries = found.deliveries.filter(isShown);
  const names = new Set([...endpoints.map(({ name }) => name), ...deliveries.map(({ endpoint }) => endpoint)]);
  if (names.size === 0 && asked.subscriber !== undefined) throw notFound(`endpoint or reader ${asked.subscriber}`);
  const { leases, digests } = await statesOf(tables.webhooks, deliveries, until);
  const known = new Map([...deliveries, ...digests].map((one) => [`${one.event} ${one.endpoint}`, one]));
  const subscribers = [...names].sort().map((name) => {
    const endpoint = endpoints.find((one) => one.name === name);
    const lease = plausibleLease(leaseOf(leases.get(leaseKey(name).pk)), now);
    const verdicts = events.map((event) => {
      const { id, type, at } = event;
      const delivery = known.get(`${id} ${name}`);
      const digest = known.get(`${delivery?.digest} ${name}`);
      const evidence = { event, name, endpoint, delivery, digest, lease, isWhole: found.isWhole, now };
      return { event: id, type, at, ...verdictOf({ ...evidence, isFannedOut: stored.has(id) }) };
    });
    const { status = 'removed' as const, format } = endpoint ?? {};
    return { name, isReader: format && isForPeople(format), status, verdicts };
  });
  return {
    trackingId: transfer,
    finding: findingOf({ events: { stored: stored.size, pending: pending.length }, rows, looked, keptSince }),
    looked,
    seen: rows.map(({ mailbox, direction, ...row }) => ({ mailbox, direction, ...shownTransfer(row) })),
    timeline: timelineOf(rows, events, [...deliveries, ...digests], found.attempts.filter(isShown)),
    subscribers,
    hasMore: found.hasMore || next !== undefined || all.length > mostEvents || undefined,
  };
}

export const explainTransfer = operation('explainTransfer', 'GET /transfers/{trackingId}/explanation', {
  params: z.strictObject({ trackingId }),
  query,
  run: (deps, { params, query: asked, deadline }) => explain(deps, params.trackingId, asked, deadline),
});
