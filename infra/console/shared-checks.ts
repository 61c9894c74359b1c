import type { Check } from '#infra/cli/doctor/check.ts';
import type { RunChecks } from '#infra/console/html/page.ts';

/** Has pages that ask for the checks at the same time share one run: it asks the Cryptshare Server about mailboxes. */
export function sharedChecks(runChecks: RunChecks): RunChecks {
  const listeners = new Set<(step: string) => void>();
  let running: Promise<readonly Check[]> | undefined;
  return async (onStep) => {
    listeners.add(onStep);
    running ??= runChecks((step) => {
      for (const listener of listeners) listener(step);
    }).finally(() => {
      running = undefined;
    });
    try {
      return await running;
    } finally {
      listeners.delete(onStep);
    }
  };
}
