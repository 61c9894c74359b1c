import type { Units } from '../../functions/table.ts';
import { assumptions } from './bill-assumptions.ts';
import type { Quantities } from './prices.ts';

/** An installation, and what happens there. */
export interface Installation {
  readonly name: string;
  readonly watches: number;
  /** Transfers of each watch. */
  readonly transfers: number;
  /** Minutes between two polls of a watch. */
  readonly every: number;
  /** Requests to the Cryptshare Server under way at the same time, in one shard: its part of `server.maxConcurrentPages`. */
  readonly pagesAtOnce: number;
  /** Milliseconds until a page of that server has arrived. */
  readonly pageLatency: number;
  /** Changes of transfers in a month, of each watch. */
  readonly changes: number;
  /** Endpoints that want every event. */
  readonly endpoints: number;
  /** Notices in a month that go to a person by e-mail. */
  readonly emails: number;
}

/** What the benchmark measures. */
export interface MeasuredUse {
  /** A poll of one watch that finds nothing changed. */
  readonly quiet: Units & {
    /** Requests to the Cryptshare Server. */
    readonly requests: number;
    /** Milliseconds. */
    readonly cpu: number;
  };
  /** A poll of one watch that finds one change. */
  readonly change: Units;
  /** Read units of the registry for each watch in it; all of them are read by every shard. */
  readonly registryReads: number;
  readonly webhooks: WebhookUnits;
  readonly logs: LogBytes;
}

/** Units of DynamoDB that webhooks cost, writes to indexes included. */
export interface WebhookUnits {
  /** An event that no endpoint wants, in a message of its own. */
  readonly event: Units;
  /** A notice that no endpoint wants, likewise. */
  readonly notice: Units;
  /** What each endpoint that wants an event adds to it. */
  readonly creation: Units;
  /** An attempt that succeeds, in a message of its own. */
  readonly delivery: Units;
  /** A sweep that finds nothing. */
  readonly sweep: Units;
}

/** Bytes that functions log, CloudWatch's 26 for each line included, what Lambda logs itself not. */
export interface LogBytes {
  /** An invocation of poll, beside its watches. */
  readonly poll: number;
  /** Each watch that is polled. */
  readonly watch: number;
  readonly fanOut: number;
  /** An invocation of deliver for one delivery. */
  readonly deliver: number;
  readonly sweep: number;
}

/** What the stack declares. */
export interface Deployed {
  /** MB of each function. */
  readonly memory: Readonly<Record<'poll' | 'fanOut' | 'deliver' | 'sweep', number>>;
  /** Queues that Lambda listens to. */
  readonly listenedQueues: number;
  readonly secrets: number;
  readonly customMetrics: number;
  readonly dashboards: number;
  /** An alarm counts once for each metric that it looks at. */
  readonly alarmMetrics: number;
}

/** What an installation uses in a month. */
export interface MonthlyUse {
  readonly shards: number;
  /** Milliseconds of a shard's poll of what is due at a tick. */
  readonly pollDuration: number;
  /** Requests to the Cryptshare Server. */
  readonly requests: number;
  readonly changes: number;
  readonly quantities: Quantities;
}

/** Watches polled at the same time in one invocation. */
const watchesAtOnce = 8;

/** Milliseconds of an invocation that polls so many of the watches and finds nothing changed. */
export function pollDuration(
  watches: number,
  { pagesAtOnce, pageLatency }: Installation,
  { quiet }: MeasuredUse,
  { memory }: Deployed,
): number {
  const { pollOverhead, watchOverhead, memoryOfOneCpu } = assumptions;
  // The first page and the one that shows the end have to be waited for; what is between comes several at once.
  const alone = Math.min(quiet.requests, 2) + Math.max(0, Math.ceil((quiet.requests - 2) / pagesAtOnce));
  const rounds = Math.max(alone, (watches * quiet.requests) / pagesAtOnce, (watches * alone) / watchesAtOnce);
  const waiting = rounds * pageLatency + Math.max(1, watches / watchesAtOnce) * watchOverhead;
  const computing = (watches * quiet.cpu * memoryOfOneCpu) / memory.poll;
  return pollOverhead + Math.max(waiting, computing);
}

/** Milliseconds between two ticks of a shard. */
const tick = 60_000;

