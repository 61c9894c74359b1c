import { ConfigError, loadConfig } from '../config.ts';
import { personReporter, type Reporter, scriptReporter, watchWords } from './console.ts';
import { readCredentials } from './credentials.ts';
import type { Daemon } from './daemon.ts';
import { declaredWebhooks } from './declared-webhooks.ts';
import { startDemo } from './demo.ts';
import { DataFolderError } from './embedded-services.ts';
import { exitCodes } from './exit-codes.ts';
import { NothingToStart, type Options, parseOptions } from './options.ts';
import { type RunOptions, startRun } from './runtime.ts';

/**
 * Runs what the command line asks for until it is told to stop, and says what kept it from that.
 *
 * @returns the exit code
 */
export async function runNotifier(args: readonly string[], daemon: Daemon): Promise<number> {
  try {
    await run(parseOptions(args), daemon);
    return exitCodes.stopped;
  } catch (error) {
    return exitCodeAfter(error as Error);
  }
}

function exitCodeAfter(error: Error): number {
  if (error instanceof NothingToStart) return error.exitCode;
  const isExplained = error instanceof ConfigError || error instanceof DataFolderError;
  console.error(isExplained ? error.message : `The notifier stopped: ${error.stack}`);
  return error instanceof ConfigError ? exitCodes.wrongStart : exitCodes.broken;
}

async function run(options: Options, daemon: Daemon): Promise<void> {
  const { output } = daemon;
  const reporter = options.json ? scriptReporter(output) : personReporter(output, () => new Date());
  if (options.config !== undefined) {
    await runUntilStopped(realRun(options.config, options), daemon, reporter, options.config);
  } else {
    const demo = await startDemo((receipt) => reporter.receipt(receipt));
    const { notifyExisting } = options;
    const demoRun = {
      ...demo,
      data: undefined,
      notifyExisting,
      endpoints: declaredWebhooks('demo', demo.config, {}, true),
      // The demo's receiver is on this machine.
      allowPrivateWebhooks: true,
      onSecret: demo.receiver.trust,
    };
    await runUntilStopped(demoRun, daemon, reporter, 'demo');
  }
}

/** Checks file and environment together, so that every mistake is told at once. */
function realRun(file: string, { data, notifyExisting, allowPrivateWebhooks }: Options): RunOptions {
  const problems: string[] = [];
  const collect = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems);
      return undefined;
    }
  };
  const config = collect(() => loadConfig(file));
  const credentials = collect(() => readCredentials(process.env));
  const endpoints = config && collect(() => declaredWebhooks(file, config, process.env, allowPrivateWebhooks));
  if (!config || !credentials || !endpoints) throw new ConfigError(file, problems);
  return { config, credentials, data, notifyExisting, endpoints, allowPrivateWebhooks };
}

async function runUntilStopped(options: RunOptions, daemon: Daemon, reporter: Reporter, source: string): Promise<void> {
  const { config, data } = options;
  const { addresses, ended, stop } = await startRun(options, reporter);
  daemon.runs(stop, reporter.remark);
  reporter.ready([
    ['Transfer Notifier', `ready after ${process.uptime().toFixed(1)} s; Ctrl-C stops it`],
    ['Configuration', source],
    ['Cryptshare Server', config.server.url],
    ['Watches', config.watches.map(watchWords).join(', ')],
    ['Webhooks', config.webhooks.map(({ name }) => name).join(', ') || 'none'],
    ['Polls', `every ${config.schedule.every}`],
    ['Operator API', `${addresses.operator}, with the header x-notifier: 1`],
    ['DynamoDB', addresses.dynamodb],
    ['SNS and SQS', addresses.queues],
    ['Data', data ?? 'in memory, gone when it stops'],
  ]);
  const idle = [
    ...(config.notify.email.length > 0 || config.notify.slack ? ['notify'] : []),
    ...(config.alarms ? ['alarms'] : []),
  ];
  if (idle.length > 0) reporter.remark(`no effect in the local run: ${idle.join(', ')}`);
  if (await ended) reporter.remark('stopped, nothing left halfway');
  else reporter.remark('stopped');
}
