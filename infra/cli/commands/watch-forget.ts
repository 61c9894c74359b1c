import { longTimeoutMs, path } from '#infra/cli/api/client.ts';
import type { Forgotten, ServicesResource } from '#infra/cli/api/resources.ts';
import { type CommonOptions, confirmed, openSession, type Session } from '#infra/cli/api/session.ts';
import { refused } from '#infra/cli/terminal/cli-error.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';

/** Milliseconds between two looks at a watch that a tick has yet to delete: on AWS, ticks come each minute. */
const lookIntervalMs = 2000;

/** Milliseconds in which the attempts in flight end: the lease of an endpoint lasts no longer. */
const attemptsEndMs = 25_000;

/** Runs after which something keeps bringing the mailbox back. */
const mostRuns = 10;

/** Result of one run over all rows. */
type Run = Pick<Forgotten, 'found' | 'unremovable' | 'scanned'>;

/** Removes what is kept about a mailbox, until a run over all rows of both tables finds nothing. @throws CliError */
export async function forgetMailbox(
  context: CliContext,
  options: CommonOptions & { readonly yes?: boolean },
  mailbox: string,
): Promise<void> {
  const session = await openSession(context, options);
  const { api, output, hint } = session;
  if (!options.yes) {
    const { found } = await run(session, mailbox, true);
    await confirmed(context, options, `Forget ${mailbox} for good: ${countsOf(found)}?`);
  }
  const removed: Record<string, number> = {};
  for (let runs = 1; ; runs += 1) {
    const { found, unremovable, scanned } = await run(session, mailbox, false);
    for (const [kind, rows] of Object.entries(found)) removed[kind] = (removed[kind] ?? 0) + rows;
    if (Object.keys(found).length === 0) {
      const { queues } = await api.get<ServicesResource>('/services');
      const messages = queues.reduce((sum, { waiting, inProgress }) => sum + waiting + inProgress, 0);
      const isForgotten = unremovable.length === 0;
      output.result({ mailbox, isForgotten, removed, unremovable, scanned, messages }, () => {
        output.line(`removed: ${countsOf(removed)}`);
        if (isForgotten) output.line(`${mailbox} is forgotten: none of all ${scanned} rows names it, in any spelling`);
      });
      const again = hint(`watch forget ${mailbox}`);
      if (messages > 0)
        output.warning(`${messages} messages in queues may still name it; once they are gone: ${again}`);
      if (isForgotten) return;
      throw refused(`${unremovable.join(', ')} still names it: change the filter, then run ${again}`);
    }
    if (runs === mostRuns) throw refused(`${mailbox} keeps coming back: see whether it is added again elsewhere`);
    if (found.deliveries) await wait(session, 'waiting for attempts in flight', attemptsEndMs);
  }
}

/** Goes through all rows of both tables; a run that is interrupted anywhere is simply repeated. */
async function run(session: Session, mailbox: string, dryRun: boolean): Promise<Run> {
  const { api, output } = session;
  const found: Record<string, number> = {};
  const unremovable: string[] = [];
  let [scanned, cursor] = [0, undefined as string | undefined];
  do {
    output.progress(`${scanned} rows ${dryRun ? 'searched' : 'cleared'} …`);
    const body = { dryRun, cursor };
    const step = await api
      .post<Forgotten>(path`/mailboxes/${mailbox}/forget`, body, longTimeoutMs)
      .finally(() => output.progress(''));
    for (const [kind, rows] of Object.entries(step.found)) found[kind] = (found[kind] ?? 0) + rows;
    unremovable.push(...step.unremovable);
    scanned += step.scanned;
    cursor = step.next;
    if (step.isWaiting) await wait(session, 'the next tick deletes its watches', lookIntervalMs);
  } while (cursor !== undefined);
  return { found, unremovable, scanned };
}

async function wait({ output, context }: Session, why: string, milliseconds: number): Promise<void> {
  output.progress(`${why} …`);
  await context.sleep(milliseconds);
  output.progress('');
}

/** `2 watches, 120 transfers`; `nothing` for no rows. */
const countsOf = (found: Forgotten['found']): string =>
  Object.entries(found)
    .map(([kind, rows]) => `${rows} ${kind}`)
    .join(', ') || 'nothing';
