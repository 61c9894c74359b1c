import * as z from 'zod/mini';
import { topicNames } from '#functions/operator/operations/services.ts';

const [text, flag, int] = [z.string(), z.boolean(), z.int()];
const optionalText = z.optional(text);

/** A count with a limit; `more` is true beyond it. */
const counted = z.strictObject({ count: int, more: flag });

/** Schema of the answer that shows watches, polls, endpoints and deliveries in numbers. */
export const status = z.strictObject({
  version: text,
  server: text,
  watches: z.strictObject({ all: int, failing: int, disabled: int }),
  /**
   * The last tick with a poll; `late` watches were not polled for five minutes though they were due. The last polls of
   * `incomplete` watches listed them incompletely or not at all, the first one since `incompleteSince`.
   */
  polls: z.strictObject({ lastAt: optionalText, late: int, incomplete: int, incompleteSince: optionalText }),
  /** Causes for which polls fail, each with the message of one watch; `isAnnounced` once operators must be told. */
  causes: z.array(z.strictObject({ cause: text, watches: int, since: text, isAnnounced: flag, message: text })),
  endpoints: z.strictObject({ active: int, paused: int, disabled: int, failing: int }),
  /** `oldestOverdueMs` counts from when the oldest overdue delivery became due. */
  deliveries: z.strictObject({ waiting: counted, held: counted, oldestOverdueMs: z.number() }),
});

/** Schema of the answer about tables, queues and topics. */
export const services = z.strictObject({
  tables: z.array(z.strictObject({ name: z.enum(['transfers', 'webhooks']), problem: optionalText })),
  /** `inProgress` counts messages being processed and messages that wait for a retry. */
  queues: z.array(z.strictObject({ name: text, waiting: int, inProgress: int, problem: optionalText })),
  topics: z.array(
    z.strictObject({ name: z.enum(topicNames), subscriptions: int, unconfirmed: int, problem: optionalText }),
  ),
});
