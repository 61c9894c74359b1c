import * as z from 'zod/mini';
import { getRows, rowName } from '../batches.ts';
import { addressKey, address as mailbox } from '../mailbox-address.ts';
import type { Item } from '../table.ts';
import { retention } from '../webhooks/deliveries.ts';
import { dayOf, eventKey } from '../webhooks/delivery.ts';
import { type IndexRange, type Place, walk } from '../webhooks/index-walk.ts';
import { indexes } from '../webhooks/waiting.ts';
import { canonical, direction, eventId, type OperatorDependencies, operation, time } from './operation.ts';
import { cursorOf, pageQuery, placeOf } from './page.ts';
import { missing } from './problem.ts';
import { shownEvent, traceOf } from './traces.ts';

const day = 86_400_000;

/** Milliseconds from one look for new events to the next. */
const lookInterval = 1000;

/** One type or several with commas between them, each perhaps a pattern. */
const types = z
  .string()
  .check(
    z.regex(
      /^(?:[a-z_]{1,40}\.(?:[a-z_]{1,40}|\*)(?:,(?!$)|$)){1,30}$/,
      'expected types such as transfer.failed or watch.*, with commas between them',
    ),
  );

const query = z
  .strictObject({
    ...pageQuery,
    from: z.optional(time),
    until: z.optional(time),
    type: z.optional(types),
    mailbox: z.optional(mailbox),
    direction: z.optional(direction),
    trackingId: z.optional(z.string().check(z.regex(/^[\x21-\x7e]{1,200}$/, 'expected a tracking id'))),
    /** Id of an event, or a time: only what came after, the oldest first. */
    after: z.optional(eventId),
    /** Seconds to wait for something to come after. */
    wait: z._default(z.coerce.number().check(z.int(), z.minimum(0), z.maximum(20)), 0),
  })
  .check(
    z.refine(({ after, from, until }) => after === undefined || (from === undefined && until === undefined), {
      path: ['after'],
      error: 'expected either after, or from and until',
    }),
  );

interface Range {
  /** ISO 8601; from the first on, before the second. */
  readonly from: string;
  readonly until: string;
}

/** What has expired need not be asked for; nothing is of the day after tomorrow. */
function kept({ from, until }: Range, now: number): Range {
  const earliest = iso(now - retention * 1000 - day);
  const latest = iso(now + day);
  return { from: from > earliest ? from : earliest, until: until < latest ? until : latest };
}

/** The days of a range, the oldest first. */
function daysOf({ from, until }: Range, isDescending: boolean): IndexRange[] {
  const days: IndexRange[] = [];
  for (let at = Date.parse(`${dayOf(from)}T00:00:00Z`); iso(at) < until; at += day) {
    days.push({
      index: indexes.byDay,
      partition: ['day', dayOf(iso(at))],
      sort: ['at', from, until],
      isDescending,
    });
  }
  return isDescending ? days.reverse() : days;
}

const iso = (milliseconds: number): string => new Date(milliseconds).toISOString();

/** Whether an event is wanted, by all that it is asked for but its time. */
function matcher({ type, mailbox: box, direction: way, trackingId }: z.output<typeof query>): (row: Item) => boolean {
  const patterns = type?.split(',');
  const isOfType = (own: string) =>
    patterns!.some((one) => (one.endsWith('*') ? own.startsWith(one.slice(0, -1)) : one === own));
  return (row) => {
    if (patterns && !((row.types ?? []) as string[]).some(isOfType)) return false;
    if (trackingId !== undefined && row.trackingId !== trackingId) return false;
    if (box === undefined && way === undefined) return true;
    const { mailbox: own, direction: ownWay } = shownEvent(row).data;
    const isOfMailbox = box === undefined || (typeof own === 'string' && addressKey(own) === addressKey(box));
    return isOfMailbox && (way === undefined || ownWay === way);
  };
}

/** Where to begin after an event, or after a time. */
async function startAfter({ webhooks }: OperatorDependencies, after: string): Promise<{ from: string; place?: Place }> {
  // Of a time, the next millisecond is the first one after.
  if (time.safeParse(after).success) return { from: iso(Date.parse(after) + 1) };
  const key = eventKey(after);
  const row = (await getRows(webhooks.dynamo, webhooks.table, [key])).get(rowName(key));
  if (row?.day === undefined) throw missing(`event ${after}; begin after a time instead`);
  return { from: row.at, place: { ...key, day: row.day, at: row.at } };
}

async function listEvents(deps: OperatorDependencies, asked: z.output<typeof query>) {
  const { webhooks } = deps;
  const { limit, cursor, trackingId, after } = asked;
  const isWanted = matcher(asked);
  const now = webhooks.now().getTime();
  const start = after === undefined ? undefined : await startAfter(deps, after);
  const from = start?.from ?? canonical(asked.from ?? iso(0));
  const until = canonical(asked.until ?? iso(now + day));
  const range = kept({ from, until }, now);
  const isDescending = after === undefined;
  const ofTransfer = (id: string): IndexRange => ({
    index: indexes.byTransfer,
    partition: ['trackingId', id],
    sort: ['at', range.from, range.until],
    isDescending,
  });
  const isThere = range.from < range.until;
  // A following list goes on by day: the place of the event it begins after is one there.
  const byTransfer = trackingId !== undefined && after === undefined;
  const ranges = byTransfer ? [ofTransfer(trackingId)] : daysOf(range, isDescending);
  const { rows, next } = await walk(webhooks.dynamo, webhooks.table, {
    ranges: isThere ? ranges : [],
    matches: (row) => row.at >= range.from && row.at < range.until && isWanted(row),
    after: placeOf(cursor) ?? (isThere ? start?.place : undefined),
    limit,
  });
  return { items: rows.map(shownEvent), ...(next && { next: cursorOf(next) }) };
}

export const eventOperations = [
  operation({
    id: 'listEvents',
    method: 'GET',
    path: '/events',
    summary:
      'Lists events, the newest first; with after, those that came after an event or a time, the oldest first. Events are stored some seconds after their time, so who follows them looks back a little and drops known ids',
    query,
    status: 200,
    failures: [404],
    async run(deps, { query: asked, stopAt }) {
      const { steady } = deps.webhooks;
      const waitUntil = Math.min(steady() + asked.wait * 1000, stopAt);
      for (;;) {
        const page = await listEvents(deps, asked);
        const isLate = steady() + lookInterval > waitUntil;
        if (page.items.length > 0 || page.next !== undefined || asked.after === undefined || isLate) return page;
        await deps.sleep(lookInterval);
      }
    },
  }),
  operation({
    id: 'showEvent',
    method: 'GET',
    path: '/events/{id}',
    summary: 'Shows an event, or a notice, with its deliveries and their attempts',
    params: z.strictObject({ id: eventId }),
    status: 200,
    failures: [404],
    async run(deps, { params: { id } }) {
      const { event, deliveries, hasMore } = await traceOf(deps, id);
      if (!event) throw missing(`event ${id}; events are kept for 30 days`);
      return { ...shownEvent(event), deliveries: [...deliveries], ...(hasMore && { hasMoreDeliveries: true }) };
    },
  }),
];
