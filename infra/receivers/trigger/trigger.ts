import { randomInt } from 'node:crypto';
import { type EventType, eventTypes } from '#functions/events/catalogue.ts';
import { dnsResolver } from '#functions/webhooks/http/name-resolver.ts';
import { webhookClient } from '#functions/webhooks/http/webhook-client.ts';
import type { EventResource } from '#infra/cli/api/resources.ts';
import { outputOf } from '#infra/cli/api/session.ts';
import { refused, wrongCommandLine } from '#infra/cli/terminal/cli-error.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import type { Output } from '#infra/cli/terminal/output.ts';
import { handOver, sessionUrl, usualSession } from '#infra/receivers/listen-session.ts';
import { narrator } from '#infra/receivers/narrator.ts';
import { receiverSecret } from '#infra/receivers/receiver-secret.ts';
import { receiverUrl } from '#infra/receivers/receiver-url.ts';
import { isTaken, signedPost } from '#infra/receivers/signed-post.ts';
import { testHeader } from '#infra/receivers/test-id.ts';
import { mostColumns, wrapped } from '#infra/terminal/columns.ts';
import { testEvents } from './test-events.ts';

export interface TriggerOptions {
  readonly to?: string;
  /** Address of a session of `listen`, or true for the usual one. */
  readonly session?: string | true;
  readonly trackingId?: string;
  readonly mailbox?: string;
  readonly state?: string;
  readonly times: number;
  readonly outOfOrder?: boolean;
  readonly twice?: boolean;
  readonly seed?: number;
  readonly iOwnThis?: boolean;
  readonly json?: boolean;
}

/** Requests in a row without an answer, after which the rest is not sent. */
const patience = 5;

/**
 * Sends made-up events to a receiver, or hands them to a session of `listen`.
 * @throws CliError for a wrong type or option, or if the receiver or the session does not take all
 */
export async function trigger(context: CliContext, type: string, options: TriggerOptions): Promise<void> {
  const { to, session, iOwnThis = false, outOfOrder: isOutOfOrder = false, twice: isTwice = false } = options;
  // Ids follow from the seed: receivers drop those that they have seen.
  const { seed = randomInt(2 ** 31) } = options;
  if ((to === undefined) === (session === undefined))
    throw wrongCommandLine('expected either --to URL, or --session for the receiver of a listen that runs');
  const events = testEvents({ ...options, type: knownType(type), isOutOfOrder, seed, at: context.now() });
  const output = outputOf(context, options);
  if (to !== undefined) {
    await sendAll(context, output, { url: receiverUrl(to, iOwnThis).href, events, isTwice, seed });
    return;
  }
  const address = sessionUrl(session === true || session === undefined ? usualSession : session);
  const taken = await handOver(address, { events, isTwice }, context.interrupted());
  const count = taken * (isTwice ? 2 : 1);
  output.done(
    { session: address, seed: String(seed), handed: count },
    `handed ${count} ${count === 1 ? 'request' : 'requests'} (seed ${seed}); results show in the listen at ${address}`,
  );
}

interface Sending {
  readonly url: string;
  readonly events: readonly EventResource[];
  readonly isTwice: boolean;
  readonly seed: number;
}

async function sendAll(context: CliContext, output: Output, { url, events, isTwice, seed }: Sending): Promise<void> {
  const secret = receiverSecret(context.environment);
  const narration = narrator(output);
  narration.introduce({ to: url, seed: String(seed) }, secret);
  // `receiverUrl` has admitted it, also in a private network.
  const client = webhookClient({ resolve: dnsResolver(), allowPrivate: true });
  const headers = { [testHeader]: 'trigger' };
  const stop = context.interrupted();
  const stopped = new Promise<never[]>((resolve) => stop.addEventListener('abort', () => resolve([])));
  let [sent, taken, unanswered] = [0, 0, 0];
  try {
    for (const event of events) {
      if (stop.aborted || unanswered >= patience) break;
      const post = () => signedPost({ client, url, secret: secret.text, now: context.now, headers }, event);
      const ends = await Promise.race([Promise.all(isTwice ? [post(), post()] : [post()]), stopped]);
      for (const end of ends) {
        const { sequence } = event.data;
        narration.request(event, end, { remarks: typeof sequence === 'number' ? [`#${sequence}`] : [] });
        narration.problem(end);
        sent += 1;
        if (isTaken(end)) taken += 1;
        unanswered = end.failure === undefined ? 0 : unanswered + 1;
      }
    }
  } finally {
    client.close();
  }
  const wanted = events.length * (isTwice ? 2 : 1);
  if (stop.aborted) throw refused(`stopped; the receiver took ${taken} of ${wanted} requests`);
  if (taken < wanted) throw refused(`the receiver took ${taken} of ${wanted} requests, of which ${sent} were sent`);
  if (wanted > 1 && !output.isJson) output.warning(`the receiver took all ${wanted} requests`);
}

function knownType(type: string): EventType {
  const known = eventTypes.find((one) => one === type);
  if (known) return known;
  const text = `there is no type ${type}, expected one of: ${eventTypes.join(', ')}`;
  throw wrongCommandLine(wrapped(text, mostColumns).join('\n'));
}
