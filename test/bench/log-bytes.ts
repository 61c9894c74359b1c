import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { BriefFormat } from '#functions/lambda/log-format.ts';
import { serviceName } from '#functions/lambda/metric-names.ts';
import type { WatchPoll } from '#functions/poll/poll-shard.ts';
import { logPollOfTick, reportShard } from '#functions/poll/report.ts';
import type { Settled } from '#functions/webhooks/deliveries/settled.ts';
import { reportDeliveries, reportFanOut, reportSweep } from '#functions/webhooks/engine/report.ts';
import { usualStack } from '#infra/config/usual-names.ts';
import { lambdaContext } from '#infra/local/services/lambda.ts';
import { assumed } from './bill-assumptions.ts';
import type { LogBytes, MetricCounts } from './use.ts';

/** Bytes that CloudWatch counts for each line beside its text. */
const lineOverhead = 26;

/** As Lambda has one in the environment of every invocation, traced or not. */
const traceId = 'Root=1-69240000-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0';

const quiet: WatchPoll = {
  outcome: 'unchanged',
  scope: 'all',
  isComplete: true,
  pages: 11,
  requests: 11,
  transfers: 1000,
  changed: 0,
  published: 0,
  units: { read: 1, write: 0 },
  problem: undefined,
  watch: { mailbox: 'alice@example.com', direction: 'sent' },
  durationMs: 561,
  sinceCompleteMs: 0,
};

/** Of a watch in which one transfer has changed. */
const change: WatchPoll = { ...quiet, outcome: 'changed', changed: 1, published: 1, units: { read: 3, write: 5 } };

const now = Date.UTC(2026, 10, 24);

const delivery = {
  event: `evt_${'a'.repeat(26)}`,
  endpoint: 'crm',
  endpointSince: new Date(now).toISOString(),
  eventAt: new Date(now).toISOString(),
  body: '',
  rev: 2,
  status: 'DELIVERED',
  attempt: 1,
  nextAttemptAt: now,
} as const;

const success: Settled = {
  delivery,
  attempt: {
    delivery,
    startedAt: now,
    endedAt: now + 150,
    outcome: { kind: 'delivered' },
    status: 204,
    response: '',
    failure: undefined,
    code: undefined,
    clockDifferenceMs: 0,
  },
};

/** What functions write down of ordinary invocations. */
export interface MeasuredLogs {
  readonly bytes: LogBytes;
  readonly metrics: MetricCounts;
}

/** Measures what functions log, by having them log ordinary invocations, and which metrics they send with that. */
export function measureLogs(): MeasuredLogs {
  const tick = writtenBy('poll', reportTick([quiet]));
  const ticks = writtenBy('poll', reportTick([quiet, quiet]));
  const changed = writtenBy('poll', reportTick([quiet, change]));
  const quietBytes = ticks.bytes - tick.bytes;
  const fanOut = writtenBy('fan-out', (logger, metrics) =>
    reportFanOut(logger, metrics, { deliveries: 1, handedOn: 0, unhandled: [] }),
  );
  const deliver = writtenBy('deliver', reportSuccesses(1));
  const deliveryBytes = writtenBy('deliver', reportSuccesses(2)).bytes - deliver.bytes;
  const sweep = writtenBy('sweep', (logger, metrics) =>
    reportSweep(logger, metrics, { woken: 0, left: 0, longestWait: 0, announced: 0, failed: 0 }),
  );
  const always = new Set([...ticks.metrics, ...sweep.metrics]);
  const sent = new Set([...always, ...changed.metrics, ...fanOut.metrics, ...deliver.metrics]);
  return {
    bytes: {
      tick: tick.bytes - quietBytes,
      quiet: quietBytes,
      changed: changed.bytes - tick.bytes,
      fanOut: fanOut.bytes,
      deliver: deliver.bytes - deliveryBytes,
      delivery: deliveryBytes,
      sweep: sweep.bytes,
    },
    metrics: { always: always.size, changing: sent.size - always.size },
  };
}

type Reporting = (logger: Logger, metrics: Metrics) => void;

const reportTick =
  (polls: readonly WatchPoll[]): Reporting =>
  (logger, metrics) => {
    for (const poll of polls) logPollOfTick(logger, poll);
    reportShard(logger, metrics, { polls, skipped: 0 });
  };

const reportSuccesses =
  (count: number): Reporting =>
  (logger, metrics) =>
    reportDeliveries(logger, metrics, { settled: Array.from({ length: count }, () => success), unhandled: [] }, 0);

/** What a function writes to its log as it reports, with everything that each line tells of the invocation. */
function writtenBy(name: string, report: Reporting): { bytes: number; metrics: readonly string[] } {
  const logger = new Logger({ serviceName, logLevel: 'INFO', logFormatter: new BriefFormat() });
  logger.addContext(lambdaContext(`TransferNotifier-TransferPoller-${name}`.padEnd(64, 'x'), 1000));
  const metrics = new Metrics({ namespace: usualStack, serviceName });
  const lines: string[] = [];
  const { write } = process.stdout;
  process.env._X_AMZN_TRACE_ID = traceId;
  process.stdout.write = (text: string | Uint8Array) => {
    lines.push(String(text));
    return true;
  };
  try {
    report(logger, metrics);
    if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
  } finally {
    process.stdout.write = write;
    delete process.env._X_AMZN_TRACE_ID;
  }
  return {
    bytes: lines.reduce((sum, line) => sum + bytesOf(line), 0),
    metrics: lines.flatMap(metricsIn),
  };
}

const bytesOf = (line: string): number =>
  Buffer.byteLength(line) + lineOverhead + (metricsIn(line).length > 0 ? assumed('metricStamp') : 0);

/** Names of the metrics that a line tells CloudWatch of. */
function metricsIn(line: string): string[] {
  const { _aws: told } = JSON.parse(line) as {
    readonly _aws?: {
      readonly CloudWatchMetrics: readonly { readonly Metrics: readonly { readonly Name: string }[] }[];
    };
  };
  return (told?.CloudWatchMetrics ?? []).flatMap(({ Metrics }) => Metrics.map(({ Name }) => Name));
}
