import { randomBytes } from 'node:crypto';
import { ConfigError, loadConfig } from '../config.ts';
import { AwsEndpointError } from './aws-endpoints.ts';
import { personReporter, type Reporter, scriptReporter, watchWords } from './console.ts';
import { readCredentials } from './credentials.ts';
import { DataFolderError, storageError } from './data-folder.ts';
import { declaredWebhooks } from './declared-webhooks.ts';
import { startDemo } from './demo.ts';
import { NothingToStart, type Options, parseOptions } from './options.ts';
import { type RunOptions, startRun } from './runtime.ts';

// Whoever reads the output has gone, for instance `head`.
process.stdout.on('error', () => process.exit(0));

process.on('uncaughtException', end);
await main(process.argv.slice(2)).catch(end);

/** Ends the process, and with it embedded services that are up already. */
function end(thrown: Error): never {
  if (thrown instanceof NothingToStart) process.exit(thrown.exitCode);
  // Storage that fails may be met anywhere.
  const error = storageError('the data folder', thrown) ?? thrown;
  const isExplained = [ConfigError, DataFolderError, AwsEndpointError].some((explained) => error instanceof explained);
  console.error(isExplained ? error.message : `The notifier stopped: ${error.stack}`);
  process.exit(error instanceof ConfigError ? 2 : 1);
}

/** Runs until it is told to stop. */
async function main(args: readonly string[]): Promise<void> {
  const options = parseOptions(args);
  const reporter = options.json ? scriptReporter(process.stdout) : personReporter(process.stdout, () => new Date());
  if (options.config !== undefined) {
    await runUntilStopped(realRun(options.config, options), reporter, options.config);
  } else {
    const demo = await startDemo((receipt) => reporter.receipt(receipt));
    const { notifyExisting, awsEndpoints } = options;
    const run = {
      ...demo,
      data: undefined,
      notifyExisting,
      awsEndpoints,
      // Another implementation may keep what an earlier demo has left.
      prefix: Object.keys(awsEndpoints).length > 0 ? `demo-${randomBytes(4).toString('hex')}-` : '',
      endpoints: declaredWebhooks('demo', demo.config, {}, true),
      // The demo's receiver is on this machine.
      allowPrivateWebhooks: true,
      onSecret: demo.receiver.trust,
    };
    await runUntilStopped(run, reporter, 'demo').finally(() => demo.stop());
  }
}

/** Checks file and environment together, so that every mistake is told at once. */
function realRun(file: string, options: Options): RunOptions {
  const { data, notifyExisting, allowPrivateWebhooks, awsEndpoints } = options;
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
  return { config, credentials, data, notifyExisting, endpoints, allowPrivateWebhooks, awsEndpoints, prefix: '' };
}

async function runUntilStopped(options: RunOptions, reporter: Reporter, source: string): Promise<void> {
  const { config, data } = options;
  const run = await startRun(options, reporter);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => run.stop());
  reporter.ready([
    ['Transfer Notifier', `ready after ${process.uptime().toFixed(1)} s; Ctrl-C stops it`],
    ['Configuration', source],
    ['Cryptshare Server', config.server.url],
    ['Watches', config.watches.map(watchWords).join(', ')],
    ['Webhooks', config.webhooks.map(({ name }) => name).join(', ') || 'none'],
    ['Polls', `every ${config.schedule.every}`],
    ['Operator API', `${run.addresses.operator}, with the token in ${run.operatorFile}`],
    ['DynamoDB', run.addresses.dynamodb],
    ['SNS and SQS', run.addresses.queues],
    ['Data', data ?? 'in memory, gone when it stops'],
  ]);
  const idle = [
    ...(config.notify.email.length > 0 || config.notify.slack ? ['notify'] : []),
    ...(config.alarms ? ['alarms'] : []),
  ];
  if (idle.length > 0) reporter.remark(`no effect in the local run: ${idle.join(', ')}`);
  await run.ended;
  reporter.remark('stopped, nothing left halfway');
}
