import { styleText } from 'node:util';
import { factWords } from '#functions/notices/event-words.ts';
import { neutral, printable } from '#functions/notices/foreign-text.ts';
import { wordsIn } from '#functions/notices/words/words.ts';
import type { WatchPoll } from '#functions/poll/poll-shard.ts';
import type { DeliveryFacts } from '#functions/webhooks/deliveries/settled.ts';
import type { Endpoint } from '#functions/webhooks/endpoints/endpoint.ts';
import type { Receipt } from '#infra/local/demo/webhook-receiver.ts';
import { attemptWords } from '#infra/terminal/attempt-words.ts';
import { printableJson } from '#infra/terminal/printable.ts';
import { toldEvent } from '#infra/terminal/told-event.ts';
import type { Announcement } from './announcements.ts';
import type { LineOutput } from './output.ts';
import { PollNews, watchWords } from './poll-news.ts';

export type Style = Parameters<typeof styleText>[0];

/** Target of lines, coloured only on a terminal. */
export type Output = Pick<LineOutput, 'stream' | 'write'>;

/** Reports to a person, or a script, what the local run does. */
export interface Reporter {
  /** Called once, when everything runs. */
  ready(facts: readonly (readonly [name: string, value: string])[]): void;
  /** A promise in return resolves once the announcement is printed. */
  announcement(announcement: Announcement): unknown;
  poll(poll: WatchPoll): void;
  delivery(delivery: DeliveryFacts): void;
  receipt(receipt: Receipt): void;
  warning(text: string): void;
  /** Takes the endpoints, at first and after each change. */
  endpoints?(endpoints: readonly Endpoint[]): void;
  /** Prints what is due; called several times a second. */
  tick?(): void;
  /** Prints at once what waits, and all that comes from now on. */
  hurry?(): void;
  /** Prints what waits and what is still open. Nothing more comes. */
  close?(): void;
}

const styles: Record<string, Style> = {
  event: 'cyan',
  delivery: 'yellow',
  receipt: 'green',
  problem: 'red',
  well: 'green',
};

/** Before each line of a message to a reader: a message is as wide as a mail. */
const messageIndent = '  ';

/** Prints a line for each event, delivery and receipt, and of polls what {@link PollNews} finds. */
export function personReporter(output: Output, now: () => Date): Reporter {
  const pollNews = new PollNews();
  const paint = (style: Style, text: string) => styleText(style, text, { stream: output.stream });
  const line = (kind: string, text: string) => {
    const [first = '', ...rest] = text
      .split('\n')
      .map(printable)
      .filter((part) => part !== '');
    const time = paint('gray', now().toTimeString().slice(0, 8));
    output.write(`${time}  ${paint(styles[kind] ?? 'gray', kind.padEnd(8))}  ${first}\n`);
    for (const other of rest) output.write(`${' '.repeat(20)}${other}\n`);
  };
  return {
    ready(facts) {
      const width = Math.max(...facts.map(([name]) => name.length));
      for (const [name, value] of facts) output.write(`  ${paint('bold', name.padEnd(width))}  ${printable(value)}\n`);
      output.write('\n');
    },
    announcement(announcement) {
      if (announcement.kind === 'event') return line('event', eventWords(announcement.event));
      line('notice', `to ${announcement.reader}`);
      const width = (output.stream.columns ?? Number.POSITIVE_INFINITY) - messageIndent.length;
      const lines = announcement.text.trim().split('\n').map(printable);
      const rows = lines.flatMap((one) => fitted(one, width)).map((row) => (row === '' ? '' : messageIndent + row));
      output.write(`\n${rows.join('\n')}\n\n`);
    },
    poll: (poll) => {
      for (const { kind, text } of pollNews.of(poll)) line(kind, text);
    },
    delivery: (delivery) => line('delivery', deliveryWords(delivery)),
    receipt: (receipt) => line('receipt', receiptWords(receipt)),
    warning: (text) => line('notifier', text),
  };
}

/** Prints one JSON object a line, for scripts. */
export function scriptReporter(output: Output): Reporter {
  const write = (value: object) => output.write(`${printableJson(value)}\n`);
  return {
    ready: (facts) => write({ kind: 'ready', ...Object.fromEntries(facts) }),
    announcement: (announcement) => write(announcement),
    poll: ({ watch, ...poll }) => write({ kind: 'poll', mailbox: watch.mailbox, direction: watch.direction, ...poll }),
    delivery: (delivery) => write({ kind: 'delivery', ...delivery }),
    receipt: (receipt) => write({ kind: 'receipt', ...receipt }),
    warning: (text) => write({ kind: 'warning', text }),
  };
}

function eventWords(event: Extract<Announcement, { kind: 'event' }>['event']): string {
  const { type, data } = event;
  if ('endpoint' in data) return `${type}  ${data.endpoint}`;
  if ('watches' in data) return `${type}  ${data.watches} watches, for example of ${data.examples.join(', ')}`;
  if (!('trackingId' in data)) return `${type}  ${watchWords(data)}`;
  const { words } = factWords(wordsIn('en'), toldEvent(event)) ?? {};
  const change = data.previousState === null ? data.state : `${data.previousState} → ${data.state}`;
  return `${type}  ${neutral(data.trackingId)}  ${neutral(words ?? change)}  #${data.sequence}  ${watchWords(data)}`;
}

function deliveryWords(facts: DeliveryFacts): string {
  const { endpoint, event, status, attempt, durationMs, failure, code, answer, nextAttemptAt, reason } = facts;
  const cause = 'cause' in facts ? facts.cause : undefined;
  // SNS takes a mail without a status.
  const isUnnumbered = status === 'DELIVERED' && answer === undefined;
  const outcome = [
    status.toLowerCase(),
    attempt && `attempt ${attempt}, ${durationMs} ms`,
    attempt && !isUnnumbered && attemptWords({ failure, code, status: answer, cause }),
    reason,
    nextAttemptAt && `next at ${nextAttemptAt.slice(11, 19)} UTC`,
  ];
  return `${endpoint}  ${event}  ${outcome.filter(Boolean).join(', ')}`;
}

function receiptWords({ endpoint, id, status, type, isRepetition }: Receipt): string {
  const verdict = type === undefined ? 'signature refused' : `signature verified  ${type}`;
  return `${endpoint}  ${id}  ${verdict}, answered ${status}${isRepetition ? ', had it already' : ''}`;
}

/** Breaks a line that is too long between words; its rest is indented by two more. */
function fitted(line: string, width: number): string[] {
  const indent = ' '.repeat(line.search(/\S|$/));
  const end = line.lastIndexOf(' ', width);
  if (line.length <= width || end <= indent.length + 2) return [line];
  return [line.slice(0, end), ...fitted(`${indent}  ${line.slice(end + 1)}`, width)];
}
