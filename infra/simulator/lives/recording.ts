import { z } from 'zod';
import { eventTypeOf } from '#functions/events/transfer-event.ts';
import { type Problem, problems } from '#functions/transfers/follow.ts';
import type { EventResource } from '#infra/cli/api/resources.ts';
import { refused } from '#infra/cli/terminal/cli-error.ts';
import type { Happening } from './history.ts';

/** Fields of an event about a transfer that a history is made of. */
const toldSchema = z.object({
  trackingId: z.string(),
  mailbox: z.string(),
  direction: z.enum(['sent', 'received']),
  state: z.string(),
  sequence: z.number().default(0),
  recipient: z.number().optional(),
  recipients: z.number().optional(),
  method: z.string().optional(),
  problems: z.array(z.string()).optional(),
  expiresAt: z.iso.datetime({ offset: true }).optional(),
});

type Told = z.output<typeof toldSchema>;

/**
 * The history that events about transfers tell, in numbers and states alone: transfers and mailboxes get numbers in the
 * order in which they appear. Other events say nothing about it.
 *
 * @param events in any order for each transfer: its sequences tell what came first
 * @throws CliError for an event that lacks what it is made of
 */
export function recordingOf(events: readonly EventResource[]): Happening[] {
  const listed = events
    .filter(({ type }) => type.startsWith('transfer.'))
    .map((event) => ({ type: event.type, timestamp: event.timestamp, one: toldIn(event) }));
  const inOrder = Map.groupBy(
    listed.toSorted((a, b) => a.one.sequence - b.one.sequence),
    ({ one }) => keyOf(one),
  );
  const told = listed.map(({ one }) => inOrder.get(keyOf(one))!.shift()!);
  const transfers = new Map<string, number>();
  const mailboxes = new Map<string, number>();
  const sizes = new Map<string, number>();
  /** Latest time of each transfer: a clock that is set back does not turn its life round. */
  const times = new Map<string, string>();
  for (const { one } of told) {
    const key = keyOf(one);
    const { recipients = 1, recipient = 1 } = one;
    sizes.set(key, Math.max(sizes.get(key) ?? 1, recipients, recipient));
  }
  return told.flatMap(({ type, timestamp, one }): Happening[] => {
    const key = keyOf(one);
    const isNew = !transfers.has(key);
    const transfer = numberOf(transfers, key);
    const before = times.get(key) ?? timestamp;
    const at = Date.parse(before) > Date.parse(timestamp) ? before : timestamp;
    times.set(key, at);
    const happens = { at, transfer } as const;
    const { direction, state } = one;
    const sent: Happening = {
      ...happens,
      ...{ is: 'sent', mailbox: numberOf(mailboxes, one.mailbox), direction, recipients: sizes.get(key)!, files: 1 },
    };
    const changed: Happening[] = state === 'PROCESSING' && isNew ? [] : [{ ...happens, is: 'state', state }];
    const isOfState = type === eventTypeOf(state);
    return [...(isNew ? [sent] : []), ...(isNew || isOfState ? changed : []), ...moreOf(type, one, happens)];
  });
}

function toldIn({ id, data }: EventResource): Told {
  const { success, data: told, error } = toldSchema.safeParse(data);
  if (success) return told;
  const [problem] = error.issues;
  throw refused(`the event ${id} cannot be recorded: ${problem?.path.join('.')}: ${problem?.message}`);
}

/** Happenings that an event tells besides the state. */
function moreOf(type: string, told: Told, happens: { readonly at: string; readonly transfer: number }): Happening[] {
  switch (type) {
    case 'transfer.downloaded': {
      const { recipient = 1, method } = told;
      return [
        { ...happens, is: 'downloaded', recipient, file: 1, method: method === 'viewed' ? 'VIEWED' : 'DOWNLOADED' },
      ];
    }
    case 'transfer.problem':
      return [{ ...happens, is: 'problems', problems: told.problems?.filter(isProblem) ?? [] }];
    case 'transfer.problem_resolved':
      return [{ ...happens, is: 'problems', problems: [] }];
    case 'transfer.overdue':
      return told.expiresAt === undefined ? [] : [{ ...happens, is: 'ends', expiresAt: told.expiresAt }];
    case 'transfer.unlisted':
      return [{ ...happens, is: 'unlisted' }];
    case 'transfer.listed_again':
      return [{ ...happens, is: 'listed' }];
    default:
      return [];
  }
}

const isProblem = (text: string): text is Problem => problems.some((one) => one === text);

/** A transfer may be watched in two mailboxes. */
const keyOf = ({ trackingId, mailbox, direction }: Told): string => JSON.stringify([direction, mailbox, trackingId]);

function numberOf(numbers: Map<string, number>, key: string): number {
  const number = numbers.get(key) ?? numbers.size + 1;
  numbers.set(key, number);
  return number;
}
