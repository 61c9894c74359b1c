import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { BriefFormat } from '#functions/lambda/logger.ts';
import { serviceName } from '#functions/lambda/metric-names.ts';
import type { WatchPoll } from '#functions/poll/poll-shard.ts';
import { logPollOfTick, reportShard } from '#functions/poll/report.ts';
import type { Settled } from '#functions/webhooks/deliveries/settled.ts';
import { reportDeliveries, reportFanOut, reportSweep } from '#functions/webhooks/engine/report.ts';
import { usualStack } from '#infra/config/usual-names.ts';
import { lambdaContext } from '#infra/local/services/lambda.ts';
import { assumed } from '#test/bench/bill/assumptions.ts';

/** Bytes that CloudWatch adds to the text of each line. */
const lineOverhead = 26;

/** Lambda has one in the environment of every invocation, traced or not. */
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

/** A poll that finds one change. */
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

/**
 * Has functions report ordinary invocations, and measures the metrics sent and the bytes of the log. CloudWatch's own
 * bytes for each line count, too. Lambda's own lines are not part of it.
 */
export function measureLogs() {
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
    reportSweep(logger, metrics, { woken: 0, left: 0, longestWaitMs: 0, announced: 0, failed: 0 }),
  );
  const always = new Set([...ticks.metrics, ...sweep.metrics]);
  const sent = new Set([...always, ...changed.metrics, ...fanOut.metrics, ...deliver.metrics]);
  return {
    logs: {
      /** An invocation of poll, without its watches. */
      tick: tick.bytes - quietBytes,
      /** Each watch that is polled without a change, and each with one. */
      quiet: quietBytes,
      changed: changed.bytes - tick.bytes,
      fanOut: fanOut.bytes,
      /** An invocation of deliver, without its deliveries, and each delivery that succeeds. */
      deliver: deliver.bytes - deliveryBytes,
      delivery: deliveryBytes,
      sweep: sweep.bytes,
    },
    /** AWS charges a metric for hours in which it is sent: by ticks and sweeps, or by changes and deliveries. */
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

/** Measures what a function writes to its log as it reports, with the context of the invocation in each line. */
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

/** Names of the metrics in a line. */
function metricsIn(line: string): string[] {
  const { _aws: told } = JSON.parse(line) as {
    readonly _aws?: {
      readonly CloudWatchMetrics: readonly { readonly Metrics: readonly { readonly Name: string }[] }[];
    };
  };
  return (told?.CloudWatchMetrics ?? []).flatMap(({ Metrics }) => Metrics.map(({ Name }) => Name));
}
