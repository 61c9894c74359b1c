import { z } from 'zod';
import { problems } from '#functions/transfers/follow.ts';

const instant = z.iso.datetime({ offset: true });
const number = z.int().min(1).max(1_000_000);
const happening = { at: instant, transfer: number };

/**
 * One happening in the life of a transfer, in numbers and states alone: it names no person, file or tracking id, so a
 * history can be shared. Transfers, mailboxes, recipients and files are numbered from 1; times are ISO 8601.
 *
 * @example { "at": "2026-01-05T08:00:00Z", "transfer": 1, "is": "sent", "mailbox": 1, "direction": "sent", "recipients": 2 }
 * @example { "at": "2026-01-05T08:01:00Z", "transfer": 1, "is": "state", "state": "ACTIVE" }
 */
export const happeningSchema = z.discriminatedUnion('is', [
  z.strictObject({
    ...happening,
    is: z.literal('sent'),
    /** Mailbox that is watched: the sender, or for `received` the first recipient. */
    mailbox: number.default(1),
    direction: z.enum(['sent', 'received']).default('sent'),
    recipients: z.int().min(1).max(1000).default(1),
    files: z.int().min(1).max(999).default(1),
  }),
  /** Any state, documented or not; a transfer begins as `PROCESSING`. */
  z.strictObject({ ...happening, is: z.literal('state'), state: z.string().min(1).max(64) }),
  z.strictObject({
    ...happening,
    is: z.literal('downloaded'),
    recipient: number,
    file: z.int().min(1).max(999).default(1),
    method: z.enum(['DOWNLOADED', 'VIEWED']).default('DOWNLOADED'),
  }),
  z.strictObject({ ...happening, is: z.literal('problems'), problems: z.array(z.enum(problems)) }),
  /** Its end lies at `expiresAt`. */
  z.strictObject({ ...happening, is: z.literal('ends'), expiresAt: instant }),
  /** The server lists it no more, or again. */
  z.strictObject({ ...happening, is: z.literal('unlisted') }),
  z.strictObject({ ...happening, is: z.literal('listed') }),
]);

export type Happening = z.output<typeof happeningSchema>;

/** Happenings that a file may have, and recipients of all its transfers: each is kept in memory. */
const mostHappenings = 1_000_000;
const mostRecipients = 1_000_000;

/** Error in the text of a history, with the number of its line and what was expected there. */
export class HistoryError extends Error {
  override readonly name = 'HistoryError';
}

/**
 * Reads a history from lines of JSON, and puts it in the order of time.
 * @throws HistoryError for a line that is no happening, a transfer that is sent later or twice, and a text without a line
 */
export function historyOf(text: string): Happening[] {
  const lines = text.split('\n').map((line, index) => ({ line: line.trim(), place: `line ${index + 1}` }));
  const filled = lines.filter(({ line }) => line !== '');
  if (filled.length === 0) throw new HistoryError('it is empty: expected a happening in each line');
  if (filled.length > mostHappenings) throw new HistoryError(`expected at most ${mostHappenings} happenings`);
  const read = filled.map(({ line, place }) => ({ place, happening: happeningIn(line, place) }));
  const inOrder = read.toSorted((one, other) => Date.parse(one.happening.at) - Date.parse(other.happening.at));
  const recipients = inOrder.reduce((sum, { happening: one }) => sum + (one.is === 'sent' ? one.recipients : 0), 0);
  if (recipients > mostRecipients) throw new HistoryError(`expected at most ${mostRecipients} recipients in all`);
  const sent = new Set<number>();
  for (const { place, happening } of inOrder) {
    const { transfer, is } = happening;
    if (is === 'sent' && sent.has(transfer)) throw new HistoryError(`${place}: transfer ${transfer} was sent before`);
    if (is === 'sent') sent.add(transfer);
    else if (!sent.has(transfer))
      throw new HistoryError(`${place}: transfer ${transfer} has no line "is": "sent" before it`);
  }
  return inOrder.map(({ happening }) => happening);
}

function happeningIn(line: string, place: string): Happening {
  const { success, data, error } = happeningSchema.safeParse(parsed(line, place));
  if (success) return data;
  const [problem] = error.issues;
  throw new HistoryError(`${place}: ${problem?.path.join('.') || 'the happening'}: ${problem?.message}`);
}

function parsed(line: string, place: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new HistoryError(`${place}: expected JSON`);
  }
}
