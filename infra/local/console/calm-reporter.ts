import { styleText } from 'node:util';
import { textIn } from '#functions/notices/digest.ts';
import { printable } from '#functions/notices/foreign-text.ts';
import { isWanted } from '#functions/webhooks/endpoints/endpoint.ts';
import { isForPeople } from '#functions/webhooks/endpoints/format.ts';
import { counted } from '#infra/local/process/stopping.ts';
import { columnsOf, cutTo, mostColumns, wrapped } from '#infra/terminal/columns.ts';
import { toldEvent } from '#infra/terminal/told-event.ts';
import type { Announcement } from './announcements.ts';
import type { Output, Reporter, Style } from './console.ts';
import { block, openWords, type Part, rowsOf, type Tone } from './folded-words.ts';
import { Folding, type OpenDelivery } from './folding.ts';
import { PinnedLines } from './pinned-lines.ts';
import { PollNews } from './poll-news.ts';

const styles: Record<Tone, Style> = {
  ...{ time: 'gray', subject: 'cyan', change: 'bold', well: 'green', waits: 'yellow', problem: 'red', quiet: 'gray' },
};

/** Facts of the start that only developers need; the verbose output has them. */
const detailed: ReadonlySet<string> = new Set(['DynamoDB', 'SNS and SQS']);

/** Facts that list names, of which a line shows the first. */
const lists: ReadonlySet<string> = new Set(['Watches', 'Webhooks', 'Readers']);

/** Addresses that stay visible on a terminal, the most useful first. */
const addresses = ['Console', 'Cryptshare Server', 'Operator API'] as const;

/**
 * Prints for a person one line for each change, with its deliveries folded into it, and problems when they begin and
 * end. On a terminal, the addresses and what waits for a retry stay visible below the lines.
 *
 * @param keepsData true if the next start goes on with what is open
 */
