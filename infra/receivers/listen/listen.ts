import type { Direction } from '#functions/transfers/transfer.ts';
import { dnsResolver } from '#functions/webhooks/http/name-resolver.ts';
import { newSecret, secretProblem } from '#functions/webhooks/http/signature.ts';
import { webhookClient } from '#functions/webhooks/http/webhook-client.ts';
import { followEvents } from '#infra/cli/api/event-feed.ts';
import { type CommonOptions, openSession } from '#infra/cli/api/session.ts';
import { wrongCommandLine } from '#infra/cli/terminal/cli-error.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import { receiverUrl } from '#infra/receivers/target-url.ts';
import { forwardingOf } from './forwarding.ts';
import { narrator } from './narrator.ts';

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
  const url = receiverUrl(options.forwardTo, false).href;
  const secret = secretOf(context);
  const session = await openSession(context, options);
  const stop = context.interrupted();
  // The receiver is on this machine: its URL was checked.
  const client = webhookClient({ resolve: dnsResolver(), allowPrivate: true });
  const narration = narrator(session.output, options.printJson);
  const parts = { client, url, secret: secret.text, stop, now: context.now, sleep: context.sleep };
  const forwarding = forwardingOf({ ...parts, tell: narration.tell });
  narration.introduce(session.api.address, url, secret);
  try {
    const filter = { type: type?.join(','), mailbox, direction };
    await followEvents(session, from === undefined ? {} : { from }, filter, stop, forwarding.take);
  } finally {
    client.close();
    const left = forwarding.left();
    const since = left.map(({ timestamp }) => timestamp).toSorted()[0];
    if (since !== undefined)
      session.output.warning(`${left.length} not taken yet: begin again with --from ${since}, under the same ids`);
  }
}

/** The secret of the environment, or a new one. @throws CliError for an unusable one, without repeating it */
function secretOf({ environment }: CliContext): { readonly text: string; readonly isNew: boolean } {
  const text = environment.WEBHOOK_SECRET;
  if (!text) return { text: newSecret(), isNew: true };
  const problem = text.startsWith('whsk_') ? 'expected whsec_ before the key' : secretProblem(text);
  if (problem !== undefined) throw wrongCommandLine(`WEBHOOK_SECRET cannot be used: ${problem}`);
  return { text, isNew: false };
}
