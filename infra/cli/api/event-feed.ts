import { settledAfterMs } from '#functions/webhooks/deliveries/delivery.ts';
import { CliError, exitCodes } from '#infra/cli/terminal/cli-error.ts';
import type { Query } from './client.ts';
import type { EventResource, Page } from './resources.ts';
import type { Session } from './session.ts';

/** Milliseconds between two pulls while nothing comes. */
const intervalMs = 2000;

/** Consecutive queries that may fail to reach the operator API. */
const patience = 5;

/** ISO 8601 times of the first and last events to follow. @default from now on, without an end */
export interface FollowedSpan {
  readonly from?: string;
  readonly until?: string;
}

/**
 * Takes each matching event once, in the order of storing, until `stop` aborts or the span is over. Waits for `take`,
 * so a slow taker slows down the pulls.
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
  const { api, context } = session;
  // By then, a pull has given all that was stored until the end.
  const end = until === undefined ? Number.POSITIVE_INFINITY : Date.parse(until) + settledAfterMs;
  let place: Query = { after: new Date(from ?? context.now()).toISOString() };
  let failures = 0;
  while (!stop.aborted) {
    const isLast = context.now().getTime() >= end;
    try {
      const page: Page<EventResource> = await api.get('/events', { ...filter, ...place, limit: '100' }, stop);
      for (const event of page.items) if (until === undefined || event.timestamp < until) await take(event);
      place = { cursor: page.next };
      failures = 0;
      if (page.items.length > 0) continue;
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
