import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import pLimit from 'p-limit';
import { NoticeError, parseNotice } from '../notices/notice-record.ts';
import { parseEventBody } from '../transfers/event.ts';
import { Deliveries, type StoredEvent } from './deliveries.ts';
import type { Doorbell, Doorbells } from './doorbells.ts';
import { type Endpoint, isWanted, type Subject } from './endpoint.ts';
import { Endpoints } from './endpoints.ts';

/** What fanning out works with. */
export interface FanOutDependencies {
  readonly dynamo: DynamoDBClient;
  /** Name of the webhooks table. */
  readonly table: string;
  readonly doorbells: Doorbells;
  readonly now: () => Date;
}

/** What became of the messages. */
export interface FanOut {
  readonly deliveries: number;
  /** Doorbells that SQS did not take; the sweep makes up for them. */
  readonly unrung: number;
  /** Numbers of the messages that could not be handled, with the reason. */
  readonly unhandled: readonly { readonly message: number; readonly error: Error }[];
}

/** Messages handled at the same time. */
const concurrency = 4;

/** An event or notice, as it arrives. */
interface Arrival extends StoredEvent {
  readonly subject: Subject;
}

/**
 * Stores events and notices, creates a delivery for each endpoint that wants them at this moment, and rings for those.
 * All of it may be repeated: what is there stays as it is.
 *
 * @param bodies of messages from transfer-events and transfer-notices, delivered raw
 * @throws the error of the SDK when the endpoints cannot be read
 */
export async function fanOut(deps: FanOutDependencies, bodies: readonly string[]): Promise<FanOut> {
  const endpoints = await new Endpoints(deps.dynamo, deps.table).list();
  const unhandled: { message: number; error: Error }[] = [];
  const created = await pLimit(concurrency).map(bodies, async (body, message) => {
    try {
      return await createDeliveries(deps, endpoints, arrivalOf(body));
    } catch (error) {
      unhandled.push({ message, error: error as Error });
      return [];
    }
  });
  const doorbells = created.flat();
  const unrung = await deps.doorbells.ring(doorbells, deps.now().getTime());
  return { deliveries: doorbells.length, unrung, unhandled };
}

async function createDeliveries(
  deps: FanOutDependencies,
  endpoints: readonly Endpoint[],
  arrival: Arrival,
): Promise<Doorbell[]> {
  const deliveries = new Deliveries(deps.dynamo, deps.table);
  const now = deps.now().getTime();
  const wanting = endpoints.filter((endpoint) => isFor(endpoint, arrival) && isWanted(endpoint, arrival.subject));
  // A notice that nobody gets is worth no write; an event can be asked for all the same.
  if (arrival.kind === 'event' || wanting.length > 0) await deliveries.storeEvent(arrival, now);
  return Promise.all(
    wanting.map(async ({ name, createdAt }) => {
      const delivery = { event: arrival.id, endpoint: name };
      await deliveries.create(delivery, createdAt, arrival.at, now);
      return { ...delivery, at: now };
    }),
  );
}

const isFor = ({ format }: Endpoint, { kind }: Arrival): boolean => (format === 'event') === (kind === 'event');

/**
 * Reads a message: an event has an envelope with `data`, everything else must be a notice.
 *
 * @throws NoticeError that says what was expected, or TypeError for `null`
 */
function arrivalOf(body: string): Arrival {
  const { id, type, timestamp, data } = envelopeOf(body);
  if (data !== undefined) {
    if (![id, type, timestamp].every((text) => typeof text === 'string')) {
      throw new NoticeError('expected an event with id, type and timestamp');
    }
    const { trackingId, mailbox, direction } = data as { trackingId?: string; mailbox?: string; direction?: string };
    const types = [type];
    return { kind: 'event', id, at: timestamp, body, types, trackingId, subject: { types, mailbox, direction } };
  }
  const notice = parseNotice(body);
  const { types, mailbox, direction } = notice;
  return {
    kind: 'notice',
    id: notice.id,
    at: notice.timestamp,
    body: JSON.stringify(notice),
    types,
    subject: { types, mailbox, direction },
  };
}

function envelopeOf(body: string) {
  try {
    return parseEventBody(body);
  } catch {
    // The error of JSON.parse quotes the message, and with it a mailbox.
    throw new NoticeError('expected an event or a notice, but the message is not JSON');
  }
}
