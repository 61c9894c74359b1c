import * as z from 'zod/mini';
import { retryBudget } from '#functions/clock/backoff.ts';
import type { Deadline } from '#functions/clock/instants.ts';
import { getRows, rowName } from '#functions/dynamodb/batch.ts';
import type { TableSource } from '#functions/dynamodb/index-pages.ts';
import { Partition } from '#functions/dynamodb/partition.ts';
import type { Item, Key } from '#functions/dynamodb/row.ts';
import type { TransferEvent } from '#functions/events/transfer-event.ts';
import { findingOf } from '#functions/explain/finding.ts';
import { fannedOutAt, timelineOf } from '#functions/explain/timeline.ts';
import { verdictOf } from '#functions/explain/verdict.ts';
import { type OperatorDependencies, operation } from '#functions/operator/api/operation.ts';
import { notFound } from '#functions/operator/api/problem.ts';
import { direction, flag, trackingId } from '#functions/operator/api/schemas.ts';
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
import { shownTransfer } from './watches.ts';

/**
 * Bounds of an answer, beyond which it says `hasMore`: read units, rows of one query, subscribers, and watches in which
 * a transfer without an event is looked up. Those of `whole` hold with `all`.
 */
const usual = { units: 5, subscribers: 20, watches: 2 };
const whole = { units: 250, subscribers: 100, watches: 100 };
const mostEvents = 100;

/** Units kept back for the rows of a transfer in snapshots, and for leases and digests. */
const unitsKept = 1.5;

const query = z.partial(z.strictObject({ subscriber: endpointName, mailbox, direction, all: flag }));

type Query = z.output<typeof query>;

const boundsOf = ({ all }: Query) => (all === 'true' ? whole : usual);

/** The part of the operator API that reads for an explanation. */
type Sources = Pick<OperatorDependencies, 'tables'> & { webhooks: Pick<DeliveryDependencies, 'deliveries' | 'now'> };

/** Reads at half the price: what the last second brought may be missing. */
const lagging = (source: TableSource): TableSource => ({ ...source, mayLag: true });

const rowsOf = ({ dynamo, table }: TableSource, keys: readonly Key[], until: Deadline) =>
  getRows(dynamo, table, keys, retryBudget(until), true);

function eventIn(body: string, row: string, fannedOutAt?: string) {
  const { id, type, timestamp: at, data } = JSON.parse(body) as TransferEvent;
  return { ...data, id, type, at, row, fannedOutAt };
}

type Page = Awaited<ReturnType<Partition['page']>>;
type ReadEvent = ReturnType<typeof eventIn>;

