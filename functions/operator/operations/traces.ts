import pLimit from 'p-limit';
import type { ToldEvent } from '#functions/notices/digest.ts';
import type { OperatorDependencies } from '#functions/operator/api/operation.ts';
import { type Delivery, type DeliveryName, listedAt } from '#functions/webhooks/deliveries/delivery.ts';
import { attemptsAt, bodiesOf, trace } from '#functions/webhooks/deliveries/stored-events.ts';
import { answerContext } from '#functions/webhooks/endpoints/endpoint.ts';

/** An event, or a digest in the same form. */
export type ShownEvent = Omit<ToldEvent, 'type'> & { readonly type: string };

export function shownDelivery(delivery: Delivery) {
  const { event, endpoint, status, attempt, digest, eventAt, body } = delivery;
  // The cause of the last attempt tells why a retry waits.
  const reason = delivery.reason ?? (attempt > 0 ? delivery.lastAttempt?.cause : undefined);
  const nextAttemptAt = status === 'PENDING' ? new Date(delivery.nextAttemptAt).toISOString() : undefined;
  const { type } = shownEvent(body);
  return { event, endpoint, status, attempt, nextAttemptAt, reason, digest, eventAt, type };
}

export function shownEvent(body: string): ShownEvent {
  const { id, until, type = 'digest', timestamp = until, data, ...digest } = JSON.parse(body);
  return { id, type, timestamp, data: data ?? digest };
}

/** Most events read for one transfer; a transfer has far fewer states. */
const mostEvents = 500;

/** The events about a transfer with their places in their days, the newest first. */
export async function eventsOfTransfer({ tables }: OperatorDependencies, transfer: string) {
  return (await bodiesOf(tables.webhooks, transfer, mostEvents))
    .map(shownEvent)
    .filter(({ data }) => data.trackingId === transfer)
    .map((event) => ({ event, at: listedAt(event.timestamp, event.id) }))
    .sort((one, other) => (one.at < other.at ? 1 : -1))
    .slice(0, mostEvents);
}

/** Most deliveries of an event, and attempts of each, since Lambda limits an answer to 6 MB. */
const mostDeliveries = 50;
const mostAttempts = 50;
const concurrency = 8;

/** Reads an event with its deliveries and their attempts; undefined for an unknown or expired one. */
export async function traceOf(deps: OperatorDependencies, event: string) {
  const traced = await trace(deps.tables.webhooks, event, mostDeliveries);
  if (!traced) return undefined;
  const deliveries = await pLimit(concurrency).map(traced.deliveries, (delivery) => traceOfDelivery(deps, delivery));
  return { ...shownEvent(traced.stored.body), deliveries, hasMoreDeliveries: traced.hasMore || undefined };
}

export async function tracedDelivery(deps: OperatorDependencies, name: DeliveryName) {
  const [delivery] = await deps.webhooks.deliveries.read([name]);
  return delivery && traceOfDelivery(deps, delivery);
}

async function traceOfDelivery({ tables, webhooks: { dataKey } }: OperatorDependencies, delivery: Delivery) {
  const attempts = await attemptsAt(tables.webhooks, delivery, mostAttempts);
  return {
    ...shownDelivery(delivery),
    attempts: attempts.map(({ response, ...attempt }) => ({
      ...attempt,
      response: response && dataKey.decrypt(response, answerContext(delivery.endpoint)),
    })),
  };
}
