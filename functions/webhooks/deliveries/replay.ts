import pLimit from 'p-limit';
import { retryBudget } from '#functions/clock/backoff.ts';
import type { Deadline } from '#functions/clock/instants.ts';
import type { Cursor, IndexRange } from '#functions/dynamodb/index-pages.ts';
import { testEvent } from '#functions/events/endpoint-event.ts';
import { factId } from '#functions/events/event-id.ts';
import { digestOf } from '#functions/notices/digest.ts';
import type { Endpoint } from '#functions/webhooks/endpoints/endpoint.ts';
import { isForPeople, kindFor } from '#functions/webhooks/endpoints/format.ts';
import { addLone, endLone, leaseDurationMs, plausibleLease } from '#functions/webhooks/endpoints/lease.ts';
import { existingEndpoint, wake } from '#functions/webhooks/endpoints/lifecycle.ts';
import { EndpointError } from '#functions/webhooks/endpoints/settings.ts';
import { sendWakeUps } from '#functions/webhooks/endpoints/wake-ups.ts';
import type { DeliveryDependencies } from './deliveries.ts';
import { type Delivery, type DeliveryName, heldBetween, sentTo } from './delivery.ts';

export interface ReplayOptions {
  /** ISO 8601 times of the events: `from` is included, `until` is not. */
  readonly from: string;
  readonly until: string;
  /** Only count. */
  readonly dryRun: boolean;
  readonly perSecond?: number | undefined;
  readonly deadline?: Deadline;
  /** Place after which to go on, taken from `next` of an earlier call. */
  readonly after?: Cursor | undefined;
}

/** Deliveries released in a second by default, and at once: they spare a receiver that has just come back. */
const defaultPerSecond = 100;

const concurrency = 8;

const hasEnded = ({ status }: Delivery): boolean => status !== 'PENDING';

/** Releases deliveries held while their endpoint was paused or disabled. Attempts begin anew, under the same ids. */
export async function recover(deps: DeliveryDependencies, name: string, options: ReplayOptions) {
  const endpoint = await activeEndpoint(deps, name);
  const held = heldBetween(name, Date.parse(options.from), Date.parse(options.until) - 1);
  return release(deps, endpoint, [held], ({ status }) => status === 'HELD', options);
}

/** Delivers again, under the same ids, all ended and held deliveries whose events lie in a time range. */
export async function replay(deps: DeliveryDependencies, name: string, options: ReplayOptions) {
  const endpoint = await activeEndpoint(deps, name);
  const sent = sentTo(endpoint, options, deps.now().getTime(), deps.deliveries.keptForMs);
  return release(deps, endpoint, sent, hasEnded, options);
}

/** Delivers one ended or held delivery again; false when it does not exist or is still pending. */
export async function resend(deps: DeliveryDependencies, name: DeliveryName): Promise<boolean> {
  const endpoint = await activeEndpoint(deps, name.endpoint);
  const [delivery] = await deps.deliveries.read([name]);
  if (!delivery || !hasEnded(delivery)) return false;
  const released = await releaseOne(deps, endpoint, delivery, deps.now().getTime());
  if (released) await sendWakeUps(deps, [{ endpoint: name.endpoint, events: [name.event] }]);
  return released !== undefined;
}

/** @throws EndpointError unless the endpoint is active */
async function activeEndpoint(deps: DeliveryDependencies, name: string): Promise<Endpoint> {
  const endpoint = await existingEndpoint(deps, name);
  if (endpoint.status === 'active') return endpoint;
  const remedy = { paused: 'resume', disabled: 'enable' }[endpoint.status];
  throw new EndpointError([`the endpoint ${name} is ${endpoint.status}: ${remedy} it first`], 'conflict');
}

/**
 * Counts the deliveries that will be attempted again; in a dry run, those that would be. Not complete: the deadline came
 * first, and the same call goes on after `next`. A time would not do: the events of a poll share theirs.
 */
