import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventBody, transferEvent } from '#functions/events/transfer-event.ts';
import { rootKey, transferKey } from '#functions/snapshot/snapshot-rows.ts';
import { type Watch, watchKey } from '#functions/transfers/transfer.ts';
import { registryKey } from '#functions/watches/places.ts';
import { registryPartition } from '#functions/watches/polled-watches.ts';
import { deliveryKey, listedAt } from '#functions/webhooks/deliveries/delivery.ts';
import { startConsoleWorld } from '#test/infra/console/console-world.ts';
import { transfersTable, webhooksTable } from '#test/support/webhook-world.ts';
import { withDatabase, writeRows } from './database-writer.ts';

/** Numbers of what is stored; all transfers are those of one watch. */
export interface Stored {
  readonly events: number;
  readonly watches: number;
  readonly transfers: number;
}

const origin = 'https://cryptshare.example.com';
const dayMs = 86_400_000;

/** Milliseconds before now over which the events are spread: less than the 30 days for which they are kept. */
const spreadMs = 29 * dayMs;

const watchOf = (index: number): Watch => ({ mailbox: `person-${index}@example.com`, direction: 'sent' });
const trackingIdOf = (index: number): string => `20261101-000000-${String(index).padStart(8, '0')}`;

/** The watch that has all transfers. */
export const largest = watchOf(0);

/** Starts embedded services on disk that hold all this, with operator API and console, in this process. */
export async function startStoredWorld(stored: Stored) {
  const folder = mkdtempSync(join(tmpdir(), 'notifier-bench-paging-'));
  const data = join(folder, 'data');
  const { started: world, rows } = await withDatabase(() => startConsoleWorld({ mayChange: true }, data));
  const close = async () => {
    await world.close();
    rmSync(folder, { recursive: true });
  };
  const begun = performance.now();
  const now = world.clock.now().getTime();
  const eventOf = (index: number) => {
    const at = new Date(now - spreadMs + Math.floor((index * spreadMs) / stored.events)).toISOString();
    const change = { trackingId: trackingIdOf(index), state: 'ACTIVE', previousState: null, sequence: 1 };
    return transferEvent(origin, watchOf(index % stored.watches), change, at);
  };
  try {
    await world.ask('POST', '/endpoints', { body: { name: 'crm', url: world.urlOf('crm') } });
    // A delivery of the notifier's own is the form of all others.
    await world.fanOut(eventOf(stored.events));
    await world.answerWakeUps();
    const form = (await world.dump()).find(({ sk }) => sk.startsWith('DELIVERY#'));
    if (form?.status !== 'DELIVERED') throw new Error('no delivery is there to be copied');
    const deliveries = function* () {
      for (let index = 0; index < stored.events; index += 1) {
        const event = eventOf(index);
        const { id, timestamp } = event;
        const place = { day: timestamp.slice(0, 10), listedAt: listedAt(timestamp, id) };
        yield {
          ...form,
          ...deliveryKey({ event: id, endpoint: 'crm' }),
          eventAt: timestamp,
          body: eventBody(event),
          ...place,
        };
      }
    };
    const snapshots = function* () {
      const at = new Date(now).toISOString();
      for (let index = 0; index < stored.watches; index += 1) {
        const watch = watchOf(index);
        const count = index === 0 ? stored.transfers : 0;
        yield { pk: registryPartition, sk: registryKey(watch), ...watch, scheduledFrom: at };
        yield { pk: watchKey(watch), sk: rootKey, rev: 1, bits: 0, origin, count, active: 0, baselineAt: at };
      }
      const seen = { state: 'ACTIVE', sequence: 1, rev: 1, firstSeenAt: at, observedAt: at };
      for (let index = 0; index < stored.transfers; index += 1)
        yield { pk: watchKey(largest), sk: transferKey(trackingIdOf(index)), ...seen };
    };
    await writeRows(rows, world.dynamo, webhooksTable, deliveries());
    await writeRows(rows, world.dynamo, transfersTable, snapshots());
  } catch (error) {
    await close();
    throw error;
  }
  return { ...world, data, writtenMs: performance.now() - begun, cursors: cursorsOf(stored, eventOf), close };
}

export type StoredWorld = Awaited<ReturnType<typeof startStoredWorld>>;

/** Entries of a page. */
export const perPage = 50;

/** Cursors that lead into the middle of each list, and to its last page. */
function cursorsOf(stored: Stored, eventOf: (index: number) => { readonly id: string; readonly timestamp: string }) {
  const cursor = (place: object) => Buffer.from(JSON.stringify(place)).toString('base64url');
  const inOrder = (keys: readonly { readonly pk: string; readonly sk: string }[]) => {
    const sorted = keys.toSorted((a, b) => (a.sk < b.sk ? -1 : 1));
    return {
      middle: cursor(sorted[Math.floor(sorted.length / 2)]!),
      last: cursor(sorted[sorted.length - perPage - 1]!),
    };
  };
  const placeOf = (index: number, more: object = {}) => {
    const { id, timestamp } = eventOf(index);
    const key = deliveryKey({ event: id, endpoint: 'crm' });
    return cursor({ ...key, day: timestamp.slice(0, 10), listedAt: listedAt(timestamp, id), ...more });
  };
  const keysOf = (count: number, of: (index: number) => { pk: string; sk: string }) =>
    inOrder(Array.from({ length: count }, (_, index) => of(index)));
  // The newest comes first.
  const [middle, last] = [Math.floor(stored.events / 2), perPage];
  return {
    events: { middle: placeOf(middle), last: placeOf(last) },
    deliveries: { middle: placeOf(middle, { of: 'crm' }), last: placeOf(last, { of: 'crm' }) },
    watches: keysOf(stored.watches, (index) => ({ pk: registryPartition, sk: registryKey(watchOf(index)) })),
    transfers: keysOf(stored.transfers, (index) => ({ pk: watchKey(largest), sk: transferKey(trackingIdOf(index)) })),
  };
}