/** Sort key of the delivery of an attempt, whose own key goes on with its time and its number. */
const deliveryIn = (sk: string): string => sk.replace(/^ATTEMPT(.*)#[^#]*#\d+$/, 'DELIVERY$1');

const isAbout = (asked: Query, watch: Watch): boolean =>
  (asked.mailbox === undefined || addressKey(watch.mailbox) === addressKey(asked.mailbox)) &&
  (asked.direction === undefined || watch.direction === asked.direction);

/** Events, deliveries and attempts for some read units; attempts come last, so that they are left out first. */
async function tracesOf({ tables, webhooks }: Sources, transfer: string, asked: Query, units: number) {
  const partition = new Partition(lagging(tables.webhooks), traces.transferPartition(transfer));
  const rows: Item[] = [];
  let [last, most, read, left]: [string | undefined, number, number, number] = ['EVENT#~', 6, 0, units];
  // Rows tell how many more the units pay for, few at once, as others are longer. A page repeats a row, and reads one more.
  while (last !== undefined && most > 1) {
    const page: Page = await partition.page('ATTEMPT#', last, most, true);
    rows.push(...page.rows.slice(read === 0 ? 0 : 1));
    [read, last] = [read + page.rows.length + 1, page.last];
    left = units - partition.units.read;
    most = Math.min(Math.max(7, 2 * left), Math.floor((left * read) / partition.units.read) - 1);
  }
  const { attempts = [], stored = [] } = Object.groupBy(rows, ({ sk }) => (sk < 'D' ? 'attempts' : 'stored'));
  const [now, { keptForMs }] = [webhooks.now().getTime(), webhooks.deliveries];
  const events = [...Map.groupBy(stored, ({ sk }) => traces.eventIdOf(sk)).values()]
    .map((of) => eventIn(storedEventOf(of[0]!).body, rowName(of[0]!), fannedOutAt(of, keptForMs, now)))
    .filter((event) => event.trackingId === transfer && isAbout(asked, event));
  return {
    events,
    deliveries: stored.filter(({ sk }) => sk < 'E').map(traces.deliveryOf),
    attempts: attempts.map((row) => ({ ...traces.attemptOf(row), ...traces.deliveryNameOf(deliveryIn(row.sk)) })),
    /** True for an event all of whose deliveries were read: those of an id are together, the highest id first. */
    isWhole: (event: string) => last === undefined || `DELIVERY#${event}` > last,
    hasMore: last !== undefined,
    left,
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
  const registry = new Partition(lagging(source), registryPartition);
  const { rows: found, last } = await registry.page(from!, to!, boundsOf(asked).watches);
  const watches = found.map(watchOf).filter((watch) => isAbout(asked, watch));
  const rows = await rowsIn(source, transfer, watches, until);
  const present = watches.filter(({ isRemoved }) => !isRemoved);
  const keys = present.map((watch) => ({ pk: watchKey(watch), sk: rootKey }));
  const unfinished = (await rowsOf(source, keys, until)).filter((root) => root?.baselineAt === undefined).length;
  const disabled = present.filter(({ isDisabled }) => isDisabled).length;
  const failing = present.filter(({ health }) => health).length;
  return { rows, looked: { watches: present.length, isMore: last !== undefined, disabled, failing, unfinished } };
}

/** The subscribers that a question is about, and what is left of `units`; with `next`, there are more. */
async function subscribersOf(source: TableSource, asked: Query) {
  const registry = new Endpoints(lagging(source));
  const { subscriber: name } = asked;
  const { endpoints, next, fault } =
    name === undefined
      ? await registry.after('', boundsOf(asked).subscribers)
      : { endpoints: [await registry.find(name)].flatMap((one) => one ?? []) };
  if (fault) throw fault;
  return { endpoints, next, left: boundsOf(asked).units - registry.units.read };
}

/** The leases of subscribers that have something on its way, by name, and the digests that tell events: `most` rows. */
async function statesOf(source: TableSource, open: readonly traces.Delivery[], most: number, until: Deadline) {
  const names = [...new Set(open.map(({ endpoint }) => endpoint))];
  const digests = open.flatMap(({ digest: event, endpoint }) => (event ? traces.deliveryKey({ event, endpoint }) : []));
  const all = [...names.map(leaseKey), ...new Map(digests.map((key) => [rowName(key), key])).values()];
  const rows = await rowsOf(source, all.slice(0, most), until);
  return {
    leases: new Map(names.slice(0, most).map((name, index) => [name, leaseOf(rows[index])])),
    digests: rows.slice(names.length).flatMap((row) => (row ? traces.deliveryOf(row) : [])),
    isCut: most < all.length,
  };
}

/** Explains a transfer from stored rows alone. @throws Problem for a subscriber that never was */
export async function explain({ tables, webhooks }: Sources, transfer: string, asked: Query, until: Deadline) {
  const now = webhooks.now().getTime();
  const { endpoints, next, left } = await subscribersOf(tables.webhooks, asked);
  const found = await tracesOf({ tables, webhooks }, transfer, asked, left - unitsKept);
  const stored = new Set(found.events.map(({ id }) => id));
  const watches = [...new Map(found.events.map((event) => [watchKey(event), event])).values()];
  const told = watches.slice(0, boundsOf(asked).watches);
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
  const isShown = ({ event, endpoint }: traces.DeliveryName) =>
    shown.has(event) && (asked.subscriber === undefined ? endpoint <= (next ?? '~') : endpoint === asked.subscriber);
  const deliveries = found.deliveries.filter(isShown);
  const names = new Set([...endpoints.map(({ name }) => name), ...deliveries.map(({ endpoint }) => endpoint)]);
  if (names.size === 0 && !found.hasMore && asked.subscriber !== undefined)
    throw notFound(`endpoint or reader ${asked.subscriber}`);
  // A row of up to 4 KB takes half a unit.
  const most = Math.max(0, 2 * (found.left + unitsKept) - told.length);
  // No attempt is made at an event that waits for a digest.
  const gathering = new Set(endpoints.filter(({ format }) => isForPeople(format)).map(({ name }) => name));
  const isOpen = ({ status, endpoint }: traces.Delivery) => status === 'PENDING' && !gathering.has(endpoint);
  const open = deliveries.filter((one) => one.status === 'COLLECTED' || isOpen(one));
  const { leases, digests, isCut } = await statesOf(tables.webhooks, open, most, until);
  const known = new Map([...deliveries, ...digests].map((one) => [`${one.event} ${one.endpoint}`, one]));
  const subscribers = [...names].sort().map((name) => {
    const endpoint = endpoints.find((one) => one.name === name);
    const read = leases.get(name);
    const lease = read && plausibleLease(read, now);
    const verdicts = events.map((event) => {
      const { id, type, at } = event;
      const delivery = known.get(`${id} ${name}`);
      const digest = known.get(`${delivery?.digest} ${name}`);
      const evidence = { event, name, endpoint, delivery, digest, lease, isWhole: found.isWhole(id), now };
      return { event: id, type, at, ...verdictOf({ ...evidence, isFannedOut: stored.has(id) }) };
    });
    const { status = 'removed' as const, format } = endpoint ?? {};
    return { name, isReader: format && isForPeople(format), status, verdicts };
  });
  const counts = { stored: stored.size, pending: pending.length, isCut: found.hasMore };
  const cuts = [found.hasMore, next, all.length > mostEvents, told.length < watches.length, isCut, looked?.isMore];
  return {
    trackingId: transfer,
    finding: findingOf({ events: counts, rows, looked, keptSince: now - webhooks.deliveries.keptForMs }),
    looked,
    seen: rows.map(({ mailbox, direction, ...row }) => ({ mailbox, direction, ...shownTransfer(row) })),
    timeline: timelineOf(rows, events, [...deliveries, ...digests], found.attempts.filter(isShown)),
    subscribers,
    hasMore: cuts.some(Boolean) || undefined,
  };
}

export const explainTransfer = operation('explainTransfer', 'GET /transfers/{trackingId}/explanation', {
  params: z.strictObject({ trackingId }),
  query,
  run: (deps, { params, query: asked, deadline }) => explain(deps, params.trackingId, asked, deadline),
});
