import * as z from 'zod/mini';
import { jsonOf } from '#functions/parsing/json.ts';

const texts = z.array(z.string());

const item = z.object({
  /** What is now the case. */
  words: z.string(),
  trackingId: z.string(),
  /** What was the case before, in parentheses; empty when that is no news. */
  before: z.string(),
});

const notice = z.object({
  /** `ntc_…`, derived from the events it sums up, so a repetition has the same. */
  id: z.string().check(z.startsWith('ntc_')),
  /** ISO 8601 time of the newest of these events. */
  timestamp: z.string().check(z.refine(isInstant)),
  severity: z.literal(['info', 'warning', 'alert']),
  /** Types of all these events. */
  types: texts,
  /** The watch that it is about; both missing when it is about something else. */
  mailbox: z.optional(z.string()),
  direction: z.optional(z.literal(['sent', 'received'])),
  headline: z.string(),
  /** What it tells, before the transfers if it is about some. */
  paragraphs: texts,
  /** Transfers named one by one, the most urgent first; at most 20. */
  items: z.array(item),
  /** Transfers that are only counted. */
  more: z.int(),
});

/** One transfer that a notice names. */
export type NoticeItem = Readonly<z.output<typeof item>>;

/** A notice in its parts, from which every channel makes its own message. */
export type NoticeRecord = Readonly<z.output<typeof notice>>;

/** How urgently a person should look, from routine to harm done. */
export type Severity = NoticeRecord['severity'];

/** Thrown for a message that is no notice; repeats nothing of it, and so has no cause: the one of `JSON.parse` quotes it. */
export class NoticeError extends Error {
  override readonly name = 'NoticeError';
}

/**
 * Reads a notice as a queue gets it: the record as JSON. An SNS that does not choose the text by the subscriber's protocol
 * hands on the texts of all channels; the one under `sqs` is taken.
 *
 * @throws NoticeError that names what is wrong
 */
export function parseNotice(body: string): NoticeRecord {
  const message = parsed(body);
  const { data: texts } = z.object({ sqs: z.string() }).safeParse(message);
  const { data, error } = notice.safeParse(texts ? parsed(texts.sqs) : message);
  if (data) return data;
  // What has no parts at all lacks the first one.
  throw new NoticeError(`expected a notice, but ${String(error.issues[0]?.path[0] ?? 'id')} is missing or wrong`);
}

function parsed(text: string): unknown {
  const value = jsonOf(text);
  if (value === undefined) throw new NoticeError('expected a notice, but the message is not JSON');
  return value;
}

/** Whether it is a time as every event and notice has it: `2026-11-24T00:15:03.120Z`, whose order is that of texts. */
export function isInstant(value: unknown): value is string {
  const isForm = typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value);
  return isForm && !Number.isNaN(Date.parse(value));
}
