import pLimit, { type LimitFunction } from 'p-limit';
import type { Deadline } from '#functions/clock/instants.ts';
import { parseEventBody, type TransferEvent } from '#functions/events/transfer-event.ts';
import { transferNotice } from '#functions/notices/notice.ts';
import { isInstant, NoticeError, parseNotice } from '#functions/notices/notice-record.ts';
import { isTrackingId } from '#functions/transfers/transfer.ts';
import { createDelivery, type StoredEvent, storeEvent } from '#functions/webhooks/deliveries/deliveries.ts';
import { isWanted, type Subject } from '#functions/webhooks/endpoints/endpoint.ts';
import {
  type EndpointPart,
  endpointsAfter,
  type WebhookDependencies,
} from '#functions/webhooks/endpoints/endpoints.ts';
import { kindFor } from '#functions/webhooks/endpoints/format.ts';
import { type Queue, sendWakeUps } from '#functions/webhooks/endpoints/wake-ups.ts';
import { type Announcement, handOn } from './announcements.ts';

/** What fanning out works with. */
export interface FanOutDependencies extends WebhookDependencies {
  /** The queue that has announcements fanned out: it gets what is left of those that too many endpoints want. */
  readonly announcements: Queue;
}

/** What became of the messages. */
export interface FanOut {
  readonly deliveries: number;
  /** Messages of which the rest was handed on. */
  readonly handedOn: number;
  /** Numbers of the messages that could not be handled, with the reason. */
  readonly unhandled: readonly { readonly message: number; readonly error: Error }[];
}

/**
 * Endpoints looked at for one message. A batch of ten creates at most ten times as many deliveries, which takes some 5 s
 * of the function's 30 s.
 */
export const endpointsPerMessage = 50;

/** Rows written at the same time, over all messages of a batch. */
const concurrency = 32;

/** An event or notice, as it arrives. */
interface Arrival extends StoredEvent {
  readonly subject: Subject;
}

/** What was done for one message. */
interface Part {
  /** Id of the event or notice. */
  readonly event: string;
  /** Endpoints that have a delivery now. */
  readonly endpoints: readonly string[];
  /** The endpoint after which to go on; undefined when all have it. */
  readonly next: string | undefined;
  /** Chats among those looked at want the notice of this event, too. */
  readonly isForChats: boolean;
}

/**
 * Stores events and notices with a delivery for each endpoint that wants them at this moment, and has these endpoints looked
 * after. Endpoints are looked at by name, a bounded number for each message, and only while there is time; with what is left,
 * the message goes to the end of the queue. All of it may be repeated: what is there stays as it is.
 *
 * @param announcements from transfer-events and transfer-notices, delivered raw, or handed on
 * @param deadline instant of the steady clock after which no delivery is created
 */
export async function fanOut(
  deps: FanOutDependencies,
  announcements: readonly Announcement[],
  deadline = Number.POSITIVE_INFINITY,
): Promise<FanOut> {
  const partAfter = partReader(deps);
  const limit = pLimit(concurrency);
  const unhandled = new Map<number, Error>();
  const attempt = <T>(message: number, task: () => Promise<T>): Promise<T | undefined> =>
    task().catch((error: Error) => {
      unhandled.set(message, error);
      return undefined;
    });
  const parts = await Promise.all(
    announcements.map(({ body, after = '' }, message) =>
      attempt(message, async () => {
        const arrival = arrivalOf(body);
        return createDeliveries(deps, limit, arrival, after, await partAfter(after), deadline);
      }),
    ),
  );
  const asleep = await wakeUp(deps, parts);
  for (const [message, part] of parts.entries()) {
    // Without a wake-up, nothing would look at the delivery: the queue has to bring the message again.
    if (part?.endpoints.some((endpoint) => asleep.has(endpoint))) {
      unhandled.set(message, new Error('SQS did not take the wake-up; the queue brings the message again'));
    }
  }
  // Last of all, so that a message that fails is repeated from where it began, and only it.
  const handedOn = await Promise.all(
    announcements.map(async ({ body, isUnnoticed }, message) => {
      const part = parts[message];
      if (!part || unhandled.has(message)) return false;
      const { next, isForChats } = part;
      return attempt(message, async () => {
        // The first chat was added while the poll was under way.
        if (isUnnoticed && isForChats) {
          const event = parseEventBody(body) as TransferEvent;
          await handOn(deps.announcements, { body: JSON.stringify(transferNotice(event.data, [event]).record) });
        }
        if (next === undefined) return false;
        await handOn(deps.announcements, { body, after: next, isUnnoticed });
        return true;
      });
    }),
  );
  return {
    deliveries: parts.reduce((sum, part) => sum + (part?.endpoints.length ?? 0), 0),
    handedOn: handedOn.filter(Boolean).length,
    unhandled: [...unhandled].map(([message, error]) => ({ message, error })),
  };
}

