import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SNSClient } from '@aws-sdk/client-sns';
import { steady } from '#functions/clock/instants.ts';
import { dayMs, usualKeptForMs } from '#functions/clock/retention.ts';
import { ServerCalls } from '#functions/cryptshare/api-calls.ts';
import { CryptshareClient } from '#functions/cryptshare/client.ts';
import { Tokens } from '#functions/cryptshare/tokens.ts';
import { Verifications } from '#functions/cryptshare/verification-rows.ts';
import type { TableSource } from '#functions/dynamodb/index-pages.ts';
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

export type PollDependencies = Readonly<ReturnType<typeof pollDependencies>> & {
  /** Undefined on AWS: only the local run tells polls to stop. */
  readonly supervision?: Supervision | undefined;
};

/** Hooks that a process which can be told to stop, such as the local run, adds to an invocation's context. */
export interface Supervision {
  /** Aborted once no further poll may begin. */
  readonly stopping: AbortSignal;
  readonly polls: Set<Watch>;
  /** Called by each tick with the enabled watches that it has read. */
  readonly foresee?: (watches: readonly TimedWatch[], schedule: Schedule, tickAt: number) => void;
  /** Called every few seconds while a baseline is stored. */
  readonly storing?: (watch: Watch, progress: BaselineProgress) => void;
}

/** @param slots requests in flight for a whole shard */
export const pollRepositories = (source: TableSource, slots: number, keptForMs = usualKeptForMs) => ({
  /** Milliseconds for which rows of unlisted transfers and of removed watches are kept. */
  keptForMs,
  watches: new PolledWatches(source),
  shardRows: new ShardRows(source, slots),
  incidentRows: new IncidentRows(source),
  /** The snapshot of a watch, as one poll sees it. */
  snapshotOf: (watch: Watch): Snapshot => new Snapshot(source, watch, keptForMs),
});

/** @throws the file system's error when the CA file cannot be read, DataKeyError for a wrong data key */
export function serverDependencies(env: ReturnType<typeof readPollEnvironment | typeof readOperatorEnvironment>) {
  const now = () => new Date();
  /** Part of every event's id. */
  const origin = new URL(env.CRYPTSHARE_URL).origin;
  const calls = new ServerCalls({
    origin,
    clientId: env.CRYPTSHARE_CLIENT_ID,
    ca: env.CRYPTSHARE_CA_FILE && readFileSync(env.CRYPTSHARE_CA_FILE, 'utf8'),
    maxConcurrentPages: env.MAX_CONCURRENT_PAGES,
    ...{ now, steady, random: Math.random, sleep },
  });
  const source: TableSource = { dynamo: new DynamoDBClient(sdkSettings), table: env.TRANSFERS_TABLE };
  const dataKey = new DataKey(env.DATA_KEY);
  const tokens = new Tokens({ calls, verifications: new Verifications(source), dataKey });
  /** Keyed hash by which the recipients of a transfer are told apart. */
  const recipientKey = (trackingId: string, id: string) => dataKey.hashOf('recipient', trackingId, id);
  return { calls, tokens, origin, source, recipientKey, now, steady };
}

/** @throws as {@link serverDependencies} does */
export function pollDependencies(env: ReturnType<typeof readPollEnvironment>) {
  const { calls, source, ...shared } = serverDependencies(env);
  const tokens: Pick<Tokens, 'cachedVerification' | 'forgive'> = shared.tokens;
  const topic: EventsTopic = { sns: new SNSClient(sdkSettings), eventsTopicArn: env.TRANSFER_EVENTS_TOPIC_ARN, sleep };
  const schedule: Schedule = {
    shards: env.SHARDS,
    pollIntervalMs: env.POLL_INTERVAL_MS,
    fullListingEvery: env.FULL_LISTING_EVERY,
    quietIntervalMs: env.QUIET_INTERVAL_MS,
  };
  return {
    ...shared,
    ...pollRepositories(source, env.MAX_CONCURRENT_PAGES, env.TRANSFER_RETENTION_DAYS * dayMs),
    ...{ server: new CryptshareClient(calls, shared.tokens), tokens, topic, schedule },
  };
}
