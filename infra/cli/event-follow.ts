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

/** Ids that are remembered, so that nothing is printed twice. */
const remembered = 10_000;

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
  const seen = new Set<string>();
  let after = since ?? surroundings.now().toISOString();
  let failures = 0;
  if (!output.isJson) output.remark('waiting for events; Ctrl-C ends it');
  while (!stop.aborted) {
    try {
      for await (const event of eventsAfter(session, after)) {
        after = event.id;
        if (seen.has(event.id)) continue;
        remember(seen, event.id);
        if (!types || types.some((pattern) => matches(pattern, event.type))) print(session, event);
      }
      failures = 0;
    } catch (error) {
      if (!(error instanceof CliError) || error.exitCode !== exitCodes.unreachable || (failures += 1) > patience)
        throw error;
    }
    await surroundings.sleep(interval, stop);
  }
}

/** What there is after an event or a time, page by page. */
async function* eventsAfter({ api }: Session, after: string): AsyncGenerator<EventResource> {
  let cursor: string | undefined;
  do {
    const page: Page<EventResource> = await api.get('/events', { after, cursor, limit: '100' });
    yield* page.items;
    cursor = page.next;
  } while (cursor !== undefined);
}

function remember(seen: Set<string>, id: string): void {
  seen.add(id);
  if (seen.size > remembered) for (const oldest of seen) return void seen.delete(oldest);
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
