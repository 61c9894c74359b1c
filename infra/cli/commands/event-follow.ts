import { factWords } from '#functions/notices/event-words.ts';
import { neutral, printable } from '#functions/notices/foreign-text.ts';
import { wordsIn } from '#functions/notices/words/words.ts';
import type { Query } from '#infra/cli/api/client.ts';
import { type FollowedSpan, followEvents } from '#infra/cli/api/event-feed.ts';
import type { EventResource } from '#infra/cli/api/resources.ts';
import type { Session } from '#infra/cli/api/session.ts';
import { timeText } from '#infra/cli/terminal/output.ts';
import { toldEvent } from '#infra/terminal/told-event.ts';
import { subjectOf } from './event-view.ts';

/** Prints each matching event once, until the operator or the end of the span ends it. @throws CliError */
export async function printEvents(session: Session, span: FollowedSpan, filter: Query): Promise<void> {
  const { output, context } = session;
  const stop = context.interrupted();
  if (!output.isJson) output.warning('waiting for events; Ctrl-C ends it');
  await followEvents(session, span, filter, stop, (event) => print(session, event));
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
