import * as z from 'zod/mini';
import type { Deadline } from '#functions/clock/instants.ts';
import { dayMs, daysText } from '#functions/clock/retention.ts';
import type { Item } from '#functions/dynamodb/row.ts';
import { isOfType } from '#functions/events/catalogue.ts';
import { factId } from '#functions/events/event-id.ts';
import { type OperatorDependencies, operation } from '#functions/operator/api/operation.ts';
import { cursorOf, pageOf, pageQuery, placeOf } from '#functions/operator/api/page.ts';
import { badCursor, existing } from '#functions/operator/api/problem.ts';
import { direction, eventId, flag, iso, spanOf, time, trackingId } from '#functions/operator/api/schemas.ts';
import { addressKey } from '#functions/transfers/address-key.ts';
import { address as mailbox } from '#functions/transfers/mailbox-address.ts';
import { daysOf, newestFirst, type Span } from '#functions/webhooks/deliveries/delivery.ts';
import { type PullPlace, pullEvents } from '#functions/webhooks/deliveries/pull.ts';
import { storedEventOf } from '#functions/webhooks/deliveries/stored-events.ts';
import { eventsOfTransfer, type ShownEvent, shownEvent, traceOf } from './traces.ts';

/** Milliseconds between two looks for a later event: each look is two queries. */
const lookIntervalMs = 1000;

/** Looks among earlier events, of which none is wanted, for one answer. */
const mostLooksBack = 10;

const read = (row: Item): ShownEvent => shownEvent(storedEventOf(row).body);

const typesForm = /^(?:[a-z_]{1,40}\.(?:[a-z_]{1,40}|\*)(?:,(?!$)|$)){1,30}$/;
const expectedTypes = 'expected types such as transfer.failed or watch.*, with commas between them';
const types = z.string().check(z.regex(typesForm, expectedTypes));

const query = z
  .strictObject({
    ...pageQuery,
    ...z.partial(z.strictObject({ from: time, until: time, type: types, mailbox, direction, trackingId })).shape,
    /** Begins a pull with the events since this time; one in the future counts as now. */
    after: z.optional(time),
    /** Pulls an event again when an operator has it delivered again. */
    resends: z.optional(flag),
    /** Waits for an event of a pull. */
    waitSeconds: z._default(z.coerce.number().check(z.int(), z.minimum(0), z.maximum(20)), 0),
  })
  .check(
    z.refine(({ after, from, until, cursor }) => after === undefined || (from ?? until ?? cursor) === undefined, {
      path: ['after'],
      error: 'expected either after, or from and until, or the cursor of a pull',
    }),
  );

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

async function listEvents(deps: OperatorDependencies, input: Query) {
  const { trackingId: transfer } = input;
  const now = deps.webhooks.now().getTime();
  const span = spanOf({ ...input, until: input.until ?? iso(now + dayMs) });
  if (transfer !== undefined) return listOfTransfer(deps, input, transfer, span);
  const ranges = newestFirst(daysOf('event', span, now, deps.webhooks.deliveries.keptForMs));
  return pageOf(deps.tables.webhooks, { ranges, read, isWanted: matcher(input) }, input);
}

const isPlace = z.refine<string>((place) => time.safeParse(place.slice(0, 24)).success);
/** Beside these, what a pull has seen. */
const pullCursor = z.catchall(z.object({ filter: z.string(), start: time, at: z.string().check(isPlace) }), z.number());

/** Place in the cursor of a pull; undefined without one. Other filters would have seen other events. */
function pulledOf(cursor: string | undefined, filter: string): PullPlace | undefined {
  const place = placeOf(cursor);
  if (place?.filter === undefined) return undefined;
  const { data } = pullCursor.safeParse(place);
  if (data?.filter !== filter) throw badCursor();
  const { filter: _, start, at, ...seen } = data;
  return { start, at, seen };
}

async function pull(deps: OperatorDependencies, input: Query, begin: PullPlace, filter: string, deadline: Deadline) {
  const { steady, now, deliveries } = deps.webhooks;
  const isWanted = matcher(input);
  const wanted = (row: Item) => [read(row)].find(isWanted);
  const kinds = input.resends === 'true' ? (['late', 'again'] as const) : (['late'] as const);
  const waitUntil = Math.min(steady() + input.waitSeconds * 1000, deadline);
  let place = begin;
  for (let looks = 1; ; looks += 1) {
    const terms = { limit: input.limit, keptForMs: deliveries.keptForMs, kinds, wanted };
    const { items, next, isBehind } = await pullEvents(deps.tables.webhooks, place, terms, now().getTime());
    const { start, at, seen } = next;
    const isOver = isBehind ? looks >= mostLooksBack : steady() + lookIntervalMs > waitUntil;
    if (items.length > 0 || isOver) return { items, next: cursorOf({ filter, start, at, ...seen }) };
    place = next;
    if (!isBehind) await deps.sleep(lookIntervalMs);
  }
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
    run(deps, { query: input, deadline }) {
      const { after, cursor, limit, waitSeconds, ...filters } = input;
      const filter = factId('pull', JSON.stringify(filters));
      const start = after && iso(Math.min(Date.parse(after), deps.webhooks.now().getTime()));
      const begin = start ? { start, at: start, seen: {} } : pulledOf(cursor, filter);
      return begin ? pull(deps, input, begin, filter, deadline) : listEvents(deps, input);
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
