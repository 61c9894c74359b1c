import * as z from 'zod/mini';
import { getRows, rowName } from '../batches.ts';
import { cancelDelivery } from '../webhooks/cancel.ts';
import { type Delivery, deliveryKey, duePartNames, eventKey, heldPart } from '../webhooks/delivery.ts';
import { listEndpoints } from '../webhooks/endpoint-life.ts';
import { endpointName } from '../webhooks/endpoint-settings.ts';
import { type IndexRange, walk } from '../webhooks/index-walk.ts';
import { resend } from '../webhooks/replay.ts';
import { indexes, readDeliveries } from '../webhooks/waiting.ts';
import { canonical, eventId, type OperatorDependencies, operation, time } from './operation.ts';
import { cursorOf, pageQuery, placeOf } from './page.ts';
import { missing, Problem } from './problem.ts';
import { deliveryIn, deliveryStatus, shownDelivery, shownEvent, tracedDelivery } from './traces.ts';

const query = z.strictObject({
  ...pageQuery,
  endpoint: z.optional(endpointName),
  status: z.optional(deliveryStatus),
  from: z.optional(time),
  until: z.optional(time),
  event: z.optional(eventId),
  trackingId: z.optional(z.string().check(z.regex(/^[\x21-\x7e]{1,200}$/, 'expected a tracking id'))),
});

type Query = z.output<typeof query>;

const params = z.strictObject({ event: eventId, endpoint: endpointName });
const path = '/deliveries/{event}/{endpoint}';
const target = ({ params: { event, endpoint } }: { readonly params: z.output<typeof params> }): string =>
  `${event} ${endpoint}`;

/** Events of one transfer that are looked at: more than it has states, by far. */
const mostEvents = 500;

const earliest = '1970-01-01T00:00:00.000Z';
const latest = '9999-12-31T23:59:59.999Z';

/** Whether a delivery is wanted, whatever way it was found. */
function matcher({ endpoint, status, from, until }: Query): (delivery: Delivery) => boolean {
  const since = from && canonical(from);
  const before = until && canonical(until);
  return (delivery) =>
    (endpoint === undefined || delivery.endpoint === endpoint) &&
    (status === undefined || delivery.status === status) &&
    (since === undefined || delivery.eventAt >= since) &&
    (before === undefined || delivery.eventAt < before);
}

/** Ids of the events that the question names, by themselves or by their transfer; undefined when it names none. */
async function namedEvents({ webhooks }: OperatorDependencies, { event, trackingId }: Query) {
  if (trackingId === undefined) return event === undefined ? undefined : [event];
  const { rows } = await walk(webhooks.dynamo, webhooks.table, {
    ranges: [
      {
        index: indexes.byTransfer,
        partition: ['trackingId', trackingId],
        sort: ['at', earliest, latest],
        isDescending: true,
      },
    ],
    matches: () => true,
    after: undefined,
    limit: mostEvents,
  });
  const events = rows.map(({ pk }) => (pk as string).slice('EVENT#'.length));
  return event === undefined ? events : events.filter((id) => id === event);
}

/** Where the deliveries stand that the question is about. */
async function rangesOf(deps: OperatorDependencies, asked: Query) {
  const { webhooks } = deps;
  const { endpoint, status, from, until } = asked;
  const events = await namedEvents(deps, asked);
  if (events) return events.map((event) => deliveriesOf(event, endpoint));
  const since = canonical(from ?? earliest);
  const before = canonical(until ?? latest);
  if (since >= before) return [];
  if (endpoint === undefined && (status === 'PENDING' || status === 'CLAIMED')) {
    return duePartNames.map((part) => waitingIn(part, 0, Date.parse(latest), false));
  }
  const names = endpoint === undefined ? (await listEndpoints(webhooks)).map(({ name }) => name) : [endpoint];
  if (status === 'HELD') {
    return names.map((name) => waitingIn(heldPart(name), Date.parse(since), Date.parse(before), true));
  }
  return names.map(
    (name): IndexRange => ({
      index: indexes.byEndpoint,
      partition: ['endpoint', name],
      sort: ['eventAt', since, before],
      isDescending: true,
    }),
  );
}

