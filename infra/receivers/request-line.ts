import { ofWatch } from '#functions/notices/event-words.ts';
import { neutral, printable } from '#functions/notices/foreign-text.ts';
import { wordsIn } from '#functions/notices/words/words.ts';
import type { EventResource } from '#infra/cli/api/resources.ts';
import { subjectOf } from '#infra/cli/commands/event-view.ts';
import { columnsOf, cutMiddle, mostColumns } from '#infra/terminal/columns.ts';

/** Columns of a usual tracking id, of a longer one at most, and of a mailbox at least: a shorter one says nothing. */
const idColumns = 24;
const mostIdColumns = 40;
const leastMailbox = 8;

const gap = '  ';

const words = wordsIn('en');

/**
 * An event in the columns that `head` leaves of a line. The type and the remarks stay whole; a long tracking id, and a
 * mailbox without enough room, lack their middle.
 *
 * @example 'transfer.active  20260105-090100-KoIIZArN  from alice@example.com  attempt 2'
 */
export function eventColumns(event: EventResource, head: number, remarks: readonly string[]): string {
  const { type } = event;
  let room = mostColumns - head - columnsOf([type, ...remarks].join(gap));
  const fitted = (text: string, most: number) => {
    const cut = text === '' ? '' : cutMiddle(text, Math.min(most, room - gap.length));
    if (cut !== '') room -= gap.length + columnsOf(cut);
    return cut;
  };
  const whose = whoseOf(event);
  const besideMailbox = room - columnsOf(whose) - 2 * gap.length;
  const id = fitted(printable(subjectOf(event) ?? ''), Math.max(idColumns, Math.min(mostIdColumns, besideMailbox)));
  const mailbox = room - gap.length < leastMailbox ? '' : fitted(whose, mostColumns);
  return [type, id, mailbox, ...remarks].filter(Boolean).join(gap);
}

/** The watch that an event belongs to. @example 'from alice@example.com', for a transfer that this mailbox has sent */
function whoseOf({ type, data }: EventResource): string {
  const whose = ofWatch(words, type, data).trim();
  const isTold = whose === '' || typeof data.direction !== 'string' || !type.startsWith('watch.');
  return printable(isTold ? whose : `${whose}, ${neutral(data.direction as string)}`);
}
