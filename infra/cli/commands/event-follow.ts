import { factWords } from '#functions/notices/event-words.ts';
import { neutral, printable } from '#functions/notices/foreign-text.ts';
import { wordsIn } from '#functions/notices/words/words.ts';
import type { Query } from '#infra/cli/api/client.ts';
import type { EventResource, Page } from '#infra/cli/api/resources.ts';
import type { Session } from '#infra/cli/api/session.ts';
import { CliError, exitCodes } from '#infra/cli/terminal/cli-error.ts';
import { timeText } from '#infra/cli/terminal/output.ts';
import { toldEvent } from '#infra/terminal/told-event.ts';
import { subjectOf } from './event-view.ts';

/** Milliseconds between two queries. */
const intervalMs = 2000;

/** Milliseconds by which an event may be stored after its timestamp; each query goes back by this time. */
const lookBackMs = 120_000;

/** Consecutive queries that may fail to reach the operator API. */
const patience = 5;

/** Prints each matching event once, until the operator or `until` ends it. @throws CliError */
export async function followEvents(
  session: Session,
  { from, until }: { readonly from?: string; readonly until?: string },
  filter: Query,
): Promise<void> {
  const { output, context } = session;
  const stop = context.interrupted();
  const start = from ?? context.now().toISOString();
  const end = until === undefined ? Number.POSITIVE_INFINITY : Date.parse(until) + lookBackMs;
  const seen = new Map<string, string>();
  let newest = start;
  let failures = 0;
  if (!output.isJson) output.warning('waiting for events; Ctrl-C ends it');
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
        print(session, event);
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

function print({ output }: Session, event: EventResource): void {
  output.item(event, () => {
    const { state, previousState, mailbox, direction } = event.data;
    const { words } = factWords(wordsIn('en'), toldEvent(event)) ?? {};
    const change = typeof state === 'string' ? neutral(words ?? `${previousState ?? 'new'} → ${state}`) : '';
    const whose = typeof mailbox === 'string' ? `${direction} by ${mailbox}` : '';
    const parts = [event.type, subjectOf(event), change, whose, event.id].filter(Boolean);
    return `${output.paint('gray', timeText(event.timestamp) ?? '')}  ${printable(parts.join('  '))}`;
  });
}