export function calmReporter(
  output: Output,
  now: () => number,
  keepsData: boolean,
  environment: NodeJS.ProcessEnv = process.env,
): Required<Reporter> {
  const folding = new Folding();
  const pollNews = new PollNews();
  const pinned = new PinnedLines(output, environment);
  let known: Parameters<Required<Reporter>['endpoints']>[0] = [];
  let visible: readonly string[] = [];
  let isHurrying = false;
  let isClosed = false;
  const width = () => Math.max(1, Math.min(mostColumns, (output.stream.columns || Number.POSITIVE_INFINITY) - 1));
  const paint = (style: Style, text: string) => styleText(style, text, { stream: output.stream });
  const painted = (parts: readonly Part[]) =>
    parts.map(({ text, tone }) => (tone ? paint(styles[tone], text) : text)).join('  ');
  const print = (rows: readonly Part[][]) => {
    if (rows.length > 0) pinned.write(rows.map((parts) => `${painted(parts)}\n`).join(''));
  };
  const say = (kind: string, tone: Tone, text: string) => {
    // A text of several lines, such as a stack, is one paragraph.
    print(block(now(), kind, tone, text.split('\n').map(printable).join(' '), width()));
  };
  const show = (isLast = false) => print(folding.due(now(), isLast).flatMap((line) => rowsOf(line, width(), now())));
  const wanting = (announcement: Announcement): string[] => {
    if (announcement.kind === 'notice') return [announcement.reader];
    const { type, data } = toldEvent(announcement.event);
    const subject = { types: [type], mailbox: textIn(data.mailbox), direction: textIn(data.direction) };
    return known.filter((one) => !isForPeople(one.format) && isWanted(one, subject)).map(({ name }) => name);
  };
  return {
    ready(facts) {
      const shown = facts.filter(([name]) => !detailed.has(name));
      const indent = Math.max(...shown.map(([name]) => name.length)) + 4;
      const room = Math.max(1, width() - indent);
      const lines = shown.flatMap(([name, value]) => {
        // A list may be long; anything else, such as a command, is shown whole.
        const [first = '', ...rest] =
          lists.has(name) && value.includes(', ') ? [cutTo(printable(value), room)] : wrapped(printable(value), room);
        const below = rest.map((one) => `${' '.repeat(indent)}${one}\n`);
        return [`  ${paint('bold', name.padEnd(indent - 4))}  ${first}\n`, ...below];
      });
      pinned.write(`${lines.join('')}\n`);
      visible = addresses.flatMap((name) => {
        const [url] = facts.find(([fact]) => fact === name)?.[1].match(/https?:[^\s,]+/) ?? [];
        return url === undefined ? [] : [`${name}  ${printable(url)}`];
      });
    },
    announcement(announcement) {
      const { promise, resolve } = Promise.withResolvers<void>();
      folding.change(announcement, wanting(announcement), now(), resolve);
      if (isHurrying) show(true);
      return promise;
    },
    poll(poll) {
      for (const { kind, text } of pollNews.of(poll)) say(kind, kind === 'poll' ? 'quiet' : kind, text);
    },
    delivery(delivery) {
      folding.delivery(delivery, now());
      if (isHurrying) show(true);
    },
    // The delivery tells the answer.
    receipt: () => undefined,
    warning: (text) => say('notifier', 'quiet', text),
    endpoints(endpoints) {
      known = endpoints;
      folding.keep(new Set(endpoints.map(({ name }) => name)));
    },
    tick() {
      if (isClosed) return;
      show(isHurrying);
      pinned.pin(
        footer(visible, statusWords(folding, now(), keepsData), width()).map((line) => line && paint('gray', line)),
      );
    },
    hurry() {
      isHurrying = true;
      show(true);
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      isHurrying = true;
      show(true);
      const { open = [], held = [] } = Object.groupBy(folding.open, ({ status }) =>
        status === 'HELD' ? 'held' : 'open',
      );
      const rest = keepsData ? 'the next start makes up for it' : 'the demo keeps nothing';
      if (open.length > 0) say('open', 'waits', `${countsOf(open)}; ${rest}`);
      const release = keepsData ? 'endpoint recover sends them, once that works again' : rest;
      if (held.length > 0) say('held', 'waits', `${countsOf(held)}; ${release}`);
      pinned.remove();
    },
  };
}

/** @example '2 deliveries to archive, 1 delivery to crm' */
function countsOf(deliveries: readonly OpenDelivery[]): string {
  const counts = [...Map.groupBy(deliveries, ({ endpoint }) => endpoint)].flatMap(([name, some]) =>
    counted(some.length, `delivery to ${name}`, `deliveries to ${name}`),
  );
  return counts.join(', ');
}

/** @example '12 changes, 20 deliveries; archive: 3 again in 4 s; Ctrl-C stops' */
function statusWords({ counts, open }: Folding, now: number, keepsData: boolean): string {
  const number = (count: number, one: string, many: string) =>
    `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
  const totals = [
    number(counts.changes, 'change', 'changes'),
    number(counts.delivered, 'delivery', 'deliveries'),
    counts.failed > 0 ? `${counts.failed.toLocaleString('en')} failed` : '',
  ];
  const waits = openWords(open, now);
  // Only deliveries of this run are counted; those of an earlier one may wait.
  const none = keepsData ? 'of these, nothing waits' : 'nothing waits';
  return [totals.filter(Boolean).join(', '), waits.length > 0 ? waits.join(', ') : none, 'Ctrl-C stops'].join('; ');
}

/** Lines below all others: as many addresses as fit, each whole, and the status. */
function footer(visible: readonly string[], status: string, width: number): string[] {
  const lines: string[] = [];
  for (const address of visible) {
    const last = lines.at(-1);
    const both = last === undefined ? address : `${last}   ${address}`;
    if (columnsOf(both) <= width && lines.length > 0) lines[lines.length - 1] = both;
    // An address that is cut off leads nowhere.
    else if (columnsOf(address) <= width && lines.length < 2) lines.push(address);
  }
  return ['', ...lines, cutTo(status, width)];
}
