import type { StatusResource } from '#infra/cli/api/resources.ts';
import type { Session } from '#infra/cli/api/session.ts';
import { countWords } from '#infra/cli/commands/status.ts';
import { durationText } from '#infra/terminal/durations.ts';
import { type Check, fail, met, ok, warn } from './check.ts';

/** Milliseconds overdue above which a delivery is a fault, as in the alarm. */
const longestOverdueMs = 15 * 60_000;

export function checkDeliveries({ deliveries, endpoints }: StatusResource, hint: Session['hint']): Check[] {
  const { waiting, held, oldestOverdueMs } = deliveries;
  const overdue = durationText(Math.ceil(oldestOverdueMs / 60_000) * 60_000);
  return met([
    oldestOverdueMs > longestOverdueMs
      ? fail(
          'deliveries',
          `the oldest has been due for ${overdue}`,
          'look whether the functions sweep and deliver run without errors',
        )
      : ok('deliveries', `${countWords(waiting)} waiting, none overdue for long`),
    held.count > 0 &&
      warn(
        'deliveries',
        `${countWords(held)} are held`,
        `${hint('endpoint recover NAME')} sends them, once the endpoint is active`,
      ),
    endpoints.disabled > 0 &&
      warn(
        'endpoints',
        `${endpoints.disabled} are disabled`,
        `${hint('endpoint list')} shows which; endpoint enable NAME`,
      ),
  ]);
}
