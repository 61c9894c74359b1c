import * as z from 'zod/mini';
import { dayMs, daysText } from '#functions/clock/retention.ts';
import { isOfType } from '#functions/events/catalogue.ts';
import { type OperatorDependencies, operation } from '#functions/operator/api/operation.ts';
import { cursorOf, pageOf, pageQuery, placeOf } from '#functions/operator/api/page.ts';
import { badCursor, existing, notFound } from '#functions/operator/api/problem.ts';
import { direction, eventId, spanOf, time, trackingId } from '#functions/operator/api/schemas.ts';
import { addressKey } from '#functions/transfers/address-key.ts';
import { address as mailbox } from '#functions/transfers/mailbox-address.ts';
import { daysOf, listedAt, newestFirst, type Span } from '#functions/webhooks/deliveries/delivery.ts';
import { storedEventOf, trace } from '#functions/webhooks/deliveries/stored-events.ts';
import { eventsOfTransfer, type ShownEvent, shownEvent, traceOf } from './traces.ts';

/** Milliseconds between two looks for a later event: each look is a query. */
const lookIntervalMs = 1000;

/** Types or patterns, separated by commas. */
const typesForm = /^(?:[a-z_]{1,40}\.(?:[a-z_]{1,40}|\*)(?:,(?!$)|$)){1,30}$/;
const expectedTypes = 'expected types such as transfer.failed or watch.*, with commas between them';
const types = z.string().check(z.regex(typesForm, expectedTypes));

const query = z
  .strictObject({
    ...pageQuery,
    from: z.optional(time),
    until: z.optional(time),
    type: z.optional(types),
    mailbox: z.optional(mailbox),
    direction: z.optional(direction),
    trackingId: z.optional(trackingId),
    /** Id of an event, or a time: lists only later events, the oldest first. */
    after: z.optional(eventId),
    /** Wait for a later event. */
    waitSeconds: z._default(z.coerce.number().check(z.int(), z.minimum(0), z.maximum(20)), 0),
  })
  .check(
    z.refine(({ after, from, until }) => after === undefined || (from === undefined && until === undefined), {
      path: ['after'],
      error: 'expected either after, or from and until',
    }),
  );

const iso = (milliseconds: number): string => new Date(milliseconds).toISOString();

type Query = z.output<typeof query>;

/** Applies all filters except those on time. */
function matcher({ type, mailbox: box, direction: way, trackingId: transfer }: Query): (event: ShownEvent) => boolean {
  const patterns = type?.split(',');
  return ({ type: own, data }) =>
    (patterns === undefined || isOfType(own, patterns)) &&
    (transfer === undefined || data.trackingId === transfer) &&
    (box === undefined || (typeof data.mailbox === 'string' && addressKey(data.mailbox) === addressKey(box))) &&
    (way === undefined || data.direction === way);
}

/** The start after an event or a time. It is an ISO 8601 time, and a place in that day's part of the index. */
async function startAfter({ tables }: OperatorDependencies, after: string) {
  if (time.safeParse(after).success) return { from: iso(Date.parse(after) + 1) };
  const traced = await trace(tables.webhooks, after, 1);
  if (!traced || shownEvent(traced.stored.body).type === 'digest')
    throw notFound(`event ${after}; begin after a time instead`);
  // No id has a blank, so this is the first place after the event's own.
  return { from: traced.stored.eventAt, first: `${listedAt(traced.stored.eventAt, after)} ` };
}

async function listEvents(deps: OperatorDependencies, input: Query) {
  const { trackingId: transfer, after } = input;
  const isWanted = matcher(input);
  const now = deps.webhooks.now().getTime();
  const { from, until } = spanOf({ ...input, until: input.until ?? iso(now + dayMs) });
  const start = after === undefined ? { from } : await startAfter(deps, after);
  // A list with `after` continues by day, since it has no end.
  if (transfer !== undefined && after === undefined) return listOfTransfer(deps, input, transfer, { from, until });
  const days = daysOf('event', { ...start, until }, now, deps.webhooks.deliveries.keptForMs);
  const ranges = after === undefined ? newestFirst(days) : days;
  return pageOf(deps.tables.webhooks, { ranges, read: (row) => shownEvent(storedEventOf(row).body), isWanted }, input);
}

/** Lists the events of a transfer, the newest first. The cursor holds the transfer and an event's place in its day. */
async function listOfTransfer(deps: OperatorDependencies, input: Query, transfer: string, { from, until }: Span) {
  const { limit, cursor } = input;
  const isWanted = matcher(input);
  const place = placeOf(cursor);
  const before = place?.listedAt;
  const isPlace = place?.transfer === transfer && typeof before === 'string' && before >= from && before < until;
  if (place && !(isPlace && Object.keys(place).length === 2)) throw badCursor();
  const events = (await eventsOfTransfer(deps, transfer)).filter(
    ({ event, at }) => at >= from && at < until && (before === undefined || at < before) && isWanted(event),
  );
  const items = events.slice(0, limit).map(({ event }) => event);
  const last = events.length > limit ? events[limit - 1] : undefined;
  return { items, next: last && cursorOf({ transfer, listedAt: last.at }) };
}

export const eventOperations = [
  operation('listEvents', 'GET /events', {
    query,
    async run(deps, { query: input, deadline }) {
      const { steady } = deps.webhooks;
      const waitUntil = Math.min(steady() + input.waitSeconds * 1000, deadline);
      for (;;) {
        const page = await listEvents(deps, input);
        const isLate = steady() + lookIntervalMs > waitUntil;
        if (page.items.length > 0 || page.next !== undefined || input.after === undefined || isLate) return page;
        await deps.sleep(lookIntervalMs);
      }
    },
  }),
  operation('showEvent', 'GET /events/{id}', {
    params: z.strictObject({ id: eventId }),
    async run(deps, { params: { id } }) {
      const keptFor = daysText(deps.webhooks.deliveries.keptForMs);
      return existing(await traceOf(deps, id), `event ${id}; events are kept for ${keptFor}`);
    },
  }),
];
