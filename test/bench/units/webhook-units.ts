import type { Units } from '#functions/dynamodb/partition.ts';
import type { EventsTopic } from '#functions/events/publish.ts';
import { eventBody, type TransferEvent } from '#functions/events/transfer-event.ts';
import { addEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { fanOut } from '#functions/webhooks/engine/fan-out.ts';
import { sweep } from '#functions/webhooks/engine/sweep.ts';
import { assumed } from '#test/bench/bill/assumptions.ts';
import type { ServiceAddresses } from '#test/bench/processes/services.ts';
import { eventsOf } from '#test/bench/webhooks/events.ts';
import { meteredWebhooks } from './metered.ts';
import { storedBytes } from './stored-bytes.ts';
import { divide, mean, subtract } from './unit-sums.ts';

/** Repetitions of each measurement; rows differ in nothing but ids and times. */
const rounds = 10;

/** States of transfers, by the number of endpoints that want events of their type. */
const states = { unwanted: 'ACTIVE', wantedByOne: 'FAILED', wantedByBoth: 'DELETED_BY_REVOCATION' };

/** Measures the units of DynamoDB that webhooks cost, each function by itself, and the bytes that they store. */
export async function measureWebhookUnits(services: ServiceAddresses, topic: EventsTopic) {
  const { deps: shared, meter, onlooker, close } = await meteredWebhooks(services);
  const deps = { ...shared, topic };
  const fanOutOf = (events: readonly TransferEvent[]) =>
    fanOut(
      deps,
      events.map((event) => ({ body: eventBody(event) })),
    );
  const deliverTo = async (endpoint: string, events: readonly TransferEvent[]) => {
    const { settled } = await deliver(deps, [{ endpoint, events: events.map(({ id }) => id) }]);
    const isDelivered = settled.every(({ delivery }) => delivery.status === 'DELIVERED');
    if (settled.length !== events.length || !isDelivered) throw new Error('a webhook was not delivered');
  };

  /** Measures an event on its way, with a batch of them in each invocation. */
  const measureEvent = async (batch: number) => {
    const measured: Record<'unwanted' | 'event' | 'creation' | 'delivery', Units>[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const unitsOf = async (task: () => Promise<unknown>): Promise<Units> => divide(await meter.of(task), batch);
      const batchOf = (state: string) => eventsOf(`${state}-${batch}-${round}`, batch, state);
      // An endpoint that wants something else is read all the same.
      const unwanted = await unitsOf(() => fanOutOf(batchOf(states.unwanted)));
      const byBoth = await unitsOf(() => fanOutOf(batchOf(states.wantedByBoth)));
      const wanted = batchOf(states.wantedByOne);
      const byOne = await unitsOf(() => fanOutOf(wanted));
      const creation = subtract(byBoth, byOne);
      const event = subtract(byOne, creation);
      const delivery = await unitsOf(() => deliverTo('ok', wanted));
      measured.push({ unwanted, event, creation, delivery });
    }
    const meanOf = (part: 'unwanted' | 'event' | 'creation' | 'delivery') => mean(measured.map((one) => one[part]));
    return {
      /** An event that no endpoint wants. */
      unwanted: meanOf('unwanted'),
      /** One that some want, without the share of each of these. */
      event: meanOf('event'),
      /** The share of each endpoint that wants it. */
      creation: meanOf('creation'),
      /** An attempt that succeeds. */
      delivery: meanOf('delivery'),
    };
  };

  /** Measures the bytes that an event and its deliveries add. */
  const bytesOf = async (state: string, endpoints: readonly string[]) => {
    const events = eventsOf('rows', 1, state);
    const before = await storedBytes(onlooker, deps.table);
    await fanOutOf(events);
    for (const endpoint of endpoints) await deliverTo(endpoint, events);
    return (await storedBytes(onlooker, deps.table)) - before;
  };
  try {
    const url = `${services.receiver}/healthy`;
    await addEndpoint(deps, 'ok', { url, types: ['transfer.failed', 'transfer.deleted_by_revocation'] });
    await addEndpoint(deps, 'also-ok', { url, types: ['transfer.deleted_by_revocation'] });
    const alone = await measureEvent(1);
    const burst = await measureEvent(assumed('batch'));
    const sweeps: Units[] = [];
    for (let round = 0; round < rounds; round += 1) {
      sweeps.push(await meter.of(() => sweep(deps, deps.now().getTime() + 10_000)));
    }
    const ofOne = await bytesOf(states.wantedByOne, ['ok']);
    const delivery = (await bytesOf(states.wantedByBoth, ['ok', 'also-ok'])) - ofOne;
    return {
      /** `sweep`: one that finds nothing. */
      webhooks: { alone, burst, sweep: mean(sweeps) },
      /** Bytes: of an event without its deliveries, and of each delivery with its attempt. */
      stored: { event: ofOne - delivery, delivery },
    };
  } finally {
    close();
  }
}