/** The deliveries of an event, by endpoint. */
function deliveriesOf(event: string, endpoint: string | undefined): IndexRange {
  // DynamoDB goes on from no place within a range of a single key, so this one is wider: no name has a blank.
  const [first, last] = endpoint === undefined ? ['', '~'] : [endpoint, `${endpoint} `];
  const { pk, sk } = deliveryKey({ event, endpoint: '' });
  return { index: undefined, partition: ['pk', pk], sort: ['sk', sk + first, sk + last], isDescending: false };
}

const waitingIn = (part: string, first: number, last: number, isDescending: boolean): IndexRange => ({
  index: indexes.waiting,
  partition: ['due', part],
  sort: ['dueAt', first, last],
  isDescending,
});

async function listDeliveries(deps: OperatorDependencies, asked: Query) {
  const { webhooks } = deps;
  const isWanted = matcher(asked);
  const { rows, next } = await walk(webhooks.dynamo, webhooks.table, {
    ranges: await rangesOf(deps, asked),
    matches: (row) => isWanted(deliveryIn(row)),
    after: placeOf(asked.cursor),
    limit: asked.limit,
  });
  return {
    items: await typed(deps, rows.map(deliveryIn)),
    ...(next && { next: cursorOf(next) }),
  };
}

/** Deliveries as operators see them, with the types of their events. */
async function typed({ webhooks }: OperatorDependencies, deliveries: readonly Delivery[]) {
  const keys = new Map(deliveries.map(({ event }) => [event, eventKey(event)]));
  const rows = await getRows(webhooks.dynamo, webhooks.table, [...keys.values()]);
  return deliveries.map((delivery) => {
    const row = rows.get(rowName(keys.get(delivery.event)!));
    return { ...shownDelivery(delivery), type: row && shownEvent(row).type };
  });
}

const words = { PENDING: 'waiting for its next attempt', CLAIMED: 'being attempted' } as Partial<
  Record<Delivery['status'], string>
>;

export const deliveryOperations = [
  operation({
    id: 'listDeliveries',
    method: 'GET',
    path: '/deliveries',
    summary:
      'Lists deliveries, those of the newest events first: where neither endpoint, event nor transfer is named, of one endpoint after the other. Only those on their way, of all endpoints, come in the order in which they are looked after',
    query,
    status: 200,
    run: (deps, { query: asked }) => listDeliveries(deps, asked),
  }),
  operation({
    id: 'showDelivery',
    method: 'GET',
    path,
    summary: 'Shows a delivery with its attempts',
    params,
    status: 200,
    failures: [404],
    async run(deps, { params: { event, endpoint } }) {
      const found = await tracedDelivery(deps, { event, endpoint });
      if (!found) throw missing(`delivery of ${event} to ${endpoint}`);
      return found;
    },
  }),
  operation({
    id: 'resendDelivery',
    method: 'POST',
    path: `${path}/resend`,
    summary: 'Delivers an event again, under the same id, once its delivery has come to an end or is held',
    params,
    status: 202,
    failures: [404, 409],
    target,
    async run(deps, { params: name }) {
      const isReleased = await resend(deps.webhooks, name);
      const [delivery] = await readDeliveries(deps.webhooks.dynamo, deps.webhooks.table, [name]);
      if (!delivery) throw missing(`delivery of ${name.event} to ${name.endpoint}`);
      if (!isReleased) throw new Problem(409, `the delivery is ${words[delivery.status] ?? 'on its way'}`);
      return shownDelivery(delivery);
    },
  }),
  operation({
    id: 'cancelDelivery',
    method: 'POST',
    path: `${path}/cancel`,
    summary: 'Cancels a delivery that waits, for its next attempt or for an operator',
    params,
    status: 200,
    failures: [404, 409],
    target,
    async run(deps, { params: name }) {
      const cancellation = await cancelDelivery(deps.webhooks, name);
      if (!cancellation) throw missing(`delivery of ${name.event} to ${name.endpoint}`);
      const { delivery, isCancelled } = cancellation;
      if (isCancelled) return shownDelivery(delivery);
      const { status } = delivery;
      throw new Problem(409, `the delivery is ${words[status] ?? `${status.toLowerCase()} already`}`);
    },
  }),
];
