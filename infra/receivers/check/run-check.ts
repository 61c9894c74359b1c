import { writeFileSync } from 'node:fs';
import { refused, wrongCommandLine } from '#infra/cli/terminal/cli-error.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import type { Output } from '#infra/cli/terminal/output.ts';
import { knownSecret } from '#infra/receivers/receiver-secret.ts';
import { receiverUrl } from '#infra/receivers/receiver-url.ts';
import { checkReceiver } from './check.ts';
import { processedHint } from './judgement.ts';
import { countBy, isUrl } from './processed.ts';
import { countOf, junitOf, printFindings } from './report.ts';

export interface CheckOptions {
  readonly processed?: string;
  readonly iOwnThis?: boolean;
  readonly junit?: string;
  readonly json?: boolean;
}

/** Milliseconds of the notifier for an answer, and for the whole check. */
const limits = { answerMs: 15_000, totalMs: 120_000 };

/** Checks a receiver and prints what was found. @returns true when no duty is broken */
export async function runCheck(
  context: CliContext,
  output: Output,
  text: string,
  { processed, iOwnThis = false, junit }: CheckOptions,
): Promise<boolean> {
  const url = receiverUrl(text, iOwnThis);
  if (processed !== undefined && isUrl(processed)) receiverUrl(processed, iOwnThis);
  const secret = await knownSecret(context);
  const signal = context.interrupted();
  if (signal.aborted) throw refused('stopped');
  if (junit !== undefined) expectWritable(junit);
  const count = processed === undefined ? undefined : countBy(processed);
  const { now, sleep } = context;
  const progress = (name: string): void => output.progress(`${name} …`);
  const findings = await checkReceiver({ url, secret, count, now, sleep, signal, progress, ...limits });
  output.progress('');
  if (junit !== undefined) writeFileSync(junit, junitOf(findings));
  const summary = {
    good: countOf(findings, 'good'),
    broken: countOf(findings, 'broken'),
    notJudged: countOf(findings, 'not judged'),
  };
  output.result({ url: url.href, findings, summary }, () => {
    printFindings(output, findings);
    const { good, broken, notJudged } = summary;
    const left = findings.filter(({ verdict }) => verdict === 'not judged');
    const open = left.length > 0 && left.every(({ says }) => says === processedHint) ? ' without --processed' : '';
    output.line(`${findings.length} kinds of requests: ${good} good, ${broken} broken, ${notJudged} not judged${open}`);
  });
  if (signal.aborted) throw refused('stopped');
  return summary.broken === 0;
}

/** Empties a file, so that one that cannot be written is known before any request. */
function expectWritable(file: string): void {
  try {
    writeFileSync(file, '');
  } catch (error) {
    throw wrongCommandLine(`--junit: the file cannot be written: ${(error as Error).message}`);
  }
}
