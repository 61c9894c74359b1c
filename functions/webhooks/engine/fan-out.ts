import { SendMessageCommand } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import pLimit from 'p-limit';
import { text } from '#functions/events/publish.ts';
import type { TransferEvent } from '#functions/events/transfer-event.ts';
import { jsonOf } from '#functions/parsing/json.ts';
import { isTrackingId } from '#functions/transfers/transfer.ts';
import type { StoredEvent } from '#functions/webhooks/deliveries/deliveries.ts';
import { isWanted, type Subject } from '#functions/webhooks/endpoints/endpoint.ts';
import type { EndpointPart } from '#functions/webhooks/endpoints/endpoints.ts';
import { readerOf, toldAt } from '#functions/webhooks/endpoints/reader.ts';
import { sendWakeUps } from '#functions/webhooks/endpoints/wake-ups.ts';
import type { FanOutDependencies } from './dependencies.ts';

export interface Announcement {
  readonly body: string;
  /** Name after which fan-out goes on; the endpoints before it are done. */
  readonly after?: string | undefined;
}

/** Message attribute with the name after which to go on. An attribute leaves the published bytes as they are. */
const afterAttribute = 'endpointsAfter';

/** Parses a message from a topic, or from fan-out itself. */
export const announcementOf = ({ body, messageAttributes: sent }: Pick<SQSRecord, 'body' | 'messageAttributes'>) => {
  return { body, after: sent[afterAttribute]?.stringValue };
};

export type FanOut = Readonly<Awaited<ReturnType<typeof fanOut>>>;

/** Endpoints examined per message. A batch of ten creates up to 500 deliveries, in some 5 of the function's 30 s. */
export const endpointsPerMessage = 50;

/** Rows written at once, over all messages of a batch. */
const concurrency = 32;

type Arrival = StoredEvent & { readonly subject: Subject; readonly type: string };

/**
 * Stores each event with a delivery for every endpoint that wants it now, and wakes these endpoints, those of people at
 * their time. It takes a bounded number of endpoints for each message, by name, until the deadline. With the rest, the
 * message goes to the end of the queue. Idempotent: existing rows stay as they are.
 */
