import pLimit, { type LimitFunction } from 'p-limit';
import type { Deadline } from '#functions/clock/instants.ts';
import { parseEventBody, type TransferEvent } from '#functions/events/transfer-event.ts';
import { transferNotice } from '#functions/notices/notice.ts';
import { isInstant, NoticeError, parseNotice } from '#functions/notices/notice-record.ts';
import { jsonOf } from '#functions/parsing/json.ts';
import { isTrackingId } from '#functions/transfers/transfer.ts';
import type { DeliveryDependencies, StoredEvent } from '#functions/webhooks/deliveries/deliveries.ts';
import { isWanted, type Subject } from '#functions/webhooks/endpoints/endpoint.ts';
import type { EndpointPart } from '#functions/webhooks/endpoints/endpoints.ts';
import { kindFor } from '#functions/webhooks/endpoints/format.ts';
import { type Queue, sendWakeUps } from '#functions/webhooks/endpoints/wake-ups.ts';
import { type Announcement, handOn } from './announcements.ts';

export interface FanOutDependencies extends Omit<DeliveryDependencies, 'leases'> {
  /** Queue of fan-out itself. It takes the rest of announcements that too many endpoints want. */
  readonly announcements: Queue;
}

export type FanOut = Readonly<Awaited<ReturnType<typeof fanOut>>>;

/** Endpoints examined per message. A batch of ten creates up to 500 deliveries, in some 5 of the function's 30 s. */
export const endpointsPerMessage = 50;

/** Rows written at once, over all messages of a batch. */
const concurrency = 32;

type Arrival = StoredEvent & { readonly subject: Subject };

type Part = Awaited<ReturnType<typeof createDeliveries>>;

/**
 * Stores each event or notice with a delivery for every endpoint that wants it now, and wakes these endpoints. It takes
 * a bounded number of endpoints for each message, by name, until the deadline. With the rest, the message goes to the
 * end of the queue. Idempotent: existing rows stay as they are.
 */
