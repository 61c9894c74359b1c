import { dnsResolver } from '#functions/webhooks/http/name-resolver.ts';
import { webhookClient } from '#functions/webhooks/http/webhook-client.ts';
import { remember } from '#infra/bounded/remember.ts';
import type { EventResource } from '#infra/cli/api/resources.ts';
import { outputOf } from '#infra/cli/api/session.ts';
import { refused } from '#infra/cli/terminal/cli-error.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import { usualSession } from '#infra/receivers/listen-session.ts';
import { narrator } from '#infra/receivers/narrator.ts';
import { receiverSecret } from '#infra/receivers/receiver-secret.ts';
import { receiverUrl } from '#infra/receivers/receiver-url.ts';
import { isTaken } from '#infra/receivers/signed-post.ts';
import { testIdPrefix } from '#infra/receivers/test-id.ts';
import { eventSourceOf, type SourceOptions } from './event-source.ts';
import { forwardingOf, mostAnswered } from './forwarding.ts';
import { openDoor } from './session-door.ts';

export interface ListenOptions extends SourceOptions {
  readonly forwardTo: string;
  readonly printJson?: boolean;
}

/** Ids that are remembered, the latest, to tell which events come again. */
const mostIds = 10_000;

const isMadeUp = ({ id }: EventResource): boolean => id.startsWith(testIdPrefix);

/** Words for the attempts that follow a failed one. Of those without an answer, only the first has a line. */
const refusedAgain = `listen sends it ${mostAnswered} times, the notifier for three days`;
const unansweredAgain = 'its events wait, and are sent again until it answers';

/**
 * Forwards matching events until Ctrl-C, or until the days of a twin are over.
 * @throws CliError for wrong options, when the operator API fails, or if a receiver has not taken all of a twin's events
 */
export async function listen(context: CliContext, options: ListenOptions): Promise<void> {
  const url = receiverUrl(options.forwardTo, false, 'expected a receiver on this one').href;
  const secret = receiverSecret(context.environment);
  const output = outputOf(context, options);
  const narration = narrator(output);
  const source = await eventSourceOf(context, options, narration.remarkOnce);
  const broken = new AbortController();
  const stop = AbortSignal.any([context.interrupted(), broken.signal]);
  // The receiver is on this machine: its URL was checked.
  const client = webhookClient({ resolve: dnsResolver(), allowPrivate: true });
  const forwarded = new Map<string, true>();
  const ends = { taken: 0, refused: 0 };
  let left: readonly EventResource[] = [];
  let isStopped = false;
  const forwarding = forwardingOf({
    ...{ client, url, secret: secret.text, stop, now: context.now, sleep: context.sleep },
    tell(event, { attempt, isRepeated, ...end }) {
      if (options.printJson && attempt === 1) output.line(JSON.stringify(event));
      const told = {
        isAgain: attempt === 1 && forwarded.has(event.id),
        remarks: attempt > 1 ? [`attempt ${attempt}`] : [],
        ...(source.isTwin && { when: event.timestamp.slice(5, 16).replace('T', ' ') }),
      };
      remember(forwarded, event.id, true, mostIds);
      // While nothing answers, the same line each second would hide the rest.
      if (end.failure === undefined || attempt === 1) narration.request(event, end, told);
      narration.problem(end, end.failure === undefined ? refusedAgain : unansweredAgain);
      // Events of trigger are none of the source's.
      if (!isRepeated && !isMadeUp(event)) ends[isTaken(end) ? 'taken' : 'refused'] += 1;
    },
  });
  // The end of the session tells the fault.
  const door = await openDoor(forwarding.take, () => broken.abort());
  try {
    const session = door.url === usualSession ? '--session' : `--session ${door.url}`;
    narration.introduce({ from: source.words, to: url, test: `npm run notifier -- trigger TYPE ${session}` }, secret);
    if (!output.isJson) output.warning('waiting for events; Ctrl-C ends it');
    await source.follow(stop, forwarding.take);
    await forwarding.finish();
  } finally {
    await door.close();
    client.close();
    isStopped = stop.aborted;
    // After a fault of the source, nothing is sent any more either.
    broken.abort();
    await forwarding.ended();
    left = forwarding.left().filter((event) => !isMadeUp(event));
    const since = left.map(({ timestamp }) => timestamp).toSorted()[0];
    if (since !== undefined && !source.isTwin)
      narration.remark(`${left.length} not taken yet: begin again with --from ${since}, under the same ids`);
  }
  if (!source.isTwin) return;
  const all = ends.taken + ends.refused + left.length;
  const end = isStopped ? "stopped before the twin's days are over" : "the twin's days are over";
  const hasFilter = [options.type, options.mailbox, options.direction].some((filter) => filter !== undefined);
  const none = all === 0 && hasFilter ? '; no event has fitted --type, --mailbox and --direction' : '';
  const words = `${end}: the receiver took ${ends.taken} of ${all} events${none}`;
  if (ends.refused > 0 && !isStopped) throw refused(words);
  if (!output.isJson) narration.remark(words);
}
