import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { proxySettingsIn } from '#functions/http/proxy.ts';
import { ApiClient } from '#infra/cli/api/client.ts';
import { localTarget } from '#infra/cli/api/target.ts';
import type { CliContext } from '#infra/cli/terminal/context.ts';
import { startConsole } from '#infra/console/server.ts';

/** Milliseconds between two looks for news. */
const intervalMs = 3000;

interface RunConsole {
  readonly operator: { readonly url: string; readonly token: string };
  readonly config: string | undefined;
  /** Completes a command to type, for this run. */
  readonly hint: (command: string) => string;
  readonly onFault: (error: Error) => void;
}

/** Serves the console of this run on a free port, read-only: a change takes a command of one's own. */
export function startRunConsole({ operator, config, hint, onFault }: RunConsole) {
  const { url, token } = operator;
  const now = () => new Date();
  return startConsole({
    ...{ mayChange: false, now, hint, onFault, intervalMs, steady: () => performance.now() },
    api: new ApiClient(localTarget(url, token, 'has the run of this console ended?'), proxySettingsIn(process.env)),
    async runChecks(onStep) {
      const { allChecks } = await import('#infra/cli/doctor/checks.ts');
      const unseen = new PassThrough().resume();
      const context: CliContext = {
        ...{ stdout: unseen, stderr: unseen, prompts: undefined, now },
        environment: { ...process.env, NOTIFIER_TOKEN: token },
        sleep: async (milliseconds, signal) => {
          await sleep(milliseconds, undefined, signal && { signal }).catch(() => undefined);
        },
        interrupted: () => new AbortController().signal,
      };
      return allChecks(context, { url, ...(config !== undefined && { config }) }, onStep);
    },
  });
}
