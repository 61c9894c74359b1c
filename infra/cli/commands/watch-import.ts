import { longTimeoutMs } from '#infra/cli/api/client.ts';
import type { BatchOfWatches } from '#infra/cli/api/resources.ts';
import { type CommonOptions, openSession } from '#infra/cli/api/session.ts';
import { CliError, exitCodes, refused, unreachable } from '#infra/cli/terminal/cli-error.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import { type FileWatch, readWatchFile } from './watch-file.ts';
import { warnUnverifiedAmong } from './watch-verify.ts';

/** Limit of the operator API for watches in one request. */
const batchSize = 100;

/** Adds all watches of a CSV file in its order. @throws CliError before any is added, or at the first failed batch */
export async function importWatches(
  context: CliContext,
  options: CommonOptions & { readonly notifyExisting?: boolean },
  file: string,
): Promise<void> {
  const watches = readWatchFile(file);
  const session = await openSession(context, options);
  const { api, output } = session;
  const { notifyExisting } = options;
  const added: FileWatch[] = [];
  let done = 0;
  let failure: CliError | undefined;
  while (done < watches.length && !failure) {
    const batch = watches.slice(done, done + batchSize);
    try {
      const body = { watches: batch, notifyExisting };
      const { items } = await api.post<BatchOfWatches>('/watches/batch', body, longTimeoutMs);
      added.push(...batch.filter((_, place) => items[place]?.isAdded));
      done += batch.length;
      if (done < watches.length) output.step(`${done} of ${watches.length}`);
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      failure = error;
    }
  }
  output.progress('');
  const there = done - added.length;
  output.result({ added, there, ...(failure && { failure: failure.message }) }, () => {
    if (failure) for (const { mailbox, direction } of added) output.line(`added ${mailbox}, ${direction}`);
    output.line(`${added.length} added, ${there} there already, of ${watches.length} in ${file}`);
  });
  if (!failure) {
    if (added.length > 0 && !output.isJson) await warnUnverifiedAmong(session, added[0]!.mailbox);
    return;
  }
  const { mailbox, direction } = watches[done]!;
  const last = Math.min(done + batchSize, watches.length);
  const message = `stopped at ${mailbox}, ${direction}: ${failure.message}; of rows ${done + 1} to ${last}, some may be added; mend that and run it again: it goes on from there`;
  throw failure.exitCode === exitCodes.unreachable ? unreachable(message) : refused(message);
}
