import type { Direction } from '../transfers/transfer.ts';

/** How urgently a person should look, from routine to harm done. */
export type Severity = 'info' | 'warning' | 'alert';

/** One transfer that a notice names. */
export interface NoticeItem {
  /** What is now the case. */
  readonly words: string;
  readonly trackingId: string;
  /** What was the case before, in parentheses; empty when that is no news. */
  readonly before: string;
}

/** A notice in its parts, from which every channel makes its own message. */
export interface NoticeRecord {
  /** `ntc_…`, derived from the events it sums up, so a repetition has the same. */
  readonly id: string;
  /** ISO 8601 time of the newest of these events. */
  readonly timestamp: string;
  readonly severity: Severity;
  /** Types of all these events. */
  readonly types: readonly string[];
  /** The watch that it is about; both missing when it is about something else. */
  readonly mailbox?: string;
  readonly direction?: Direction;
  readonly headline: string;
  /** What it tells, before the transfers if it is about some. */
  readonly paragraphs: readonly string[];
  /** Transfers named one by one, the most urgent first; at most 20. */
  readonly items: readonly NoticeItem[];
  /** Transfers that are only counted. */
  readonly more: number;
}

/** Thrown for a message that is no notice; repeats nothing of it, and so has no cause: the one of `JSON.parse` quotes it. */
export class NoticeError extends Error {
  override readonly name = 'NoticeError';
}

/** What each part of a notice must be. */
const parts: { readonly [Part in keyof Required<NoticeRecord>]: (value: unknown) => boolean } = {
  id: (value) => isText(value) && value.startsWith('ntc_'),
  timestamp: isInstant,
  severity: (value) => value === 'info' || value === 'warning' || value === 'alert',
  types: isListOf(isText),
  mailbox: (value) => value === undefined || isText(value),
  direction: (value) => value === undefined || value === 'sent' || value === 'received',
  headline: isText,
  paragraphs: isListOf(isText),
  items: isListOf((item) => ['words', 'trackingId', 'before'].every((part) => isText(partsOf(item)[part]))),
  more: Number.isSafeInteger,
};

/**
 * Reads a notice as a queue gets it: the record as JSON. An SNS that does not choose the text by the subscriber's protocol
 * hands on the texts of all channels; the one under `sqs` is taken.
 *
 * @throws NoticeError that names what is wrong
 */
export function parseNotice(body: string): NoticeRecord {
  const message = parsed(body);
  const record = isText(message.sqs) ? parsed(message.sqs) : message;
  for (const [part, isRight] of Object.entries(parts)) {
    if (!isRight(record[part])) throw new NoticeError(`expected a notice, but ${part} is missing or wrong`);
  }
  return record as unknown as NoticeRecord;
}

function parsed(text: string): Record<string, unknown> {
  try {
    return partsOf(JSON.parse(text));
  } catch {
    throw new NoticeError('expected a notice, but the message is not JSON');
  }
}

const partsOf = (value: unknown): Record<string, unknown> => (value ?? {}) as Record<string, unknown>;

/** Whether it is a time as every event and notice has it: `2026-11-24T00:15:03.120Z`, whose order is that of texts. */
export function isInstant(value: unknown): value is string {
  return isText(value) && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value) && !Number.isNaN(Date.parse(value));
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isListOf(isRight: (item: unknown) => boolean): (value: unknown) => boolean {
  return (value) => Array.isArray(value) && value.every(isRight);
}
