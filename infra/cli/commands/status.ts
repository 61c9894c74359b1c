import type { Command } from 'commander';
import type { Counted, StatusResource } from '#infra/cli/api/resources.ts';
import { type CommonOptions, openSession, verb } from '#infra/cli/api/session.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import type { Output } from '#infra/cli/terminal/output.ts';
import { durationText } from '#infra/terminal/durations.ts';

export function statusCommand(program: Command, context: CliContext): void {
  verb(program, 'status', 'show watches, endpoints and deliveries in numbers')
    .addHelpText(
      'after',
      '\nExamples:\n  npm run notifier -- status\n  npm run --silent notifier -- status --json | jq .deliveries\n',
    )
    .action(async (options: CommonOptions) => {
      const { api, output } = await openSession(context, options);
      const status = await api.get<StatusResource>('/status');
      output.result(status, () => printStatus(output, status, api.address));
    });
}

function printStatus(output: Output, status: StatusResource, address: string): void {
  const { all, failing: failingWatches, disabled: pausedWatches } = status.watches;
  const { active, failing, paused, disabled } = status.endpoints;
  const { waiting, held, oldestOverdueMs } = status.deliveries;
  const overdue = `the oldest for ${durationText(Math.ceil(oldestOverdueMs / 1000) * 1000)}`;
  output.facts([
    ['operator API', address],
    ['version', status.version],
    ['server', status.server],
    ['watches', `${all}, ${failingWatches} failing, ${pausedWatches} paused`],
    ['endpoints', `${active} active, ${failing} failing, ${paused} paused, ${disabled} disabled`],
    ['deliveries', `${countWords(waiting)} waiting, ${countWords(held)} held`],
    ['overdue', oldestOverdueMs > 0 ? overdue : 'none'],
  ]);
}

/** `1000 or more` when counting stopped early. */
export const countWords = ({ count, more }: Counted): string => (more ? `${count} or more` : String(count));
