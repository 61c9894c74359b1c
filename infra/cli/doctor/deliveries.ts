import type { StatusResource } from '#infra/cli/api/resources.ts';
import { durationText } from '#infra/cli/commands/endpoint-view.ts';
import { countWords } from '#infra/cli/commands/status.ts';
import { type Check, fail, ok, warn } from './check.ts';

/** Milliseconds overdue above which a delivery is a fault, as in the alarm. */
const longestOverdueMs = 15 * 60_000;

export function checkDeliveries({ deliveries, endpoints }: StatusResource): Check[] {
  const { waiting, held, oldestOverdueMs } = deliveries;
  const checks: Check[] = [];
  if (oldestOverdueMs > longestOverdueMs) {
    const overdue = durationText(Math.ceil(oldestOverdueMs / 60_000) * 60_000);
    checks.push(
      fail(
        'deliveries',
        `the oldest has been due for ${overdue}`,
        'look whether the functions sweep and deliver run without errors',
      ),
    );
  } else checks.push(ok('deliveries', `${countWords(waiting)} waiting, none overdue for long`));
  if (held.count > 0) {
    checks.push(
      warn(
        'deliveries',
        `${countWords(held)} are held`,
        'npm run notifier -- endpoint recover NAME sends them, once the endpoint is active',
      ),
    );
  }
  if (endpoints.disabled > 0) {
    checks.push(
      warn(
        'endpoints',
        `${endpoints.disabled} are disabled`,
        'npm run notifier -- endpoint list shows which; endpoint enable NAME',
      ),
    );
  }
  return checks;
}
