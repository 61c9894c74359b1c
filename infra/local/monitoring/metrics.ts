import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { pollsOfTicks } from '#functions/poll/handle-invocation.ts';
import type { ShardPoll, WatchPoll } from '#functions/poll/poll-shard.ts';
import { type DeliveryFacts, settledChannel } from '#functions/webhooks/deliveries/settled.ts';
import type { Endpoint } from '#functions/webhooks/endpoints/endpoint.ts';
import type { Answers } from '#infra/api/answers.ts';
import { type ReadPath, readersTogether, StateGauges } from './state-gauges.ts';

/** Milliseconds between measurements of the event loop's delay: the library's own 10 would wake an idle process. */
const eventLoopMonitoringPrecision = 100;

/** Upper bounds in seconds: a poll or an attempt takes some milliseconds, or as long as its timeout. */
const buckets = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60];

/**
 * Metrics of a local run, for Prometheus. They name endpoints, but neither mailboxes nor readers. Counters begin at 0 with
 * each start of the notifier.
 */
export class NotifierMetrics {
  private readonly registry = new Registry();
  private readonly polls = this.counter('polls_total', 'Polls of watches by the schedule.', ['outcome']);
  private readonly problems = this.counter('poll_problems_total', 'Polls with a problem, by its cause.', ['cause']);
  private readonly requests = this.counter('server_requests_total', 'Requests to the Cryptshare Server for listings.');
  private readonly events = this.counter('events_published_total', 'Events published by polls, repetitions included.');
  private readonly attempts = this.counter('attempts_total', 'Attempts to deliver.', ['endpoint', 'outcome']);
  private readonly deliveries = this.counter(
    'deliveries_total',
    'Steps of deliveries by the status that they led to; PENDING waits for another attempt.',
    ['endpoint', 'status'],
  );
  private readonly ticks = this.counter('ticks_total', 'Ticks that ended.', ['outcome']);
  private readonly heartbeats = this.counter('heartbeats_total', 'Calls of heartbeat.url.', ['outcome']);
  private readonly pollSeconds = this.histogram('poll_duration_seconds', 'Duration of polls.');
  private readonly attemptSeconds = this.histogram('attempt_duration_seconds', 'Duration of attempts to deliver.');
  private readonly lastTick = this.time('last_good_tick', 'the last tick that ended well');
  private readonly lastListing = this.time('last_complete_listing', 'the last complete listing of any watch');
  private readonly readers: Set<string>;
  private readonly state: StateGauges;

  /**
   * @param version of the notifier
   * @param readers names of readers by e-mail, which metrics do not tell apart
   * @param read asks the operator API for what is stored
   */
  constructor(version: string, readers: readonly string[], read: ReadPath) {
    this.readers = new Set(readers);
    this.state = new StateGauges(this.registry, read, () => performance.now());
    const build = { name: 'transfer_notifier_build_info', help: 'Version of the notifier, as a label.' };
    new Gauge({ ...build, labelNames: ['version'], registers: [this.registry] }).set({ version }, 1);
    // Without a first value, Prometheus would not see the first increase.
    for (const outcome of ['unchanged', 'changed', 'baseline', 'superseded', 'failed']) this.polls.inc({ outcome }, 0);
    for (const outcome of ['good', 'failed']) this.ticks.inc({ outcome }, 0);
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision });
    subscribe(pollsOfTicks.name, this.onPoll);
    subscribe(settledChannel.name, this.onSettled);
  }

  /** Content type of {@link text}, with the version of the format. */
  get contentType(): string {
    return this.registry.contentType;
  }

  /** Writes all metrics in Prometheus's text format. */
  async text(): Promise<string> {
    await this.state.refresh();
    return this.registry.metrics();
  }

  /** Learns the names of stored readers by e-mail. The file does not name those any more that it has disabled. */
  endpoints(stored: readonly Pick<Endpoint, 'name' | 'format'>[]): void {
    for (const { name, format } of stored) if (format === 'email') this.readers.add(name);
  }

  /** Counts a tick. @param isWell see `tickJudge` */
  ticked(isWell: boolean): void {
    this.ticks.inc({ outcome: isWell ? 'good' : 'failed' });
    if (isWell) this.lastTick.setToCurrentTime({});
  }

  heartbeat(isTaken: boolean): void {
    this.heartbeats.inc({ outcome: isTaken ? 'taken' : 'failed' });
  }

  close(): void {
    unsubscribe(pollsOfTicks.name, this.onPoll);
    unsubscribe(settledChannel.name, this.onSettled);
  }

  private readonly onPoll = (message: unknown): void => {
    const { outcome, problem, requests, published, isComplete, durationMs } = message as WatchPoll;
    this.polls.inc({ outcome });
    if (problem) this.problems.inc({ cause: problem.cause });
    this.requests.inc(requests);
    this.events.inc(published);
    this.pollSeconds.observe(durationMs / 1000);
    if (isComplete) this.lastListing.setToCurrentTime({});
  };

  private readonly onSettled = (message: unknown): void => {
    const { endpoint: name, status, ...facts } = message as DeliveryFacts;
    // No row tells whether a removed one was a reader.
    const known = facts.reason === 'endpoint_removed' ? '(removed)' : name;
    const endpoint = this.readers.has(name) ? readersTogether : known;
    this.deliveries.inc({ endpoint, status });
    if (facts.durationMs === undefined) return;
    this.attempts.inc({ endpoint, outcome: facts.outcome === 'delivered' ? 'delivered' : 'failed' });
    this.attemptSeconds.observe(facts.durationMs / 1000);
  };

  private counter<Label extends string>(name: string, help: string, labelNames: readonly Label[] = []): Counter<Label> {
    return new Counter({ name: `transfer_notifier_${name}`, help, labelNames, registers: [this.registry] });
  }

  private histogram(name: string, help: string): Histogram {
    return new Histogram({ name: `transfer_notifier_${name}`, help, buckets, registers: [this.registry] });
  }

  /** Gauge of an instant; absent, unlike 0, until there is one. */
  private time(name: string, what: string): Gauge {
    const full = `transfer_notifier_${name}_timestamp_seconds`;
    const gauge = new Gauge({ name: full, help: `Unix time of ${what}.`, registers: [this.registry] });
    gauge.remove();
    return gauge;
  }
}

/**
 * Judges ticks: one that polled watches is well if it listed one of them completely. One without a due watch is as the
 * tick before it. For the first ones after a start, the polls count that are stored; and a tick after bad ones is well
 * once no watch is left that was not listed, because it was removed or paused.
 */
export function tickJudge(read: ReadPath): (tick: Pick<ShardPoll, 'polls'>) => Promise<boolean> {
  let isWell: boolean | undefined;
  let judged = 0;
  return async ({ polls }) => {
    judged += 1;
    if (polls.length > 0) isWell = polls.some(({ isComplete }) => isComplete);
    else if (!isWell) {
      const tick = judged;
      const wasWell = await areStoredPollsWell(read, isWell).catch(() => isWell);
      // The next tick may have polled since.
      if (tick === judged) isWell = wasWell;
    }
    return isWell ?? false;
  };
}

/** True without a watch, or without one that was not listed last; after a start, one that was listed suffices. */
async function areStoredPollsWell(read: ReadPath, before: boolean | undefined): Promise<boolean> {
  const { watches, polls } = await read<Answers['showStatus']>('/status');
  const enabled = watches.all - watches.disabled;
  if (enabled === 0) return true;
  return polls.lastAt !== undefined && (before === undefined ? polls.incomplete < enabled : polls.incomplete === 0);
}
