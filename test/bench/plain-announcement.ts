import { eventBody, transferEvent } from '#functions/events/transfer-event.ts';
import { publishEvents } from '#functions/notices/publish.ts';
import type { PollDependencies } from '#functions/poll/dependencies.ts';
import type { State, Watch } from '#functions/transfers/transfer.ts';

/** A transfer's new state beside the one stored before. */
export interface PlainChange {
  readonly trackingId: string;
  readonly state: State;
  readonly previousState: State;
}

/** Publishes an event for each change, through the project's own code, so that SNS costs everyone the same. */
export async function announce(
  { origin, topics, now }: PollDependencies,
  watch: Watch,
  changes: readonly PlainChange[],
): Promise<void> {
  const observedAt = now().toISOString();
  const events = changes.map((change) => transferEvent(origin, watch, { ...change, sequence: 1 }, observedAt));
  const { error } = await publishEvents(topics, events.map(eventBody));
  if (error) throw error;
}