/**
 * Has the endpoints looked after that got something, each by one wake-up for all messages of the batch.
 *
 * @returns the endpoints whose wake-ups SQS did not take
 */
async function wakeUp(deps: FanOutDependencies, parts: readonly (Part | undefined)[]): Promise<ReadonlySet<string>> {
  const wanted = parts.flatMap((part) => part?.endpoints.map((endpoint) => ({ endpoint, event: part.event })) ?? []);
  const wakeUps = [...Map.groupBy(wanted, ({ endpoint }) => endpoint)].map(([endpoint, some]) => ({
    endpoint,
    events: some.map(({ event }) => event),
  }));
  return new Set((await sendWakeUps(deps, wakeUps)).map(({ endpoint }) => endpoint));
}

/** Reads parts of the endpoints, each once for all messages of a batch. */
function partReader(deps: FanOutDependencies): (after: string) => Promise<EndpointPart> {
  const parts = new Map<string, Promise<EndpointPart>>();
  return (after) => {
    const part = parts.get(after) ?? endpointsAfter(deps, after, endpointsPerMessage);
    parts.set(after, part);
    return part;
  };
}

async function createDeliveries(
  deps: FanOutDependencies,
  limit: LimitFunction,
  arrival: Arrival,
  after: string,
  { endpoints, next }: EndpointPart,
  deadline: Deadline,
): Promise<Part> {
  const now = deps.now().getTime();
  const interested = endpoints.filter((endpoint) => isWanted(endpoint, arrival.subject));
  const wanting = interested.filter(({ format }) => kindFor(format) === arrival.kind);
  const isForChats = wanting.length < interested.length;
  const isFirst = after === '';
  // A notice that nobody gets is worth no write; an event can be asked for all the same.
  if (isFirst && arrival.kind === 'event' && wanting.length === 0) await limit(() => storeEvent(deps, arrival, now));
  // Writes begin in the order of names: those before this place are done in the end, those from it on are not begun.
  let end = wanting.length;
  await limit.map(wanting, async (endpoint, at) => {
    if (at < end && deps.steady() >= deadline) end = at;
    if (at < end) await createDelivery(deps, arrival, endpoint, now, isFirst && at === 0);
  });
  const done = wanting.slice(0, end).map(({ name }) => name);
  const isCutShort = end < wanting.length;
  if (isCutShort && end === 0) throw new Error(`no time was left for the endpoints after '${after}'`);
  return { event: arrival.id, endpoints: done, next: isCutShort ? done.at(-1) : next, isForChats };
}

/**
 * Reads a message: an event has an envelope with `data`, everything else must be a notice.
 *
 * @throws NoticeError that says what was expected, or TypeError for `null`
 */
function arrivalOf(body: string): Arrival {
  const { id, type, timestamp, data } = envelopeOf(body);
  if (data !== undefined) {
    const { trackingId, mailbox, direction } = data ?? {};
    // DynamoDB takes no empty text as the key of an index, and no other kind of value.
    const isOfTransfer = trackingId === undefined || isTrackingId(trackingId);
    if (!isName(id) || !isName(type) || !isInstant(timestamp) || !isOfTransfer) {
      throw new NoticeError(
        'expected an event with id, type, an ISO 8601 timestamp in UTC, and the id of a transfer if any',
      );
    }
    return { kind: 'event', id, at: timestamp, body, subject: { types: [type], mailbox, direction } };
  }
  const notice = parseNotice(body);
  if (!isName(notice.id)) throw new NoticeError('expected a notice with an id that can be sent in a header');
  return { kind: 'notice', id: notice.id, at: notice.timestamp, body: JSON.stringify(notice), subject: notice };
}

/** What can be a key, stand in a filter, and be sent in a header. */
const isName = (value: unknown): boolean => typeof value === 'string' && /^[\x21-\x7e]{1,200}$/.test(value);

function envelopeOf(body: string) {
  try {
    return JSON.parse(body);
  } catch {
    // The error of JSON.parse quotes the message, and with it a mailbox.
    throw new NoticeError('expected an event or a notice, but the message is not JSON');
  }
}
