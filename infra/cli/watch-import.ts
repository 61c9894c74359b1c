import type { ApiClient } from './api-client.ts';
import { ApiError, CliError, exitCodes } from './cli-error.ts';
import type { Output } from './output.ts';
import { type CommonOptions, openSession } from './session.ts';
import type { Surroundings } from './surroundings.ts';
import { type FileWatch, readWatchFile } from './watch-file.ts';

/** HTTP status for a watch that is there already. */
const thereAlready = 409;

/**
 * Adds all watches of a CSV file, in its order. Nothing is added before every line was checked.
 *
 * @throws CliError
 */
export async function importWatches(
  surroundings: Surroundings,
  options: CommonOptions & { readonly notifyExisting?: boolean },
  file: string,
): Promise<void> {
  const watches = readWatchFile(file);
  const { api, output } = await openSession(surroundings, options);
  const added: FileWatch[] = [];
  const there: FileWatch[] = [];
  const failure = await addAll(api, output, watches, options.notifyExisting === true, added, there);
  output.progress('');
  const summary = { added, there: there.length, ...(failure && { failure: failure.message }) };
  output.result(summary, () => {
    if (failure) for (const { mailbox, direction } of added) output.line(`added ${mailbox}, ${direction}`);
    output.line(`${added.length} added, ${there.length} there already, of ${watches.length} in ${file}`);
  });
  if (!failure) return;
  const { mailbox, direction } = watches[added.length + there.length]!;
  const message = `stopped at ${mailbox}, ${direction}: ${failure.message}; mend that and run it again: it goes on from there`;
  throw new CliError(failure.exitCode === exitCodes.unreachable ? exitCodes.unreachable : exitCodes.refused, message);
}

/** @returns what kept it from going on */
async function addAll(
  api: ApiClient,
  output: Output,
  watches: readonly FileWatch[],
  notifyExisting: boolean,
  added: FileWatch[],
  there: FileWatch[],
): Promise<CliError | undefined> {
  for (const watch of watches) {
    output.progress(`${added.length + there.length} of ${watches.length}`);
    try {
      await api.post('/watches', { ...watch, ...(notifyExisting && { notifyExisting }) });
      added.push(watch);
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      if (!(error instanceof ApiError) || error.status !== thereAlready) return error;
      there.push(watch);
    }
  }
  return undefined;
}
