import { type ApiClient, longTimeoutMs } from '#infra/cli/api/client.ts';
import type { BatchOfWatches } from '#infra/cli/api/resources.ts';
import { type CommonOptions, openSession } from '#infra/cli/api/session.ts';
import { CliError, exitCodes } from '#infra/cli/terminal/cli-error.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import type { Output } from '#infra/cli/terminal/output.ts';
import { type FileWatch, readWatchFile } from './watch-file.ts';
import { warnUnverifiedAmong } from './watch-verify.ts';

/** Limit of the operator API for watches in one request. */
const batchSize = 100;

interface Imported {
  readonly added: FileWatch[];
  readonly there: FileWatch[];
}

/** Adds all watches of a CSV file in its order. @throws CliError before any is added, or at the first failed batch */
export async function importWatches(
  context: CliContext,
  options: CommonOptions & { readonly notifyExisting?: boolean },
  file: string,
): Promise<void> {
  const watches = readWatchFile(file);
  const session = await openSession(context, options);
  const { api, output } = session;
  const done: Imported = { added: [], there: [] };
  const failure = await addAll(api, output, watches, options.notifyExisting === true, done);
  output.progress('');
  const { added, there } = done;
  const summary = { added, there: there.length, ...(failure && { failure: failure.message }) };
  output.result(summary, () => {
    if (failure) for (const { mailbox, direction } of added) output.line(`added ${mailbox}, ${direction}`);
    output.line(`${added.length} added, ${there.length} there already, of ${watches.length} in ${file}`);
  });
  if (!failure) {
    if (added.length > 0 && !output.isJson) await warnUnverifiedAmong(session, added[0]!.mailbox);
    return;
  }
  const next = added.length + there.length;
  const { mailbox, direction } = watches[next]!;
  const last = Math.min(next + batchSize, watches.length);
  const message = `stopped at ${mailbox}, ${direction}: ${failure.message}; of rows ${next + 1} to ${last}, some may be added; mend that and run it again: it goes on from there`;
  throw new CliError(failure.exitCode === exitCodes.unreachable ? exitCodes.unreachable : exitCodes.refused, message);
}

/** @returns the error that stopped it */
async function addAll(
  api: ApiClient,
  output: Output,
  watches: readonly FileWatch[],
  notifyExisting: boolean,
  { added, there }: Imported,
): Promise<CliError | undefined> {
  for (let index = 0; index < watches.length; index += batchSize) {
    const batch = watches.slice(index, index + batchSize);
    const body = { watches: batch, ...(notifyExisting && { notifyExisting }) };
    try {
      const { items } = await api.post<BatchOfWatches>('/watches/batch', body, longTimeoutMs);
      for (const [place, watch] of batch.entries()) (items[place]?.isAdded ? added : there).push(watch);
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      return error;
    }
    const count = added.length + there.length;
    if (count < watches.length) output.step(`${count} of ${watches.length}`);
  }
  return undefined;
}
