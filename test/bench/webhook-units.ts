import type { Units } from '#functions/dynamodb/partition.ts';
import { eventBody, type TransferEvent, transferEvent } from '#functions/events/transfer-event.ts';
import { transferNotice } from '#functions/notices/notice.ts';
import type { Topics } from '#functions/notices/publish.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { addEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { deliver } from '#functions/webhooks/engine/deliver.ts';
import { fanOut } from '#functions/webhooks/engine/fan-out.ts';
import { sweep } from '#functions/webhooks/engine/sweep.ts';
import { assumed } from './bill-assumptions.ts';
import type { ServiceAddresses } from './services.ts';
import { storedBytes } from './stored-bytes.ts';
import type { EventUnits, StoredBytes, WebhookUnits } from './use.ts';
import { meteredWebhooks } from './webhook-dependencies.ts';

/** Times that everything is measured; rows differ in nothing but ids and times. */
const rounds = 10;

const watch: Watch = { mailbox: 'alice@example.com', direction: 'sent' };

/** Measures how many units of DynamoDB webhooks cost, each function by itself, and the bytes that they store. */
export async function measureWebhookUnits(
  services: ServiceAddresses,
  topics: Topics,
): Promise<{ units: WebhookUnits; stored: Omit<StoredBytes, 'transfer'> }> {
  const { deps: shared, meter, onlooker, close } = await meteredWebhooks(services);
  const deps = { ...shared, topics };
  const [endpoint, second] = ['ok', 'also-ok'];
  /** An event's way, with so many of them in each invocation. */
  const wayOf = async (batch: number): Promise<EventUnits> => {
    const ways: EventUnits[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const each = ({ read, write }: Units): Units => ({ read: read / batch, write: write / batch });
      const eventsOf = (state: string) =>
        Array.from({ length: batch }, (_, index) => eventOf(`${state}-${batch}-${round}-${index}`, state));
      const fanOutOf = async (events: readonly TransferEvent[]) =>
        each(
          await meter.of(() =>
            fanOut(
              deps,
              events.map((event) => ({ body: eventBody(event) })),
            ),
          ),
        );
      // An endpoint that wants something else is read all the same.
      const unwanted = await fanOutOf(eventsOf(states.unwanted));
      const byBoth = await fanOutOf(eventsOf(states.wantedByBoth));
      const wanted = eventsOf(states.wantedByOne);
      const byOne = await fanOutOf(wanted);
      const creation = { read: byBoth.read - byOne.read, write: byBoth.write - byOne.write };
      const event = { read: byOne.read - creation.read, write: byOne.write - creation.write };
      const delivery = each(
        await meter.of(async () => {
          const { settled } = await deliver(deps, [{ endpoint, events: wanted.map(({ id }) => id) }]);
          if (settled.length !== batch || settled.some((one) => one.delivery.status !== 'DELIVERED')) {
            throw new Error('a webhook was not delivered');
          }
        }),
      );
      ways.push({ unwanted, event, creation, delivery });
    }
    const partOf = (part: keyof EventUnits) => meanOf(ways.map((way) => way[part]));
    return {
      unwanted: partOf('unwanted'),
      event: partOf('event'),
      creation: partOf('creation'),
      delivery: partOf('delivery'),
    };
  };
  try {
    await addEndpoint(deps, endpoint, {
      url: `${services.receiver}/ok`,
      types: ['transfer.failed', 'transfer.deleted_by_revocation'],
    });
    await addEndpoint(deps, second, { url: `${services.receiver}/ok`, types: ['transfer.deleted_by_revocation'] });
    const alone = await wayOf(1);
    const burst = await wayOf(assumed('batch'));
    const { record } = transferNotice(watch, [eventOf('notice', 'FAILED')]);
    const notice = await meter.of(() => fanOut(deps, [{ body: JSON.stringify(record) }]));
    const sweeps: Units[] = [];
    for (let round = 0; round < rounds; round += 1) {
      sweeps.push(await meter.of(() => sweep(deps, deps.now().getTime() + 10_000)));
    }
    return { units: { alone, burst, notice, sweep: meanOf(sweeps) }, stored: await storedOf() };
  } finally {
    close();
  }

  /** Bytes of an event, and of each delivery. */
  async function storedOf() {
    const bytesAfter = async (state: string, endpoints: readonly string[]) => {
      const event = eventOf('stored', state);
      const before = await storedBytes(onlooker, deps.table);
      await fanOut(deps, [{ body: eventBody(event) }]);
      for (const name of endpoints) await deliver(deps, [{ endpoint: name, events: [event.id] }]);
      return (await storedBytes(onlooker, deps.table)) - before;
    };
    const one = await bytesAfter(states.wantedByOne, [endpoint]);
    const delivery = (await bytesAfter(states.wantedByBoth, [endpoint, second])) - one;
    return { event: one - delivery, delivery };
  }
}

/** States of transfers, by which of two endpoints want events of their type. */
const states = { unwanted: 'ACTIVE', wantedByOne: 'FAILED', wantedByBoth: 'DELETED_BY_REVOCATION' };

const eventOf = (trackingId: string, state: string) => {
  const change = { trackingId, state, previousState: 'PROCESSING', sequence: 1 };
  return transferEvent('https://cryptshare.example.com', watch, change, new Date().toISOString());
};

function meanOf(measured: readonly Units[]): Units {
  const mean = (kind: keyof Units) => measured.reduce((sum, units) => sum + units[kind], 0) / measured.length;
  return { read: mean('read'), write: mean('write') };
}
