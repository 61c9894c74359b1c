import { isOfType } from '#functions/events/catalogue.ts';
import { addressKey } from '#functions/transfers/address-key.ts';
import type { Direction } from '#functions/transfers/transfer.ts';
import { followEvents } from '#infra/cli/api/event-feed.ts';
import type { EventResource } from '#infra/cli/api/resources.ts';
import { type CommonOptions, openSession } from '#infra/cli/api/session.ts';
import { isTargetHere } from '#infra/cli/api/target.ts';
import { wrongCommandLine } from '#infra/cli/terminal/cli-error.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import { type TwinOptions, twinSource, usualTwin } from './twin-source.ts';

/** Options that choose a source, and events of it. */
export interface SourceOptions extends CommonOptions, TwinOptions {
  readonly twin?: boolean;
  /** ISO 8601. */
  readonly from?: string;
  readonly type?: readonly string[];
  readonly mailbox?: string;
  readonly direction?: Direction;
}

/** Where events come from: a notifier or a twin. */
export interface EventSource {
  /** Names it in a line. */
  readonly words: string;
  /** True for a twin, whose time is not ours. */
  readonly isTwin: boolean;
  /** Passes on the wanted events until `stop` aborts, or a twin's days are over. @throws CliError */
  follow(stop: AbortSignal, take: (event: EventResource) => Promise<void>): Promise<void>;
}

const forTwins = [...(Object.keys(usualTwin) as (keyof typeof usualTwin)[]), 'history'] as const;
const forNotifiers = ['url', 'data', 'stack', 'from'] as const;

/**
 * Finds the notifier that the options name or that is here; without any, it is a twin.
 *
 * @param tell called with each failure of a twin, in words
 * @throws CliError for options that contradict each other, or without access to the notifier
 */
export async function eventSourceOf(
  context: CliContext,
  options: SourceOptions,
  tell: (problem: string) => void,
): Promise<EventSource> {
  const { from, type, mailbox, direction, twin = false } = options;
  const isTwin = twin || !isTargetHere(options, context.environment);
  const wrong = (isTwin ? forNotifiers : forTwins).find((name) => options[name] !== undefined);
  if (wrong !== undefined) throw wrongOption(wrong, isTwin);
  if (isTwin) {
    const { words, follow } = twinSource(context, options, tell);
    const isWanted = matcher(options);
    return {
      words,
      isTwin,
      follow: (stop, take) => follow(stop, async (event) => void (isWanted(event) && (await take(event)))),
    };
  }
  const session = await openSession(context, options);
  const filter = { type: type?.join(','), mailbox, direction, resends: 'true' };
  const span = from === undefined ? {} : { from };
  return {
    words: session.api.address,
    isTwin,
    follow: (stop, take) => followEvents(session, span, filter, stop, take),
  };
}

function wrongOption(name: string, isTwin: boolean) {
  if (!isTwin) return wrongCommandLine(`--${name} is for a twin: add --twin`);
  return wrongCommandLine(`--${name} is for a notifier, and a twin is none: expected one of the two`);
}

function matcher({ type, mailbox, direction }: SourceOptions): (event: EventResource) => boolean {
  return ({ type: own, data }) =>
    (type === undefined || isOfType(own, type)) &&
    (mailbox === undefined || (typeof data.mailbox === 'string' && addressKey(data.mailbox) === addressKey(mailbox))) &&
    (direction === undefined || data.direction === direction);
}