export async function fanOut(deps: FanOutDependencies, announcements: readonly Announcement[], deadline = Infinity) {
  const limit = pLimit(concurrency);
  /** Parts of the endpoints, each read once for the whole batch. */
  const read = new Map<string, Promise<EndpointPart>>();
  const unhandled = new Map<number, Error>();

  async function createDeliveries({ body, after = '' }: Announcement) {
    const arrival = arrivalOf(body);
    const part = read.get(after) ?? deps.endpoints.after(after, endpointsPerMessage);
    read.set(after, part);
    const { endpoints, next, fault } = await part;
    const now = deps.now().getTime();
    const wanting = endpoints
      .filter((endpoint) => isWanted(endpoint, arrival.subject))
      .map((endpoint) => ({ endpoint, reader: readerOf(endpoint) }))
      .map(({ endpoint, reader }) => ({ endpoint, waitsUntil: reader && toldAt(reader, arrival.type, now) }));
    const isFirst = after === '';
    // An event that no endpoint wants is stored, too, since operators can query it.
    if (isFirst && wanting.length === 0) await limit(() => deps.deliveries.storeEvent(arrival, now));
    // Writes begin in the order of names: those before `end` will finish, those from `end` on never begin.
    let end = wanting.length;
    const create = async ({ endpoint, waitsUntil }: (typeof wanting)[number], index: number) => {
      if (index < end && deps.steady() >= deadline) end = index;
      if (index < end) await deps.deliveries.create(arrival, endpoint, now, isFirst && index === 0, waitsUntil);
    };
    // The first lists the event. A crash must not leave others that a repetition would find in its place.
    await limit.map(wanting.slice(0, 1), create);
    await limit.map(wanting.slice(1), (one, index) => create(one, index + 1));
    const done = wanting.slice(0, end).map(({ endpoint: { name }, waitsUntil }) => ({ name, waitsUntil }));
    const isCutShort = end < wanting.length;
    if (isCutShort && end === 0) throw new Error(`no time was left for the endpoints after '${after}'`);
    return {
      event: arrival.id,
      /** Endpoints that have a delivery now, those of people with the time (Unix ms) until which it waits. */
      endpoints: done,
      /** Endpoint after which to go on; undefined when all are done. */
      next: isCutShort ? done.at(-1)?.name : next,
      fault,
    };
  }

  const attempt = <T>(message: number, step: () => Promise<T>): Promise<T | undefined> =>
    step().catch((error: Error) => {
      unhandled.set(message, error);
      return undefined;
    });
  const parts = await Promise.all(announcements.map((one, message) => attempt(message, () => createDeliveries(one))));
  const wanted = parts.flatMap((part) => part?.endpoints.map((one) => ({ ...one, event: part.event })) ?? []);
  // One wake-up for the whole batch. If it comes after the longest delay of SQS, the sweep finds the deliveries.
  const wakeUps = [...Map.groupBy(wanted, ({ name }) => name)].map(([endpoint, some]) => ({
    endpoint,
    events: some.map(({ event }) => event),
    // Those that wait for nothing are due since long ago.
    at: Math.min(...some.map(({ waitsUntil = 0 }) => waitsUntil)),
  }));
  const asleep = new Set((await sendWakeUps(deps, wakeUps)).map(({ endpoint }) => endpoint));
  for (const [message, part] of parts.entries()) {
    // Without a wake-up, no process would look at the delivery: the queue has to bring the message again.
    if (part?.endpoints.some(({ name }) => asleep.has(name)))
      unhandled.set(message, new Error('SQS did not take the wake-up; the queue brings the message again'));
  }
  // Hand on last, so that only a failed message is repeated, and from where it began.
  const { sqs, url } = deps.announcements;
  const handedOn = await Promise.all(
    announcements.map(async ({ body }, number) => {
      const after = parts[number]?.next;
      if (after === undefined || unhandled.has(number)) return false;
      const message = { QueueUrl: url, MessageBody: body, MessageAttributes: { [afterAttribute]: text(after) } };
      return attempt(number, () => sqs.send(new SendMessageCommand(message)).then(() => true));
    }),
  );
  // An endpoint that cannot be read may want the event, too: the queue keeps the message for it.
  for (const [message, part] of parts.entries()) if (part?.fault) unhandled.set(message, part.fault);
  return {
    deliveries: parts.reduce((sum, part) => sum + (part?.endpoints.length ?? 0), 0),
    handedOn: handedOn.filter(Boolean).length,
    /** Numbers of the messages that failed, with the reason. */
    unhandled: [...unhandled].map(([message, error]) => ({ message, error })),
  };
}

/** Thrown for a message that is no event. It has no `cause`, because that of `JSON.parse` quotes the message. */
class MalformedEventError extends Error {
  override readonly name = 'MalformedEventError';
}

/** Parses an event. @throws MalformedEventError with what was expected */
function arrivalOf(body: string): Arrival {
  const { id, type, timestamp, data } = Object(jsonOf(body)) as Partial<TransferEvent>;
  const { trackingId, mailbox, direction } = data ?? {};
  // DynamoDB takes only non-empty text as the key of an index.
  const isOfTransfer = trackingId === undefined || isTrackingId(trackingId);
  if (!data || !isName(id) || !isName(type) || !isInstant(timestamp) || !isOfTransfer) {
    const expected = 'an event with id, type, an ISO 8601 timestamp in UTC, data, and the id of a transfer if any';
    throw new MalformedEventError(`expected ${expected}`);
  }
  return { kind: 'event', id, at: timestamp, body, type, subject: { types: [type], mailbox, direction } };
}

/** True for text that can be a key, part of a filter, and the value of a header. */
const isName = (value: unknown): value is string => typeof value === 'string' && /^[\x21-\x7e]{1,200}$/.test(value);

/** True for a time in the form of all events, `2026-11-24T00:15:03.120Z`, which sorts as text. */
function isInstant(value: unknown): value is string {
  const isForm = typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value);
  return isForm && !Number.isNaN(Date.parse(value));
}
