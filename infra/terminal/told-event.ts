import type { EventType } from '#functions/events/catalogue.ts';
import type { ToldEvent } from '#functions/notices/digest.ts';

/** An event of the operator API or of a run. Another version may have stored a type that this one does not know. */
interface ShownEvent {
  readonly id: string;
  readonly type: string;
  readonly timestamp: string;
  readonly data: object;
}

/** Prepares an event for the words of notices, which have words for an unknown type as well. */
export const toldEvent = ({ type, data, ...event }: ShownEvent): ToldEvent => ({
  ...event,
  type: type as EventType,
  data: { ...data },
});
