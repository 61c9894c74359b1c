import { randomBytes } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { CommanderError } from 'commander';
import { ConfigError } from '#infra/config/config.ts';
import { usualDataFolder } from '#infra/config/usual-names.ts';
import { calmReporter } from '#infra/local/console/calm-reporter.ts';
import { personReporter, type Reporter, scriptReporter } from '#infra/local/console/console.ts';
import type { LineOutput } from '#infra/local/console/output.ts';
import { watchWords } from '#infra/local/console/poll-news.ts';
import { DataFolderError, storageError } from '#infra/local/data/data-folder.ts';
import { startDemo } from '#infra/local/demo/demo.ts';
import { smtpOptionsOf } from '#infra/local/mail/mail-sender.ts';
import { MailServerError, requireMailServer } from '#infra/local/mail/verify-smtp.ts';
import { exitCodes } from '#infra/local/process/exit-codes.ts';
import { ListenError } from '#infra/local/process/listening.ts';
import { tellSupervisor } from '#infra/local/process/supervisor.ts';
import { AwsEndpointError } from '#infra/local/services/aws-endpoints.ts';
import { printableLines } from '#infra/terminal/printable.ts';
import type { Daemon } from './daemon.ts';
import { declaredWebhooks } from './declared-webhooks.ts';
import { type Options, parseOptions } from './options.ts';
import { type RunOptions, realRun } from './real-run.ts';
import { startRunConsole } from './run-console.ts';
import { startRun } from './runtime.ts';

/** Milliseconds between looks for lines that are due. */
const tickMs = 200;

/** Runs the command line until it is stopped, explains a failure on stderr, and returns the exit code. */
export async function runNotifier(args: readonly string[], daemon: Daemon): Promise<number> {
  // The first error is the cause of the others.
  const { promise: broken, reject } = Promise.withResolvers<never>();
  process.on('uncaughtException', reject);
  let close: Reporter['close'];
  try {
    const options = parseOptions(args);
    const reporter = reporterOf(options, daemon.output);
    close = reporter.close;
    // A second signal, or the end of the time for a stop, ends the process at once.
    process.on('exit', () => close?.());
    if (reporter.tick) setInterval(reporter.tick, tickMs);
    await Promise.race([run(options, daemon, reporter), broken]);
    close?.();
    return exitCodes.stopped;
  } catch (error) {
    close?.();
    return exitCodeAfter(error as Error);
  }
}

function reporterOf({ json, verbose, config }: Options, output: LineOutput): Reporter {
  if (json) return scriptReporter(output);
  return verbose ? personReporter(output, () => new Date()) : calmReporter(output, Date.now, config !== undefined);
}

function exitCodeAfter(thrown: Error): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCodes.stopped : exitCodes.wrongStart;
  // Errors of storage can occur anywhere.
  const error = storageError('the data folder', thrown) ?? thrown;
  const explained = [ConfigError, DataFolderError, AwsEndpointError, ListenError, MailServerError];
  const isExplained = explained.some((kind) => error instanceof kind);
  console.error(printableLines(isExplained ? error.message : `The notifier stopped: ${error.stack}`));
  return error instanceof ConfigError ? exitCodes.wrongStart : exitCodes.broken;
}

async function run(options: Options, daemon: Daemon, reporter: Reporter): Promise<void> {
  if (options.config !== undefined) {
    const real = realRun(options.config, options, process.env);
    await requireMailServer(options.config, smtpOptionsOf(real.config, real.credentials));
    await runUntilStopped(real, daemon, reporter, options);
  } else {
    const demo = await startDemo((receipt) => reporter.receipt(receipt));
    const demoRun = {
      ...options,
      ...demo,
      // Another implementation may still have the tables of an earlier demo.
      prefix: Object.keys(options.awsEndpoints).length > 0 ? `demo-${randomBytes(4).toString('hex')}-` : '',
      endpoints: declaredWebhooks(demo.config, {}, true).endpoints,
      allowPrivateWebhooks: true,
      onSecret: demo.receiver.trust,
    };
    await runUntilStopped(demoRun, daemon, reporter, options);
  }
}

async function runUntilStopped(run: RunOptions, daemon: Daemon, reporter: Reporter, options: Options): Promise<void> {
  const { config, data } = run;
  const { databaseUrl, queuesUrl, operator, metricsUrl, ended, stop } = await startRun(run, reporter);
  daemon.runs(stop, reporter.warning);
  const folder = dirname(operator.file);
  const isUsual = resolve(folder) === resolve(usualDataFolder);
  const hint = (command: string) => `npm run notifier -- ${command}${isUsual ? '' : ` --data ${folder}`}`;
  const onFault = ({ stack }: Error) => reporter.warning(`the console failed to make a page: ${stack}`);
  // Other output than a terminal is kept, and must not have the token of the address.
  const isSeen = !options.json && daemon.output.stream.isTTY;
  const shown = isSeen ? await startRunConsole({ operator, config: options.config, hint, onFault }) : undefined;
  reporter.ready([
    ['Console', shown?.firstAddress ?? hint('console')],
    ['Transfer Notifier', `ready after ${process.uptime().toFixed(1)} s; Ctrl-C stops it`],
    ['Configuration', options.config ?? 'demo'],
    ['Cryptshare Server', config.server.url],
    ['Watches', config.watches.map(watchWords).join(', ') || `none in the configuration: ${hint('watch add MAILBOX')}`],
    ['Webhooks', namesOf(config.webhooks)],
    ['Readers', namesOf(config.notify.readers)],
    ['Polls', `every ${config.schedule.every}`],
    ['Operator API', `${operator.url}, with the token in ${operator.file}`],
    ['Ask it', hint('status')],
    ...(metricsUrl === undefined ? [] : [['Metrics', metricsUrl] as const]),
    ['DynamoDB', databaseUrl],
    ['SNS and SQS', queuesUrl],
    ['Data', data ?? 'in memory, gone when it stops'],
  ]);
  tellSupervisor(process.env);
  if (config.alarmEmail) reporter.warning('no effect in the local run: alarms');
  try {
    reporter.warning((await ended) ? 'stopped, nothing left halfway' : 'stopped');
  } finally {
    await shown?.close();
  }
}

const namesOf = (named: readonly { readonly name: string }[]): string =>
  named.map(({ name }) => name).join(', ') || 'none';
