import * as z from 'zod/mini';
import { cancelDelivery } from '../webhooks/cancel.ts';
import { type Delivery, deliveryKey, eventIdOf, heldPart } from '../webhooks/delivery.ts';
import type { Endpoint } from '../webhooks/endpoint.ts';
import { listEndpoints } from '../webhooks/endpoint-life.ts';
import { endpointName } from '../webhooks/endpoint-settings.ts';
import { Endpoints } from '../webhooks/endpoints.ts';
import { kindFor } from '../webhooks/format.ts';
import { type IndexRange, walk } from '../webhooks/index-walk.ts';
import { resend } from '../webhooks/replay.ts';
import { indexes, readDeliveries } from '../webhooks/waiting.ts';
import { daysOf, type Span } from './days.ts';
import { canonical, eventId, type OperatorDependencies, operation, time } from './operation.ts';
import { cursorOf, pageQuery, placeOf } from './page.ts';
import { missing, Problem } from './problem.ts';
import { deliveriesBetween, deliveryIn, deliveryStatus, shownDelivery, tracedDelivery } from './traces.ts';
import { transferEvents } from './transfer-events.ts';

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
async function namedEvents(deps: OperatorDependencies, { event, trackingId }: Query) {
  if (trackingId === undefined) return event === undefined ? undefined : [event];
  const events = (await transferEvents(deps, trackingId)).map(({ id }) => id);
  return event === undefined ? events : events.filter((id) => id === event);
}

/** Where the deliveries stand that the question is about. */
async function rangesOf(deps: OperatorDependencies, asked: Query) {
  const { webhooks } = deps;
  const { endpoint, status } = asked;
  const events = await namedEvents(deps, asked);
  if (events) return events.map((event) => deliveriesOf(event, endpoint));
  const [from, until] = [canonical(asked.from ?? earliest), canonical(asked.until ?? latest)];
  if (from >= until) return [];
  if (status === 'HELD') {
    const names = endpoint === undefined ? (await listEndpoints(webhooks)).map(({ name }) => name) : [endpoint];
    return names.map((name) => heldBy(name, Date.parse(from), Date.parse(until)));
  }
  const now = webhooks.now().getTime();
  if (endpoint === undefined)
    return (await listEndpoints(webhooks)).flatMap((one) => sentTo(one, { from, until }, now));
  const found = await new Endpoints(webhooks.dynamo, webhooks.table).find(endpoint);
  if (found) return sentTo(found, { from, until }, now);
  // It was removed, and nothing tells what it got.
  return (['event', 'slack'] as const).flatMap((format) => sentTo({ name: endpoint, format }, { from, until }, now));
}

/** The deliveries of an event, by endpoint. */
function deliveriesOf(event: string, endpoint: string | undefined): IndexRange {
  const [first, last] = deliveriesBetween(event);
  const own = deliveryKey({ event, endpoint: endpoint ?? '' });
  // DynamoDB goes on from no place within a range of a single key, so this one is wider: no name has a blank.
  const sort = endpoint === undefined ? ([first, last] as const) : ([own.sk, `${own.sk} `] as const);
  return { index: undefined, partition: ['pk', own.pk], sort: ['sk', ...sort], isDescending: false };
}

/** What an endpoint was sent: of each event, or notice, the delivery to it, if it has one. */
const sentTo = ({ name, format }: Pick<Endpoint, 'name' | 'format'>, span: Span, now: number): IndexRange[] =>
  daysOf(kindFor(format), span, now, true).map((range) => ({
    ...range,
    of: name,
    rowOf: (key) => deliveryKey({ event: eventIdOf(key), endpoint: name }),
  }));

const heldBy = (endpoint: string, first: number, last: number): IndexRange => ({
  index: indexes.waiting,
  partition: ['due', heldPart(endpoint)],
  sort: ['dueAt', first, last],
  isDescending: true,
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
    items: rows.map((row) => shownDelivery(deliveryIn(row))),
    ...(next && { next: cursorOf(next) }),
  };
}

export const deliveryOperations = [
  operation({
    id: 'listDeliveries',
    method: 'GET',
    path: '/deliveries',
    summary:
      'Lists deliveries, those of the newest events first: where neither endpoint, event nor transfer is named, of one endpoint after the other',
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
      if (!isReleased) throw new Problem(409, 'the delivery is still on its way');
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
      throw new Problem(
        409,
        `the delivery is ${status === 'PENDING' ? 'being attempted' : `${status.toLowerCase()} already`}`,
      );
    },
  }),
];