export async function fanOut(deps: FanOutDependencies, announcements: readonly Announcement[], deadline = Infinity) {
  const limit = pLimit(concurrency);
  /** Parts of the endpoints, each read once for the whole batch. */
  const read = new Map<string, Promise<EndpointPart>>();
  const unhandled = new Map<number, Error>();
  const attempt = <T>(message: number, step: () => Promise<T>): Promise<T | undefined> =>
    step().catch((error: Error) => {
      unhandled.set(message, error);
      return undefined;
    });
  const parts = await Promise.all(
    announcements.map(({ body, after = '' }, message) =>
      attempt(message, async () => {
        const arrival = arrivalOf(body);
        const part = read.get(after) ?? deps.endpoints.after(after, endpointsPerMessage);
        read.set(after, part);
        return createDeliveries(deps, limit, arrival, after, await part, deadline);
      }),
    ),
  );
  const asleep = await wakeUp(deps, parts);
  for (const [message, part] of parts.entries()) {
    // Without a wake-up, no process would look at the delivery: the queue has to bring the message again.
    if (part?.endpoints.some((endpoint) => asleep.has(endpoint)))
      unhandled.set(message, new Error('SQS did not take the wake-up; the queue brings the message again'));
  }
  // Hand on last, so that only a failed message is repeated, and from where it began.
  const handedOn = await Promise.all(
    announcements.map(async ({ body, isUnnoticed }, message) => {
      const part = parts[message];
      if (!part || unhandled.has(message)) return false;
      const { next, isForChats } = part;
      return attempt(message, async () => {
        // The first chat was added during the poll.
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
  // An endpoint that cannot be read may want the event, too: the queue keeps the message for it.
  for (const [message, part] of parts.entries()) if (part?.fault) unhandled.set(message, part.fault);
  return {
    deliveries: parts.reduce((sum, part) => sum + (part?.endpoints.length ?? 0), 0),
    /** Messages whose rest was handed on. */
    handedOn: handedOn.filter(Boolean).length,
    /** Numbers of the messages that failed, with the reason. */
    unhandled: [...unhandled].map(([message, error]) => ({ message, error })),
  };
}

/** Sends each endpoint one wake-up for the whole batch, and returns the endpoints whose wake-ups SQS did not take. */
async function wakeUp(deps: FanOutDependencies, parts: readonly (Part | undefined)[]): Promise<ReadonlySet<string>> {
  const wanted = parts.flatMap((part) => part?.endpoints.map((endpoint) => ({ endpoint, event: part.event })) ?? []);
  const wakeUps = [...Map.groupBy(wanted, ({ endpoint }) => endpoint)].map(([endpoint, some]) => {
    return { endpoint, events: some.map(({ event }) => event) };
  });
  return new Set((await sendWakeUps(deps, wakeUps)).map(({ endpoint }) => endpoint));
}

async function createDeliveries(
  deps: FanOutDependencies,
  limit: LimitFunction,
  arrival: Arrival,
  after: string,
  { endpoints, next, fault }: EndpointPart,
  deadline: Deadline,
) {
  const now = deps.now().getTime();
  const interested = endpoints.filter((endpoint) => isWanted(endpoint, arrival.subject));
  const wanting = interested.filter(({ format }) => kindFor(format) === arrival.kind);
  const isFirst = after === '';
  // Store a notice only if an endpoint wants it; store an event always, since operators can query it.
  if (isFirst && arrival.kind === 'event' && wanting.length === 0)
    await limit(() => deps.deliveries.storeEvent(arrival, now));
  // Writes begin in the order of names: those before `end` will finish, those from `end` on never begin.
  let end = wanting.length;
  await limit.map(wanting, async (endpoint, index) => {
    if (index < end && deps.steady() >= deadline) end = index;
    if (index < end) await deps.deliveries.create(arrival, endpoint, now, isFirst && index === 0);
  });
  const done = wanting.slice(0, end).map(({ name }) => name);
  const isCutShort = end < wanting.length;
  if (isCutShort && end === 0) throw new Error(`no time was left for the endpoints after '${after}'`);
  return {
    event: arrival.id,
    /** Endpoints that have a delivery now. */
    endpoints: done,
    /** Endpoint after which to go on; undefined when all are done. */
    next: isCutShort ? done.at(-1) : next,
    /** True when chats among the examined endpoints want the notice of this event. */
    isForChats: wanting.length < interested.length,
    fault,
  };
}

/** Parses an event, which has `data`, or a notice. @throws NoticeError with what was expected, TypeError for `null` */
function arrivalOf(body: string): Arrival {
  const message = jsonOf(body);
  if (message === undefined) throw new NoticeError('expected an event or a notice, but the message is not JSON');
  const { id, type, timestamp, data } = message as Partial<TransferEvent>;
  if (data !== undefined) {
    const { trackingId, mailbox, direction } = data ?? {};
    // DynamoDB takes only non-empty text as the key of an index.
    const isOfTransfer = trackingId === undefined || isTrackingId(trackingId);
    const expected = 'an event with id, type, an ISO 8601 timestamp in UTC, and the id of a transfer if any';
    if (!isName(id) || !isName(type) || !isInstant(timestamp) || !isOfTransfer)
      throw new NoticeError(`expected ${expected}`);
    return { kind: 'event', id, at: timestamp, body, subject: { types: [type], mailbox, direction } };
  }
  const notice = parseNotice(body);
  if (!isName(notice.id)) throw new NoticeError('expected a notice with an id that can be sent in a header');
  return { kind: 'notice', id: notice.id, at: notice.timestamp, body: JSON.stringify(notice), subject: notice };
}

/** True for text that can be a key, part of a filter, and the value of a header. */
const isName = (value: unknown): value is string => typeof value === 'string' && /^[\x21-\x7e]{1,200}$/.test(value);
