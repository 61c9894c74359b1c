import * as z from 'zod/mini';
import { type IndexRange, rowsBetween } from '#functions/dynamodb/index-pages.ts';
import { type OperatorDependencies, on, operation } from '#functions/operator/api/operation.ts';
import { pageOf, pageQuery } from '#functions/operator/api/page.ts';
import { existing, Problem } from '#functions/operator/api/problem.ts';
import { deliveryStatus, eventId, spanOf, time, trackingId } from '#functions/operator/api/schemas.ts';
import type { Delivery, DeliveryName, Span } from '#functions/webhooks/deliveries/delivery.ts';
import * as layout from '#functions/webhooks/deliveries/delivery.ts';
import { cancelDelivery, resend } from '#functions/webhooks/deliveries/replay.ts';
import type { Endpoints } from '#functions/webhooks/endpoints/endpoints.ts';
import { endpointName } from '#functions/webhooks/endpoints/settings.ts';
import { eventsOfTransfer, shownDelivery, tracedDelivery } from './traces.ts';

const filters = { endpoint: endpointName, status: deliveryStatus, from: time, until: time, event: eventId, trackingId };
const query = z.extend(z.partial(z.strictObject(filters)), pageQuery);

type Query = z.output<typeof query>;

const deliveryPath = '/deliveries/{event}/{endpoint}';

const onDelivery = on({ event: eventId, endpoint: endpointName }, ({ event, endpoint }) => `${event} ${endpoint}`);

/** The event ids selected by event or transfer; undefined without such a filter. */
async function namedEvents(deps: OperatorDependencies, { event, trackingId: transfer }: Query) {
  if (transfer === undefined) return event === undefined ? undefined : [event];
  const ids = (await eventsOfTransfer(deps, transfer)).map((one) => one.event.id);
  return event === undefined ? ids : ids.filter((id) => id === event);
}

async function rangesOf(deps: OperatorDependencies, input: Query, span: Span): Promise<IndexRange[]> {
  const { endpoint, status } = input;
  const events = await namedEvents(deps, input);
  if (events) return events.map((event) => deliveriesOf(event, endpoint));
  const [from, until] = [Date.parse(span.from), Date.parse(span.until)];
  if (from >= until) return [];
  const endpoints = await endpointsOf(deps.webhooks.endpoints, endpoint);
  const now = deps.webhooks.now().getTime();
  const { keptForMs } = deps.webhooks.deliveries;
  if (status !== 'HELD')
    return endpoints.flatMap((one) => layout.newestFirst(layout.sentTo(one, span, now, keptForMs)));
  const names = new Set(endpoints.map(({ name }) => name));
  return [...names].flatMap((name) => layout.newestFirst([layout.heldBetween(name, from, until)]));
}

async function endpointsOf(endpoints: Pick<Endpoints, 'list' | 'find'>, name: string | undefined) {
  if (name === undefined) return endpoints.list();
  const found = await endpoints.find(name);
  // The format of a removed endpoint is unknown, so try events and digests.
  return found ? [found] : (['event', 'slack'] as const).map((format) => ({ name, format }));
}

function deliveriesOf(event: string, endpoint: string | undefined): IndexRange {
  const { pk, sk } = layout.deliveryKey({ event, endpoint: endpoint ?? '' });
  // DynamoDB cannot resume within a range of a single key, so this range is wider; no name has a blank.
  return endpoint === undefined ? rowsBetween(pk, ...layout.deliveriesBetween(event)) : rowsBetween(pk, sk, `${sk} `);
}

async function listDeliveries(deps: OperatorDependencies, input: Query) {
  const { endpoint, status } = input;
  const { from, until } = spanOf(input);
  const isWanted = (delivery: Delivery): boolean =>
    (endpoint === undefined || delivery.endpoint === endpoint) &&
    (status === undefined || delivery.status === status) &&
    delivery.eventAt >= from &&
    delivery.eventAt < until;
  const ranges = await rangesOf(deps, input, { from, until });
  const { items, next } = await pageOf(deps.tables.webhooks, { ranges, read: layout.deliveryOf, isWanted }, input);
  return { items: items.map(shownDelivery), next };
}

const wordsFor = ({ event, endpoint }: DeliveryName): string => `delivery of ${event} to ${endpoint}`;

export const deliveryOperations = [
  operation('listDeliveries', 'GET /deliveries', { query, run: (deps, input) => listDeliveries(deps, input.query) }),
  operation('showDelivery', `GET ${deliveryPath}`, {
    ...onDelivery,
    run: async (deps, { params: name }) => existing(await tracedDelivery(deps, name), wordsFor(name)),
  }),
  operation('resendDelivery', `POST ${deliveryPath}/resend`, {
    ...onDelivery,
    status: 202,
    async run(deps, { params: name }) {
      const isReleased = await resend(deps.webhooks, name);
      const [delivery] = await deps.webhooks.deliveries.read([name]);
      const found = existing(delivery, wordsFor(name));
      if (!isReleased) throw new Problem(409, 'the delivery is still on its way');
      return shownDelivery(found);
    },
  }),
  operation('cancelDelivery', `POST ${deliveryPath}/cancel`, {
    ...onDelivery,
    async run(deps, { params: name }) {
      const { delivery, isCancelled } = existing(await cancelDelivery(deps.webhooks, name), wordsFor(name));
      if (isCancelled) return shownDelivery(delivery);
      const instead = delivery.status === 'PENDING' ? 'being attempted' : `${delivery.status.toLowerCase()} already`;
      throw new Problem(409, `the delivery is ${instead}`);
    },
  }),
];
