import { CliError, exitCodes } from '#infra/cli/terminal/cli-error.ts';
import type { Query } from './client.ts';
import type { EventResource, Page } from './resources.ts';
import type { Session } from './session.ts';

/** Milliseconds between two queries. */
const intervalMs = 2000;

/** Milliseconds by which an event may be stored after its timestamp; each query goes back by this time. */
const lookBackMs = 120_000;

/** Consecutive queries that may fail to reach the operator API. */
const patience = 5;

/** ISO 8601 times of the first and last events to follow. @default from now on, without an end */
export interface FollowedSpan {
  readonly from?: string;
  readonly until?: string;
}

/**
 * Takes each matching event once, in the order of storing, until `stop` aborts or the span is over. Waits for `take`,
 * so a slow taker slows down the queries.
 *
 * @throws CliError when the operator API refuses, or cannot be reached six times in a row
 */
export async function followEvents(
  session: Session,
  { from, until }: FollowedSpan,
  filter: Query,
  stop: AbortSignal,
  take: (event: EventResource) => Promise<void> | void,
): Promise<void> {
  const { context } = session;
  // `after` leaves its own millisecond out, and `from` is included.
  const start = from === undefined ? context.now().toISOString() : new Date(Date.parse(from) - 1).toISOString();
  const end = until === undefined ? Number.POSITIVE_INFINITY : Date.parse(until) + lookBackMs;
  const seen = new Map<string, string>();
  let newest = start;
  let failures = 0;
  while (!stop.aborted) {
    const isLast = context.now().getTime() >= end;
    // A timestamp in the future, from a clock that was ahead, must not hide later events.
    const latest = Math.min(Date.parse(newest), context.now().getTime());
    const back = new Date(latest - lookBackMs).toISOString();
    const after = Date.parse(start) > latest ? back : laterOf(start, back);
    for (const [id, at] of seen) if (at < after) seen.delete(id);
    try {
      for await (const event of eventsAfter(session, { ...filter, after }, stop)) {
        if (seen.has(event.id) || (until !== undefined && event.timestamp >= until)) continue;
        seen.set(event.id, event.timestamp);
        newest = laterOf(newest, event.timestamp);
        await take(event);
      }
      failures = 0;
    } catch (error) {
      if (stop.aborted) return;
      failures += 1;
      const mayPass = error instanceof CliError && error.exitCode === exitCodes.unreachable && failures <= patience;
      if (!mayPass) throw error;
    }
    if (isLast) return;
    await context.sleep(intervalMs, stop);
  }
}

const laterOf = (one: string, other: string): string => (one > other ? one : other);

/** Matching events page by page, the oldest first. */
async function* eventsAfter({ api }: Session, query: Query, stop: AbortSignal): AsyncGenerator<EventResource> {
  let cursor: string | undefined;
  do {
    const page: Page<EventResource> = await api.get('/events', { ...query, cursor, limit: '100' }, stop);
    yield* page.items;
    cursor = page.next;
  } while (cursor !== undefined);
}
