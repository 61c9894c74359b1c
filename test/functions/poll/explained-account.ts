import { expect } from 'vitest';
import { eventBody, type TransferEvent } from '#functions/events/transfer-event.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { Watches } from '#functions/watches/watches.ts';
import { type Deliveries, deliveriesIn } from '#functions/webhooks/deliveries/deliveries.ts';
import type { Endpoint } from '#functions/webhooks/endpoints/endpoint.ts';
import { Endpoints } from '#functions/webhooks/endpoints/endpoints.ts';
import { createWebhooksTable } from '#infra/local/services/embedded-services.ts';
import { explainIn } from '#test/support/explained.ts';
import { world } from '#test/support/mailbox-world.ts';
import { webhooksTable } from '#test/support/webhook-world.ts';
import type { Account } from './history-life.ts';

const usual: Endpoint = {
  ...{ name: 'all', types: ['transfer.*'], status: 'active', createdAt: '2026-01-01T00:00:00.000Z', format: 'event' },
  ...{ retryDelaysMs: [1000], maxInFlight: 10, origin: 'https://crm.example.com', encrypted: '', rev: 0 },
};

/** Subscribers whose filters let through an event, or keep it back for the reason that follows. */
const subscribers: readonly (readonly [Endpoint, (event: TransferEvent) => string | undefined])[] = [
  [usual, () => undefined],
  [
    { ...usual, name: 'failures', types: ['transfer.failed', 'watch.*'] },
    ({ type }) => (type === 'transfer.failed' ? undefined : 'not_wanted_type'),
  ],
  [
    { ...usual, name: 'received', directions: ['received'] },
    ({ data }) => (data.direction === 'received' ? undefined : 'not_wanted_direction'),
  ],
  [{ ...usual, name: 'strangers', mailboxes: ['stranger@example.com'] }, () => 'not_wanted_mailbox'],
];

/** Transfers of a history that are explained: all of a usual one. */
const mostExplained = 30;

/** Gives the world of mailboxes a table of webhooks with subscribers. */
export async function addSubscribers(): Promise<void> {
  const { dynamo } = world.deps;
  await createWebhooksTable(dynamo, webhooksTable);
  const endpoints = new Endpoints({ dynamo, table: webhooksTable });
  for (const [endpoint] of subscribers) await endpoints.create(endpoint);
}

/**
 * Expects an explanation of each transfer that agrees with what was published and what the baseline stored. The events of
 * every third transfer are still in the queue.
 */
export async function expectTrueExplanations({ published, truth, baseline, snapshot, watch }: Account): Promise<void> {
  const { dynamo, now } = world.deps;
  const source = { dynamo, table: webhooksTable };
  const deliveries = deliveriesIn(source);
  await new Watches({ dynamo, table: world.deps.table }).addAll([watch], false, now().toISOString());
  const byId = new Map(published.map(({ event }) => [event.id, event]));
  const byTransfer = Map.groupBy(byId.values(), ({ data }) => data.trackingId);
  const ids = [...truth.keys()].toSorted((a, b) => Number(byTransfer.has(b)) - Number(byTransfer.has(a)));
  for (const [index, trackingId] of [...ids.slice(0, mostExplained), `${watch.mailbox}-none`].entries()) {
    const events = (byTransfer.get(trackingId) ?? []).toSorted((a, b) => a.data.sequence - b.data.sequence);
    const isQueued = index % 3 === 2;
    if (!isQueued) for (const event of events) await fanOut(deliveries, event);
    const told = await explainIn({ dynamo, deliveries, now }, trackingId, plain(watch));
    const silent = baseline.has(trackingId) ? 'baseline' : 'unknown';
    expect(told.finding, trackingId).toBe(events.length === 0 ? silent : isQueued ? 'not_fanned_out_yet' : 'told');
    const state = snapshot.get(trackingId);
    const [seen] = told.seen;
    if (state !== undefined) expect(seen).toMatchObject({ ...plain(watch), trackingId, state, isListed: true });
    if (told.finding === 'told') expectTrueFilters(told, events);
    else expect(told.subscribers.flatMap(({ verdicts }) => verdicts)).toEqual([]);
  }
}

const plain = ({ mailbox, direction }: Watch) => ({ mailbox, direction });

/** Stores an event as fan-out does, by filters of its own. */
async function fanOut(deliveries: Deliveries, event: TransferEvent): Promise<void> {
  const stored = { kind: 'event', id: event.id, body: eventBody(event), at: event.timestamp } as const;
  const now = world.deps.now().getTime();
  const wanting = subscribers.filter(([, reason]) => reason(event) === undefined);
  for (const [index, [endpoint]] of wanting.entries()) await deliveries.create(stored, endpoint, now, index === 0);
}

function expectTrueFilters(
  { subscribers: told, timeline }: Awaited<ReturnType<typeof explainIn>>,
  events: readonly TransferEvent[],
) {
  const ofEvents = timeline.filter(({ kind }) => kind === 'event');
  expect(ofEvents.map(({ event, type, at, state }) => [event, type, at, state])).toEqual(
    events.map(({ id, type, timestamp, data }) => [id, type, timestamp, data.state]),
  );
  expect(told.map(({ name }) => name)).toEqual(subscribers.map(([{ name }]) => name));
  for (const [index, { verdicts }] of told.entries()) {
    const [, reason] = subscribers[index]!;
    expect(verdicts.map(({ event, verdict }) => [event, verdict])).toEqual(
      events.map((event) => [event.id, reason(event) ?? 'waits_for_first_attempt']),
    );
  }
}
