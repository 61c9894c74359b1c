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
  readonly paragraphs: readonly string[];
  /** Transfers named one by one, the most urgent first. */
  readonly items: readonly NoticeItem[];
  /** Transfers that are only counted. */
  readonly more: number;
}

/** Thrown for a message that is no notice. */
export class NoticeError extends Error {
  override readonly name = 'NoticeError';
}

/**
 * Reads a notice as a queue gets it: the record as JSON. An SNS that does not choose the text by the subscriber's protocol
 * hands on the texts of all channels; the one under `sqs` is taken.
 *
 * @throws NoticeError
 */
export function parseNotice(body: string): NoticeRecord {
  const value = parseObject(body);
  const record = typeof value.sqs === 'string' ? parseObject(value.sqs) : value;
  const isNotice = typeof record.id === 'string' && record.id.startsWith('ntc_') && Array.isArray(record.items);
  if (!isNotice) throw new NoticeError('expected a notice: JSON with id, headline, paragraphs and items');
  return record as unknown as NoticeRecord;
}

function parseObject(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