/** Shards that it takes to poll what is due at a tick well before the next one. */
export function shardsFor(installation: Installation, measured: MeasuredUse, deployed: Deployed): number {
  const { watches, every } = installation;
  const limit = assumptions.fullShard * tick;
  const fits = (shards: number) =>
    pollDuration(Math.ceil(watches / shards / every), installation, measured, deployed) <= limit;
  let shards = 1;
  while (shards < watches && !fits(shards)) shards += 1;
  return shards;
}

/** What an installation uses in a month. */
export function monthlyUse(installation: Installation, measured: MeasuredUse, deployed: Deployed): MonthlyUse {
  const { watches, transfers, every, endpoints, emails } = installation;
  const { quiet, change, registryReads, webhooks, logs } = measured;
  const { memory } = deployed;
  const minutes = assumptions.days * 24 * 60;
  const shards = shardsFor(installation, measured, deployed);
  const polls = watches * (minutes / every);
  const ticks = shards * minutes;
  // With few watches that are polled seldom, nothing is due at most ticks.
  const busyTicks = Math.min(ticks, polls);
  const duration = pollDuration(polls / busyTicks, installation, measured, deployed);
  const changes = watches * installation.changes;
  const quietPolls = Math.max(0, polls - changes);
  const requests = polls * quiet.requests;
  const deliveries = changes * endpoints;
  const publications = 2 * changes;
  const sweeps = minutes;
  const units = (kind: keyof Units) =>
    quietPolls * quiet[kind] +
    changes * (change[kind] + webhooks.event[kind] + webhooks.notice[kind]) +
    deliveries * (webhooks.creation[kind] + webhooks.delivery[kind]) +
    sweeps * webhooks.sweep[kind];
  const gigabyteSeconds =
    (memory.poll *
      (busyTicks * duration + (ticks - busyTicks) * assumptions.pollOverhead + changes * assumptions.changeDuration) +
      memory.fanOut * publications * assumptions.fanOutDuration +
      memory.deliver * deliveries * assumptions.deliverDuration +
      memory.sweep * sweeps * assumptions.sweepDuration) /
    (1024 * 1000);
  const ofFunctions = ticks + publications + deliveries + sweeps;
  const logged =
    (ticks * logs.poll +
      polls * logs.watch +
      publications * logs.fanOut +
      deliveries * logs.deliver +
      sweeps * logs.sweep +
      ofFunctions * assumptions.platformLog) /
    1e9;
  const stored =
    (watches * transfers * assumptions.transferBytes +
      changes * assumptions.eventBytes +
      deliveries * assumptions.deliveryBytes) /
    1e9;
  return {
    shards,
    pollDuration: duration,
    requests,
    changes,
    quantities: {
      dynamoReads: units('read') + ticks * Math.max(1, Math.ceil(watches * registryReads)),
      // A shard is taken and given back.
      dynamoWrites: units('write') + 2 * busyTicks,
      dynamoStorage: stored,
      dynamoBackup: stored,
      lambdaCompute: gigabyteSeconds,
      lambdaRequests: ofFunctions,
      schedulerInvocations: ticks + sweeps,
      // Each message is sent, received and deleted.
      sqsRequests: deployed.listenedQueues * assumptions.idleReceives + 3 * (publications + deliveries),
      sqsFairness: deliveries,
      snsPublishes: publications,
      snsEmails: emails,
      secrets: deployed.secrets,
      secretCalls: secretCalls(ticks, shards) + secretCalls(deliveries, busy(deliveries, assumptions.deliverDuration)),
      logIngestion: logged,
      logStorage: logged * assumptions.logCompression,
      customMetrics: deployed.customMetrics,
      dashboards: deployed.dashboards,
      alarmMetrics: deployed.alarmMetrics,
      dataOut: (requests * assumptions.requestBytes + deliveries * assumptions.webhookBytes) / 1e9,
    },
  };
}

/** Calls for the secret: each process repeats its own after a while, but only when it is invoked. */
const secretCalls = (invocations: number, processes: number): number =>
  Math.min(invocations, (processes * assumptions.days * 86_400) / assumptions.secretAge);

/** Processes that it takes on average for so many invocations a month of so many milliseconds. */
const busy = (invocations: number, duration: number): number =>
  Math.ceil((invocations * duration) / (assumptions.days * 86_400_000));
