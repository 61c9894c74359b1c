import type { Command } from 'commander';
import { outputOf, verb } from '#infra/cli/api/session.ts';
import { type ExitCode, exitCodes } from '#infra/cli/terminal/cli-error.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import { type Output, statusStyle } from '#infra/cli/terminal/output.ts';
import { printableLines } from '#infra/terminal/printable.ts';
import type { Check } from './check.ts';
import type { DoctorOptions } from './checks.ts';

const examples = `
Checks the configuration file, the Cryptshare Server (from this machine), the operator API, licence, client id,
verification of the mailboxes, tables, topics and queues, the last listing of each watch, deliveries, and endpoints with
failing attempts. Gives a remedy for each problem.

Exit codes: 0 nothing failed, 1 something did, 2 wrong command line.

Examples:
  npm run notifier -- doctor
  npm run notifier -- doctor --config notifier.config.json --data /var/lib/transfer-notifier
  npm run --silent notifier -- doctor --json | jq '.checks[] | select(.outcome != "ok")'
`;

export function doctorCommand(program: Command, context: CliContext, outcome: { exitCode: ExitCode }): void {
  verb(program, 'doctor', 'find problems and their remedies')
    .option('--config <file>', 'configuration file (default: notifier.config.json, if there is one)')
    .addHelpText('after', examples)
    .action(async (options: DoctorOptions) => {
      const output = outputOf(context, options);
      // Imported late, so that other commands start quicker.
      const { allChecks } = await import('./checks.ts');
      const checks = await allChecks(context, options, (step) => output.progress(`${step} …`));
      output.progress('');
      const count = (wanted: Check['outcome']) => checks.filter((check) => check.outcome === wanted).length;
      const summary = { ok: count('ok'), warn: count('warn'), fail: count('fail') };
      output.result({ checks, summary }, () => {
        printChecks(output, checks);
        output.line(`${checks.length} checks: ${summary.ok} ok, ${summary.warn} to look at, ${summary.fail} failed`);
      });
      if (summary.fail > 0) outcome.exitCode = exitCodes.refused;
    });
}

function printChecks(output: Output, checks: readonly Check[]): void {
  const width = Math.max(...checks.map(({ name }) => name.length));
  for (const { name, outcome, message, remedy } of checks) {
    const mark = output.paint(statusStyle(outcome) ?? 'bold', outcome.padEnd(4));
    const indent = ' '.repeat(width + 8);
    output.line(`${mark}  ${name.padEnd(width)}  ${printableLines(message).replaceAll('\n', `\n${indent}`)}`);
    if (remedy !== undefined) output.line(`${indent}→ ${printableLines(remedy)}`);
  }
  output.line('');
}
