import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SNSClient } from '@aws-sdk/client-sns';
import { steady } from '#functions/clock/instants.ts';
import { dayMs, usualKeptForMs } from '#functions/clock/retention.ts';
import { ServerCalls, type ServerOptions } from '#functions/cryptshare/api-calls.ts';
import { CryptshareClient } from '#functions/cryptshare/client.ts';
import { Tokens } from '#functions/cryptshare/tokens.ts';
import { Verifications } from '#functions/cryptshare/verification-rows.ts';
import type { EventsTopic } from '#functions/events/publish.ts';
import { DataKey } from '#functions/lambda/data-key.ts';
import type { readOperatorEnvironment, readPollEnvironment } from '#functions/lambda/environment.ts';
import { sdkSettings } from '#functions/lambda/sdk-settings.ts';
import { Snapshot } from '#functions/snapshot/snapshot.ts';
import type { BaselineProgress } from '#functions/snapshot/snapshot-rows.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { IncidentRows } from '#functions/watches/incident-rows.ts';
import { PolledWatches } from '#functions/watches/polled-watches.ts';
import type { Schedule, TimedWatch } from '#functions/watches/schedule.ts';
import { ShardRows } from '#functions/watches/shard-rows.ts';

export interface PollDependencies extends Pick<ServerOptions, 'now' | 'steady'>, ReturnType<typeof pollRepositories> {
  readonly server: CryptshareClient;
  readonly tokens: Pick<Tokens, 'cachedVerification' | 'forgive'>;
  /** Origin of the Cryptshare Server, part of every event's id. */
  readonly origin: string;
  readonly topic: EventsTopic;
  /** Keyed hash by which the recipients of a transfer are told apart. */
  readonly recipientKey: (trackingId: string, id: string) => string;
  readonly schedule: Schedule;
  /** Undefined on AWS: only the local run tells polls to stop. */
  readonly supervision?: Supervision | undefined;
}

/** Hooks that a process which can be told to stop, such as the local run, adds to an invocation's context. */
export interface Supervision {
  /** Aborted once no further poll may begin. */
  readonly stopping: AbortSignal;
  /** Watches whose polls are in flight. */
  readonly polls: Set<Watch>;
  /** Called by each tick with the enabled watches that it has read. */
  readonly foresee?: (watches: readonly TimedWatch[], schedule: Schedule, tickAt: number) => void;
  /** Called every few seconds while a baseline is stored. */
  readonly storing?: (watch: Watch, progress: BaselineProgress) => void;
}

/** @param slots requests in flight for a whole shard */
export const pollRepositories = (dynamo: DynamoDBClient, table: string, slots: number, keptForMs = usualKeptForMs) => ({
  /** Milliseconds for which rows of unlisted transfers and of removed watches are kept. */
  keptForMs,
  watches: new PolledWatches(dynamo, table),
  shardRows: new ShardRows(dynamo, table, slots),
  incidentRows: new IncidentRows(dynamo, table),
  /** The snapshot of a watch, as one poll sees it. */
  snapshotOf: (watch: Watch): Snapshot => new Snapshot(dynamo, table, watch, keptForMs),
});

/** @throws the file system's error when the CA file cannot be read, DataKeyError for a wrong data key */
export function serverDependencies(env: ReturnType<typeof readPollEnvironment | typeof readOperatorEnvironment>) {
  const now = () => new Date();
  const origin = new URL(env.CRYPTSHARE_URL).origin;
  const calls = new ServerCalls({
    origin,
    clientId: env.CRYPTSHARE_CLIENT_ID,
    ca: env.CRYPTSHARE_CA_FILE && readFileSync(env.CRYPTSHARE_CA_FILE, 'utf8'),
    maxConcurrentPages: env.MAX_CONCURRENT_PAGES,
    now,
    steady,
    random: Math.random,
    sleep,
  });
  const dynamo = new DynamoDBClient(sdkSettings);
  const table = env.TRANSFERS_TABLE;
  const dataKey = new DataKey(env.DATA_KEY);
  const tokens = new Tokens({ calls, verifications: new Verifications(dynamo, table), dataKey, sleep });
  const recipientKey = (trackingId: string, id: string) => dataKey.hashOf('recipient', trackingId, id);
  return { calls, tokens, origin, dynamo, table, recipientKey, now, steady };
}

/** @throws as {@link serverDependencies} does */
export function pollDependencies(env: ReturnType<typeof readPollEnvironment>): PollDependencies {
  const { calls, dynamo, table, ...shared } = serverDependencies(env);
  return {
    ...shared,
    ...pollRepositories(dynamo, table, env.MAX_CONCURRENT_PAGES, env.TRANSFER_RETENTION_DAYS * dayMs),
    server: new CryptshareClient(calls, shared.tokens),
    topic: {
      sns: new SNSClient(sdkSettings),
      eventsTopicArn: env.TRANSFER_EVENTS_TOPIC_ARN,
      sleep,
    },
    schedule: {
      shards: env.SHARDS,
      pollIntervalMs: env.POLL_INTERVAL_MS,
      fullListingEvery: env.FULL_LISTING_EVERY,
      quietIntervalMs: env.QUIET_INTERVAL_MS,
    },
  };
}
