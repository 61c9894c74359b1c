import type { Units } from '#functions/dynamodb/partition.ts';

/** An installation, and what happens there. */
export interface Installation {
  readonly name: string;
  readonly watches: number;
  /** Transfers of each watch. */
  readonly transfers: number;
  /** Part of them that is active. */
  readonly activeShare: number;
  /** Minutes between two polls of a watch. */
  readonly every: number;
  /** Of so many polls of a watch one lists all of its transfers, the others the active ones. */
  readonly fullListingEvery: number;
  /** Minutes between two polls of a watch that has not changed for an hour; as all watches, if undefined. */
  readonly quietEvery?: number;
  /** Requests to the Cryptshare Server under way at the same time, in one shard: its part of `server.maxConcurrentPages`. */
  readonly pagesAtOnce: number;
  /** Milliseconds until a page of that server has arrived. */
  readonly pageLatency: number;
  /** Letters and digits of the client id, which each request carries. */
  readonly clientIdLength: number;
  /** Changes of transfers in a month, of each watch. */
  readonly changes: number;
  /** Hours of a month over which these changes spread evenly. */
  readonly changingHours: number;
  /** Changes that one poll finds and announces. */
  readonly together: number;
  /** Endpoints that want every event. */
  readonly endpoints: number;
  /** Chats that want every notice. */
  readonly chats: number;
  /** Notices in a month that go to a person by e-mail. */
  readonly emails: number;
}

/** What the benchmark metricNames. */
export interface MeasuredUse {
  readonly polls: PollUse;
  readonly registry: RegistryReads;
  readonly webhooks: WebhookUnits;
  /** Bytes of the rows of a month, DynamoDB's 100 for each row and for each place in an index included. */
  readonly stored: StoredBytes;
  readonly logs: LogBytes;
  readonly metrics: MetricCounts;
  /** Bytes of a request for a page without client id, TLS, TCP and IP. */
  readonly requestBytes: number;
}

/** What a watch takes of a tick, by what is listed of it. */
export interface PollUse {
  /** A tick of a shard with a handful of watches of which none is due. */
  readonly tick: Units;
  /** What it takes besides if one is, watches apart. */
  readonly busyTick: Units;
  readonly all: WatchUse;
  readonly active: WatchUse;
}

/** What a poll of one watch takes. */
export interface WatchUse extends Units {
  /** To the Cryptshare Server. */
  readonly requests: number;
  /** Milliseconds. */
  readonly cpu: number;
  /** What one change adds. */
  readonly change: Units & Pick<WatchUse, 'requests'>;
}

/** Read units of a tick for each watch in the registry, of which the first few are part of {@link PollUse.tick}. */
export interface RegistryReads {
  /** For each watch of the shard. */
  readonly own: number;
  /** For each watch of other shards. */
  readonly others: number;
}

/** Units of DynamoDB that webhooks cost, writes to indexes included. */
export interface WebhookUnits {
  /** In messages of their own. */
  readonly alone: EventUnits;
  /** For each event of a burst, as many of which as {@link assumptions.batch} says share an invocation. */
  readonly burst: EventUnits;
  /** A notice that no endpoint wants, in a message of its own. */
  readonly notice: Units;
  /** A sweep that finds nothing. */
  readonly sweep: Units;
}

/** Units for an event on its way. */
export interface EventUnits {
  /** An event that no endpoint wants. */
  readonly unwanted: Units;
  /** One that some want, without what each of these adds. */
  readonly event: Units;
  /** What each endpoint that wants it adds. */
  readonly creation: Units;
  /** An attempt that succeeds. */
  readonly delivery: Units;
}

/** Bytes of rows. */
export interface StoredBytes {
  /** Of a transfer. */
  readonly transfer: number;
  /** Of an event that endpoints want, without its deliveries. */
  readonly event: number;
  /** What each delivery with its attempt adds. */
  readonly delivery: number;
}

/** Bytes that functions log, CloudWatch's 26 for each line included, what Lambda logs itself not. */
export interface LogBytes {
  /** An invocation of poll, beside its watches. */
  readonly tick: number;
  /** Each watch that is polled without a change. */
  readonly quiet: number;
  /** Each watch that is polled with one. */
  readonly changed: number;
  readonly fanOut: number;
  /** An invocation of deliver, beside its deliveries. */
  readonly deliver: number;
  /** Each delivery that succeeds. */
  readonly delivery: number;
  readonly sweep: number;
}

/** Metrics of its own, each of which is charged for the hours in which it is sent. */
export interface MetricCounts {
  /** Sent by each tick or sweep. */
  readonly always: number;
  /** Sent besides where something changes and is delivered. */
  readonly changing: number;
}

/** What the stack declares. */
export interface Deployed {
  /** MB of each function. */
  readonly memory: Readonly<Record<'poll' | 'fanOut' | 'deliver' | 'sweep', number>>;
  /** Queues that Lambda listens to. */
  readonly listenedQueues: number;
  /** Whether notices reach the webhooks only if a chat wants them. */
  readonly noticesAreFiltered: boolean;
  /** Bytes that Lambda itself logs of an invocation that succeeds. */
  readonly platformLog: number;
  readonly secrets: number;
  readonly dashboards: number;
  /** An alarm counts once for each metric that it looks at. */
  readonly alarmMetrics: number;
}
