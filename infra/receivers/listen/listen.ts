import type { Direction } from '#functions/transfers/transfer.ts';
import { dnsResolver } from '#functions/webhooks/http/name-resolver.ts';
import { webhookClient } from '#functions/webhooks/http/webhook-client.ts';
import { followEvents } from '#infra/cli/api/event-feed.ts';
import { type CommonOptions, openSession } from '#infra/cli/api/session.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import { narrator } from '#infra/receivers/narrator.ts';
import { receiverSecret } from '#infra/receivers/receiver-secret.ts';
import { receiverUrl } from '#infra/receivers/receiver-url.ts';
import { forwardingOf } from './forwarding.ts';

export interface ListenOptions extends CommonOptions {
  readonly forwardTo: string;
  /** ISO 8601. */
  readonly from?: string;
  readonly type?: readonly string[];
  readonly mailbox?: string;
  readonly direction?: Direction;
  readonly printJson?: boolean;
}

/** Forwards matching events until Ctrl-C. @throws CliError for wrong options, or when the operator API fails */
export async function listen(context: CliContext, options: ListenOptions): Promise<void> {
  const { from, type, mailbox, direction } = options;
  const url = receiverUrl(options.forwardTo, false, 'expected a receiver on this one').href;
  const secret = receiverSecret(context.environment);
  const session = await openSession(context, options);
  const stop = context.interrupted();
  // The receiver is on this machine: its URL was checked.
  const client = webhookClient({ resolve: dnsResolver(), allowPrivate: true });
  const { output } = session;
  const narration = narrator(output);
  const forwarding = forwardingOf({
    ...{ client, url, secret: secret.text, stop, now: context.now, sleep: context.sleep },
    tell(event, { attempt, ...end }) {
      if (options.printJson && attempt === 1) output.line(JSON.stringify(event));
      // While nothing answers, the same line each second would hide the rest.
      if (end.failure === undefined || attempt === 1)
        narration.request(event, end, attempt > 1 ? `attempt ${attempt}` : '');
      narration.problem(end);
    },
  });
  narration.introduce({ from: session.api.address, to: url }, secret);
  if (!output.isJson) output.warning('waiting for events; Ctrl-C ends it');
  try {
    const filter = { type: type?.join(','), mailbox, direction };
    await followEvents(session, from === undefined ? {} : { from }, filter, stop, forwarding.take);
  } finally {
    client.close();
    const left = forwarding.left();
    const since = left.map(({ timestamp }) => timestamp).toSorted()[0];
    if (since !== undefined)
      output.warning(`${left.length} not taken yet: begin again with --from ${since}, under the same ids`);
  }
}
