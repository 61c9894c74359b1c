import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { serviceName } from '../../functions/measures.ts';
import { logPoll, reportShard } from '../../functions/transfers/report.ts';
import type { WatchPoll } from '../../functions/transfers/shard.ts';
import { reportDeliveries, reportFanOut, reportSweep } from '../../functions/webhooks/report.ts';
import { lambdaContext } from '../../infra/local/lambda.ts';
import { usualStack } from '../../infra/usual-names.ts';
import type { LogBytes } from './monthly-use.ts';

/** Bytes that CloudWatch counts for each line beside its text. */
const lineOverhead = 26;

/** As Lambda has one in the environment of every invocation, traced or not. */
const traceId = 'Root=1-69240000-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0';

const poll: WatchPoll = {
  outcome: 'unchanged',
  scope: 'all',
  isComplete: true,
  pages: 11,
  requests: 11,
  transfers: 1000,
  changed: 0,
  published: 0,
  units: { read: 1, write: 0 },
  trouble: undefined,
  watch: { mailbox: 'alice@example.com', direction: 'sent' },
  duration: 561,
  sinceComplete: 0,
};

const now = Date.UTC(2026, 10, 24);

const delivery = {
  event: `evt_${'a'.repeat(26)}`,
  endpoint: 'crm',
  endpointSince: new Date(now).toISOString(),
  eventAt: new Date(now).toISOString(),
  rev: 2,
  status: 'DELIVERED',
  attempt: 1,
  nextAttemptAt: now,
} as const;

/** Measures what functions log, by having them log an ordinary invocation. */
export function measureLogs(): LogBytes {
  return {
    poll: bytesOf('poll', (logger, metrics) => reportShard(logger, metrics, { polls: [poll], skipped: 0 })),
    watch: bytesOf('poll', (logger) => logPoll(logger, poll)),
    fanOut: bytesOf('fan-out', (logger, metrics) =>
      reportFanOut(logger, metrics, { deliveries: 1, handedOn: 0, unrung: 0, unhandled: [] }),
    ),
    deliver: bytesOf('deliver', (logger, metrics) =>
      reportDeliveries(logger, metrics, {
        settled: [
          {
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
              clockDifference: 0,
            },
          },
        ],
        unhandled: [],
      }),
    ),
    sweep: bytesOf('sweep', (logger, metrics) =>
      reportSweep(logger, metrics, { rung: 0, left: 0, longestWait: 0, announced: 0, failed: 0 }),
    ),
  };
}

/** Bytes that a function writes to its log as it reports, with everything that each line tells of the invocation. */
function bytesOf(name: string, report: (logger: Logger, metrics: Metrics) => void): number {
  const logger = new Logger({ serviceName, logLevel: 'INFO' });
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
  return lines.reduce((sum, line) => sum + Buffer.byteLength(line) + lineOverhead, 0);
}
