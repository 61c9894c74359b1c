import { styleText } from 'node:util';
import type { WatchPoll } from '../../functions/transfers/shard.ts';
import type { Watch } from '../../functions/transfers/transfer.ts';
import type { Announcement } from './announcements.ts';

type Style = Parameters<typeof styleText>[0];

/** Where lines go; colour only if it is a terminal. */
export type Output = NodeJS.WriteStream;

/** Tells a person, or a script, what the local run does. */
export interface Reporter {
  /** Said once, when everything runs. */
  ready(facts: readonly (readonly [name: string, value: string])[]): void;
  announcement(announcement: Announcement): void;
  poll(poll: WatchPoll): void;
  /** Something for the operator that is no poll and no announcement. */
  remark(text: string): void;
}

const styles: Record<string, Style> = {
  event: 'cyan',
  notice: 'magenta',
  poll: 'gray',
  trouble: 'red',
  well: 'green',
};

/** Lines for a person. A poll is mentioned only when it stored a baseline or when its trouble begins, turns or ends. */
export function personReporter(output: Output, now: () => Date): Reporter {
  const troubles = new Map<string, string>();
  const paint = (style: Style, text: string) => styleText(style, text, { stream: output });
  const line = (kind: string, text: string) => {
    const [first = '', ...rest] = text.split('\n').filter((part) => part !== '');
    const time = paint('gray', now().toTimeString().slice(0, 8));
    output.write(`${time}  ${paint(styles[kind] ?? 'gray', kind.padEnd(8))}  ${first}\n`);
    for (const other of rest) output.write(`${' '.repeat(20)}${other}\n`);
  };
  return {
    ready(facts) {
      const width = Math.max(...facts.map(([name]) => name.length));
      for (const [name, value] of facts) output.write(`  ${paint('bold', name.padEnd(width))}  ${value}\n`);
      output.write('\n');
    },
    announcement(announcement) {
      if (announcement.kind === 'notice') line('notice', announcement.text);
      else line('event', eventWords(announcement.event));
    },
    poll(poll) {
      const name = watchWords(poll.watch);
      if (poll.outcome === 'baseline')
        line('poll', `${name}: ${poll.transfers} transfers found and stored as the baseline`);
      const before = troubles.get(name);
      if (poll.trouble) {
        troubles.set(name, poll.trouble.cause);
        if (before !== poll.trouble.cause) line('trouble', `${name}: ${poll.trouble.message}`);
      } else if (troubles.delete(name)) line('well', `${name}: polls succeed again`);
    },
    remark: (text) => line('poll', text),
  };
}

/** One JSON object a line, for scripts. */
export function scriptReporter(output: Output): Reporter {
  const write = (value: object) => output.write(`${JSON.stringify(value)}\n`);
  return {
    ready: (facts) => write({ kind: 'ready', ...Object.fromEntries(facts) }),
    announcement: (announcement) => write(announcement),
    poll: ({ watch, ...poll }) => write({ kind: 'poll', mailbox: watch.mailbox, direction: watch.direction, ...poll }),
    remark: (text) => write({ kind: 'remark', text }),
  };
}

function eventWords({ type, data }: Extract<Announcement, { kind: 'event' }>['event']): string {
  if (!('trackingId' in data)) return `${type}  ${watchWords(data)}`;
  const change = data.previousState === null ? data.state : `${data.previousState} → ${data.state}`;
  return `${type}  ${data.trackingId}  ${change}  #${data.sequence}  ${watchWords(data)}`;
}

/** `sent by alice@example.com`. */
export const watchWords = ({ mailbox, direction }: Watch): string => `${direction} by ${mailbox}`;
