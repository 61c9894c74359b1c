import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { clientId } from '#test/bench/processes/credentials.ts';
import { type Receiver, startReceiver } from '#test/bench/processes/receiver.ts';
import type { Services } from '#test/bench/processes/services.ts';
import { count, type Section, tableOf } from '#test/bench/section.ts';
import { spreadOf } from '#test/bench/spread.ts';
import { fine } from '#test/bench/table.ts';
import { LocalRun } from '#test/infra/local/local-run.ts';
import { burstSize } from './burst.ts';
import { inTime } from './contestant.ts';

/** Webhooks that have arrived when the process is killed. */
const killPoints = [30, 150, 270] as const;

/** Milliseconds that the receiver takes to answer, so that requests are in flight at any time. */
const answersAfterMs = 50;

/** Milliseconds after the new start within which all have to arrive. */
const patienceMs = 90_000;

/** Milliseconds in which a repetition may still come after all have arrived. */
const aftermathMs = 3000;

/** Kills `npm start` at several points of a burst, starts it again, and waits until every webhook has arrived. */
export const crash: Section = {
  name: 'crash',
  what: 'killing a notifier in the middle of a burst',
  async measure({ services }) {
    const receiver = await startReceiver();
    const recoveries: Awaited<ReturnType<typeof recover>>[] = [];
    try {
      for (const killedAt of killPoints) recoveries.push(await recover(services, receiver, killedAt));
    } finally {
      receiver.close();
    }
    const missing = recoveries.map(({ arrived }) => burstSize - arrived);
    const seconds = recoveries.map(({ completeAfterMs = Number.POSITIVE_INFINITY }) => completeAfterMs / 1000);
    return {
      measured: recoveries,
      tables: [
        tableOf(
          'crash',
          'SIGKILL in the middle of a burst, then a new start',
          ['killed at webhook', 'events', 'arrived', 'complete after s', 'came twice'],
          recoveries.map(({ killedAt, arrived, completeAfterMs, repetitions }) => [
            String(killedAt),
            String(burstSize),
            String(arrived),
            completeAfterMs === undefined ? 'given up' : fine.format(completeAfterMs / 1000),
            String(repetitions),
          ]),
          0,
        ),
      ],
      figures: [
        count('webhooks missing 90 s after a SIGKILL', 0, 'of 300', spreadOf(missing)),
        count('complete after a SIGKILL and a start', 45, 's', spreadOf(seconds)),
      ],
    };
  },
};

async function recover(services: Services, receiver: Receiver, killedAt: number) {
  const folder = mkdtempSync(join(tmpdir(), 'notifier-bench-crash-'));
  const mailbox = `crash.${killedAt}@example.com`;
  const config = join(folder, 'notifier.config.json');
  const settings = {
    server: { url: services.addresses.origin },
    schedule: { every: '1s' },
    watches: [{ mailbox }],
    webhooks: [{ name: 'ok', url: `${receiver.url}/after/${answersAfterMs}` }],
  };
  writeFileSync(config, JSON.stringify(settings));
  const args = ['--json', '--allow-private-webhooks', '--config', config, '--data', join(folder, 'data')];
  const start = () => new LocalRun(args, { CRYPTSHARE_CLIENT_ID: clientId });
  const watch = await services.call('fill', mailbox, burstSize);
  let run = start();
  try {
    await inTime(
      run.line(({ outcome }) => outcome === 'baseline'),
      'the baseline',
    );
    receiver.takeTraffic();
    await services.call('change', watch, burstSize);
    await inTime(receiver.arrived(killedAt), `${killedAt} webhooks`);
    run.kill('SIGKILL');
    await run.exit();
    const restartedAt = performance.now();
    run = start();
    const completeAfterMs = await inTime(receiver.arrived(burstSize), 'all webhooks', patienceMs).then(
      () => performance.now() - restartedAt,
      () => undefined,
    );
    await sleep(aftermathMs);
    const { arrivals, repetitions } = receiver.takeTraffic();
    return { killedAt, arrived: arrivals.size, completeAfterMs, repetitions };
  } finally {
    run.kill('SIGKILL');
    await run.exit();
    rmSync(folder, { recursive: true });
  }
}
