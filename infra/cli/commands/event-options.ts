import type { Command } from 'commander';
import type { Direction } from '#functions/transfers/transfer.ts';
import type { Query } from '#infra/cli/api/client.ts';
import { direction, several, timeAt } from '#infra/cli/terminal/arguments.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';

/** Filter of `event list` and `event follow`. */
export interface EventOptions {
  /** ISO 8601. */
  readonly from?: string;
  readonly until?: string;
  readonly type?: readonly string[];
  readonly mailbox?: string;
  readonly direction?: Direction;
  readonly trackingId?: string;
}

export function withEventOptions(command: Command, { now }: CliContext): Command {
  const time = timeAt(now);
  return command
    .option('--from <time>', 'only since this time (UTC), or of the last 2h, 3d', time)
    .option('--until <time>', 'only before this time (UTC), or older than 2h, 3d', time)
    .option('--type <types>', 'only of these types, for example transfer.failed,watch.*; may be repeated', several)
    .option('--mailbox <mailbox>', 'only about this mailbox')
    .option('--direction <direction>', 'only about this direction: sent or received', direction)
    .option('--tracking-id <id>', 'only about this transfer');
}

/** Query for the operator API, without `from` and `until`. */
export const filterOf = ({ type, mailbox, direction: way, trackingId }: EventOptions): Query => ({
  type: type?.join(','),
  mailbox,
  direction: way,
  trackingId,
});