async function release(
  deps: DeliveryDependencies,
  endpoint: Endpoint,
  ranges: readonly IndexRange[],
  matches: (delivery: Delivery) => boolean,
  { dryRun, perSecond = defaultPerSecond, deadline = Number.POSITIVE_INFINITY, after }: ReplayOptions,
) {
  const started = deps.now().getTime();
  let [matching, released, done] = [0, 0, after];
  const replayed = (next?: Cursor) => ({ count: dryRun ? matching : released, isComplete: next === undefined, next });
  for await (const { deliveries, last } of deps.deliveries.pages(ranges, retryBudget(deadline, deps.steady), after)) {
    // Release at least one page in each call, otherwise repeated calls might never finish.
    if (done !== after && deps.steady() >= deadline) return replayed(done);
    done = last ?? done;
    const matched = deliveries.filter(matches);
    const before = matching;
    matching += matched.length;
    if (dryRun) continue;
    const places: number[] = [];
    await pLimit(concurrency).map(matched, async (delivery, index) => {
      // Events for people become one digest, which needs no pace.
      const place = started + (isForPeople(endpoint.format) ? 0 : Math.floor(((before + index) * 1000) / perSecond));
      if (await releaseOne(deps, endpoint, delivery, place)) places.push(place);
    });
    // One wake-up a page is enough: the drain itself finds out when the next retry is due.
    if (places.length > 0) await sendWakeUps(deps, [{ endpoint: endpoint.name, events: [], at: Math.min(...places) }]);
    released += places.length;
  }
  return replayed();
}

/** Releases a delivery; undefined when it has changed since it was read. One that was over is listed as a resend. */
async function releaseOne(deps: DeliveryDependencies, endpoint: Endpoint, delivery: Delivery, nextAttemptAt: number) {
  const step = { status: 'PENDING', attempt: 0, nextAttemptAt } as const;
  const now = deps.now().getTime();
  const released = await deps.deliveries.step(delivery, step, now, { endpointSince: endpoint.createdAt });
  if (released && delivery.status !== 'HELD') await deps.deliveries.listAgain(delivery, now);
  return released;
}

/** Cancels a waiting delivery and returns it as it is: not `isCancelled` if in flight or over, undefined if unknown. */
export async function cancelDelivery(deps: DeliveryDependencies, name: DeliveryName) {
  const read = async () => (await deps.deliveries.read([name]))[0];
  const delivery = await read();
  const cancelled = delivery && (await cancel(deps, delivery));
  if (cancelled) return { delivery: cancelled, isCancelled: true };
  return delivery && { delivery: (await read()) ?? delivery, isCancelled: false };
}

/** Occupies the place of an attempt in the lease while it cancels, so that no process attempts the delivery. */
async function cancel({ deliveries, leases, ...deps }: DeliveryDependencies, delivery: Delivery) {
  const { event, endpoint, rev: of, attempt, status } = delivery;
  const now = deps.now().getTime();
  const step = () => deliveries.step(delivery, { status: 'CANCELLED', reason: 'operator' }, now);
  if (status === 'HELD') return step();
  if (status !== 'PENDING') return undefined;
  const inFlight = { [event]: { attempt, of, until: now + leaseDurationMs, isLone: true } } as const;
  const taken = await leases.change(endpoint, await leases.read(endpoint), (current) => {
    const lease = plausibleLease(current, now);
    const inFlightAttempt = lease.inFlight[event];
    const isUnderWay = inFlightAttempt !== undefined && inFlightAttempt.of >= of && inFlightAttempt.until > now;
    return isUnderWay ? undefined : addLone(lease, { inFlight, observations: [] }, now);
  });
  if (!taken) return undefined;
  const cancelled = await step();
  await leases.change(endpoint, taken, (lease) => endLone(lease, [event], [], now));
  return cancelled;
}

/** Sends an endpoint a test event, whatever types it subscribes to, and returns the new delivery. */
export async function sendTest(deps: DeliveryDependencies, name: string): Promise<DeliveryName> {
  const { format, createdAt } = await existingEndpoint(deps, name);
  const now = deps.now();
  const at = now.toISOString();
  const event = testEvent(name, at);
  const period = { id: factId('dig', event.id), since: at, until: at };
  const published = isForPeople(format) ? digestOf([event], period).digest : event;
  const stored = { kind: kindFor(format), id: published.id, body: JSON.stringify(published), at };
  await deps.deliveries.create(stored, { name, createdAt }, now.getTime(), true);
  await wake(deps, name, [stored.id]);
  return { event: stored.id, endpoint: name };
}
