import * as z from 'zod/mini';
import { dayMs, daysText } from '#functions/clock/retention.ts';
import type { Item } from '#functions/dynamodb/row.ts';
import { isOfType } from '#functions/events/catalogue.ts';
import { type OperatorDependencies, operation } from '#functions/operator/api/operation.ts';
import { cursorOf, pageOf, pageQuery, placeOf } from '#functions/operator/api/page.ts';
import { badCursor, existing } from '#functions/operator/api/problem.ts';
import { direction, eventId, iso, spanOf, time, trackingId } from '#functions/operator/api/schemas.ts';
import { addressKey } from '#functions/transfers/address-key.ts';
import { address as mailbox } from '#functions/transfers/mailbox-address.ts';
import { daysOf, newestFirst, type Span } from '#functions/webhooks/deliveries/delivery.ts';
import { storedEventOf } from '#functions/webhooks/deliveries/stored-events.ts';
import { beginAt, pull, pullPlaceOf } from './pulls.ts';
import { eventsOfTransfer, type ShownEvent, shownEvent, traceOf } from './traces.ts';

const read = (row: Item): ShownEvent => shownEvent(storedEventOf(row).body);

/** Types or patterns, separated by commas. */
const typesForm = /^(?:[a-z_]{1,40}\.(?:[a-z_]{1,40}|\*)(?:,(?!$)|$)){1,30}$/;
const expectedTypes = 'expected types such as transfer.failed or watch.*, with commas between them';
const types = z.string().check(z.regex(typesForm, expectedTypes));

const query = z
  .strictObject({
    ...pageQuery,
    ...z.partial(z.strictObject({ from: time, until: time, type: types, mailbox, direction, trackingId })).shape,
    /** Begins a pull with the events stored since this time. */
    after: z.optional(time),
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
      const { after, cursor, limit, waitSeconds, ...filter } = input;
      const begin = after === undefined ? pullPlaceOf(cursor, filter) : beginAt(iso(Date.parse(after)));
      if (!begin) return listEvents(deps, input);
      const isWanted = matcher(input);
      const wanted = (row: Item) => [read(row)].find(isWanted);
      return pull(deps, begin, filter, { limit, wanted }, { waitSeconds, deadline });
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
