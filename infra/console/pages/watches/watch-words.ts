import { pageSize } from '#functions/cryptshare/pagination.ts';
import { type Followed, usualOverdueBeforeMs } from '#functions/transfers/follow.ts';
import { scopeDue } from '#functions/watches/schedule.ts';
import type { WatchResource } from '#infra/cli/api/resources.ts';
import { badge, shellWord } from '#infra/console/html/elements.ts';
import type { Html } from '#infra/console/html/html.ts';
import type { PageRequest } from '#infra/console/html/page.ts';
import { durationText } from '#infra/terminal/durations.ts';

export type NamedWatch = Pick<WatchResource, 'mailbox' | 'direction'>;

/** Address of the page of a watch, or of one of its changes. */
export const watchAddress = ({ mailbox, direction }: NamedWatch, change = ''): string =>
  `/watch${change}?${new URLSearchParams({ mailbox, direction })}`;

/** A command about a watch; other words than those of an address are quoted for the shell. */
export const watchCommand = (verb: string, { mailbox, direction }: NamedWatch): string =>
  `watch ${verb} ${shellWord(mailbox)}${direction === 'sent' ? '' : ` --direction ${direction}`}`;

/** Name of a watch. @example 'what alice@example.com sends' */
export const watchName = ({ words: { say } }: PageRequest, { mailbox, direction }: NamedWatch): string =>
  say(`watch.of.${direction}`, { mailbox });

/** The state of a watch, as the command line names it. */
export function watchState({ isDisabled, health, baselineAt }: WatchResource): 'paused' | 'failing' | 'new' | 'active' {
  if (isDisabled) return 'paused';
  if (health) return 'failing';
  return baselineAt === undefined ? 'new' : 'active';
}

const tones = { paused: 'warn', failing: 'bad', new: 'calm', active: 'good' } as const;

export function watchBadge({ words: { say } }: PageRequest, watch: WatchResource): Html {
  const state = watchState(watch);
  return badge(tones[state], say(`watch.state.${state}`));
}

/** Causes as short names: the sentence about one is in English, and long. */
export const causeText = (cause: string): string => cause.replaceAll('_', ' ');

/** Interval of a watch in words. */
export function intervalText({ words: { say } }: PageRequest, watch: WatchResource): string {
  const { generalIntervalMs, pollIntervalMs = generalIntervalMs, quietIntervalMs } = watch;
  const usual = say('watch.every', { time: durationText(pollIntervalMs) });
  return quietIntervalMs === undefined
    ? usual
    : say('watch.every.quiet', { time: durationText(quietIntervalMs), usual });
}

/** The next moment of a watch in its interval, in Unix milliseconds; undefined for a paused one. */
export function nextPollAt(watch: WatchResource, now: number): number | undefined {
  const { mailbox, direction, generalIntervalMs, pollIntervalMs, quietIntervalMs, health, isDisabled } = watch;
  const longestMs = quietIntervalMs ?? pollIntervalMs ?? generalIntervalMs;
  if (isDisabled) return undefined;
  const timed = { mailbox, direction, pollIntervalMs, health };
  const schedule = { shards: 1, pollIntervalMs: longestMs, fullListingEvery: 1, quietIntervalMs };
  const isDue = (to: number) => scopeDue(timed, schedule, { after: now, to }) !== undefined;
  // Once due, it stays due: the first such moment is found by halves.
  let [before, due] = [now, now + longestMs];
  while (due - before > 1) {
    const middle = Math.floor((before + due) / 2);
    if (isDue(middle)) due = middle;
    else before = middle;
  }
  return due;
}

/** Requests of a full listing; undefined before the first one. */
export const requestsOf = ({ count }: WatchResource): number | undefined =>
  count === undefined ? undefined : Math.max(1, Math.ceil(count / pageSize));

/** Names of the facts that a watch follows besides states; undefined without any. */
export function followText({ words: { say, list } }: PageRequest, watch: WatchResource): string | undefined {
  const { follow, overdueBeforeMs = usualOverdueBeforeMs } = watch;
  const one = (name: Followed) =>
    name === 'overdue' ? say('follow.overdue', { time: durationText(overdueBeforeMs) }) : say(`follow.${name}`);
  return follow && list(follow.map(one));
}

/** Number of transfers, or how far the first listing is. */
export function transfersText({ words: { say } }: PageRequest, watch: WatchResource): string | undefined {
  const { count, baselineProgress } = watch;
  if (baselineProgress) return say('watch.progress', { ...baselineProgress });
  return count === undefined ? undefined : say('watch.transfers.count', { count });
}
