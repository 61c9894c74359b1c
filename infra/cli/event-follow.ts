import { CliError, exitCodes } from './cli-error.ts';
import { subjectOf } from './event-view.ts';
import { plain, timeText } from './output.ts';
import type { EventResource, Page } from './resources.ts';
import type { Session } from './session.ts';

/** What is to be followed. */
export interface FollowOptions {
  /** ISO 8601; without it, from now on. */
  readonly since?: string;
  readonly type?: readonly string[];
}

/** Milliseconds between looks. */
const interval = 2000;

/** Milliseconds for which an event may be stored after its time: each look goes back so far. */
const lookBack = 120_000;

/** Looks in a row that may fail because the operator API is not reached. */
const patience = 5;

/**
 * Prints each event once, as it comes, until a person ends it.
 *
 * @throws CliError when the operator API refuses, or is not reached for a while
 */
export async function followEvents(session: Session, { since, type: types }: FollowOptions): Promise<void> {
  const { output, surroundings } = session;
  const stop = surroundings.interrupted();
  const start = since ?? surroundings.now().toISOString();
  const seen = new Map<string, string>();
  let newest = start;
  let failures = 0;
  if (!output.isJson) output.remark('waiting for events; Ctrl-C ends it');
  while (!stop.aborted) {
    // What is dated later than now, by a clock that was ahead here or there, must not hide what comes.
    const latest = Math.min(Date.parse(newest), surroundings.now().getTime());
    const back = new Date(latest - lookBack).toISOString();
    const after = Date.parse(start) > latest ? back : laterOf(start, back);
    for (const [id, at] of seen) if (at < after) seen.delete(id);
    try {
      for await (const event of eventsAfter(session, after, stop)) {
        if (seen.has(event.id)) continue;
        seen.set(event.id, event.timestamp);
        newest = laterOf(newest, event.timestamp);
        if (!types || types.some((pattern) => matches(pattern, event.type))) print(session, event);
      }
      failures = 0;
    } catch (error) {
      if (stop.aborted) return;
      failures += 1;
      const mayPass = error instanceof CliError && error.exitCode === exitCodes.unreachable && failures <= patience;
      if (!mayPass) throw error;
    }
    await surroundings.sleep(interval, stop);
  }
}

const laterOf = (one: string, other: string): string => (one > other ? one : other);

/** What there is after a time, page by page, the oldest first. */
async function* eventsAfter({ api }: Session, after: string, stop: AbortSignal): AsyncGenerator<EventResource> {
  let cursor: string | undefined;
  do {
    const page: Page<EventResource> = await api.get('/events', { after, cursor, limit: '100' }, stop);
    yield* page.items;
    cursor = page.next;
  } while (cursor !== undefined);
}

const matches = (pattern: string, type: string): boolean =>
  pattern.endsWith('.*') ? type.startsWith(pattern.slice(0, -1)) : type === pattern;

function print({ output }: Session, event: EventResource): void {
  output.item(event, () => {
    const { state, previousState, mailbox, direction } = event.data;
    const change = typeof state === 'string' ? `${previousState ?? 'new'} → ${state}` : '';
    const whose = typeof mailbox === 'string' ? `${direction} by ${mailbox}` : '';
    const parts = [event.type, subjectOf(event), change, whose, event.id].filter(Boolean);
    return `${output.paint('gray', timeText(event.timestamp) ?? '')}  ${plain(parts.join('  '))}`;
  });
}
