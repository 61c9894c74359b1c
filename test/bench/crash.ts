import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LocalRun } from '#test/infra/local/local-run.ts';
import { type BenchReceiver, startBenchReceiver } from './bench-receiver.ts';
import { burstSize } from './burst.ts';
import { inTime } from './contestant.ts';
import { clientId, type Services } from './services.ts';

/** What comes of a notifier that is killed in the middle of a burst, with requests to the receiver under way. */
export interface CrashRecovery {
  /** Changes in one poll, an event and a webhook each. */
  readonly events: number;
  /** Webhooks that the receiver had got when the process was killed (SIGKILL). */
  readonly killedAt: number;
  /** Webhooks that it had got in all once it was given up, each counted once. */
  readonly arrived: number;
  /** Milliseconds from the new start, on the same data folder, until all of them had arrived; undefined if not in time. */
  readonly completeAfter: number | undefined;
  /** Requests for webhooks that had come before. */
  readonly repetitions: number;
}

const killPoints = [30, 150, 270] as const;

/** Milliseconds that the receiver takes to answer, so that requests are under way at any time. */
const answersAfter = 50;

/** Milliseconds after the new start within which all have to arrive. */
export const crashPatience = 90_000;

/** Milliseconds in which what is delivered twice may still come, after all have arrived. */
const aftermath = 3000;

/** Kills `npm start` at several points of a burst, starts it again, and waits until every webhook has arrived. */
export async function measureCrashes(services: Services): Promise<CrashRecovery[]> {
  const receiver = await startBenchReceiver();
  const recoveries: CrashRecovery[] = [];
  try {
    for (const killedAt of killPoints) recoveries.push(await crash(services, receiver, killedAt));
  } finally {
    receiver.close();
  }
  return recoveries;
}

async function crash(services: Services, receiver: BenchReceiver, killedAt: number): Promise<CrashRecovery> {
  const folder = mkdtempSync(join(tmpdir(), 'notifier-bench-crash-'));
  const mailbox = `crash.${killedAt}@example.com`;
  const config = join(folder, 'notifier.config.json');
  const settings = {
    server: { url: services.addresses.origin },
    schedule: { every: '1s' },
    watches: [{ mailbox }],
    webhooks: [{ name: 'ok', url: `${receiver.url}/after/${answersAfter}` }],
  };
  writeFileSync(config, JSON.stringify(settings));
  const args = ['--json', '--allow-private-webhooks', '--config', config, '--data', join(folder, 'data')];
  const start = () => new LocalRun(args, { CRYPTSHARE_CLIENT_ID: clientId });
  const watch = await services.fill(mailbox, burstSize);
  let run = start();
  try {
    await inTime(
      run.line(({ outcome }) => outcome === 'baseline'),
      'the baseline',
    );
    receiver.takeTraffic();
    await services.change(watch, burstSize);
    await inTime(receiver.arrived(killedAt), `${killedAt} webhooks`);
    run.kill('SIGKILL');
    await run.exit();
    const restartedAt = performance.now();
    run = start();
    const isComplete = await inTime(receiver.arrived(burstSize), 'all webhooks', crashPatience).then(
      () => true,
      () => false,
    );
    const completeAfter = isComplete ? performance.now() - restartedAt : undefined;
    await sleep(aftermath);
    const { arrivals, repetitions } = receiver.takeTraffic();
    return { events: burstSize, killedAt, arrived: Object.keys(arrivals).length, completeAfter, repetitions };
  } finally {
    run.kill('SIGKILL');
    await run.exit();
    rmSync(folder, { recursive: true });
  }
}
