import * as z from 'zod/mini';
import { severities } from '#functions/events/catalogue.ts';
import { jsonOf } from '#functions/parsing/json.ts';

const texts = z.array(z.string());

const item = z.object({
  words: z.string(),
  trackingId: z.string(),
  /** The previous state, or a detail such as a time, in parentheses; `''` when there is none. */
  before: z.string(),
});

const notice = z.object({
  /** `ntc_…`, derived from its events, so that a repetition has the same id. */
  id: z.string().check(z.startsWith('ntc_')),
  /** ISO 8601 time of its newest event. */
  timestamp: z.string().check(z.refine(isInstant)),
  severity: z.literal(severities),
  types: texts,
  /** The watch with `direction`; both are missing for other subjects. */
  mailbox: z.optional(z.string()),
  direction: z.optional(z.literal(['sent', 'received'])),
  headline: z.string(),
  /** Text that precedes the transfers. */
  paragraphs: texts,
  /** Named transfers, the most urgent first; at most 20. */
  items: z.array(item),
  more: z.int(),
});

export type NoticeItem = Readonly<z.output<typeof item>>;

export type NoticeRecord = Readonly<z.output<typeof notice>>;

/** Thrown for a malformed notice. It has no `cause`, because that of `JSON.parse` quotes the message. */
export class NoticeError extends Error {
  override readonly name = 'NoticeError';
}

/**
 * Parses a notice from a queue: the record as JSON. An SNS that does not select the text by protocol passes on the
 * texts of all channels. Then the text under `sqs` counts.
 *
 * @throws NoticeError that names the missing or wrong part
 */
export function parseNotice(body: string): NoticeRecord {
  const message = parsed(body);
  const { data: texts } = z.object({ sqs: z.string() }).safeParse(message);
  const { data, error } = notice.safeParse(texts ? parsed(texts.sqs) : message);
  if (data) return data;
  // A message that is no object has no path and lacks the first part.
  throw new NoticeError(`expected a notice, but ${String(error.issues[0]?.path[0] ?? 'id')} is missing or wrong`);
}

function parsed(text: string): unknown {
  const value = jsonOf(text);
  if (value === undefined) throw new NoticeError('expected a notice, but the message is not JSON');
  return value;
}

/** True for a time in the form of all events and notices, `2026-11-24T00:15:03.120Z`, which sorts as text. */
export function isInstant(value: unknown): value is string {
  const isForm = typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value);
  return isForm && !Number.isNaN(Date.parse(value));
}
