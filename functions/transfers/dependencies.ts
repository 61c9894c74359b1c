import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SNSClient } from '@aws-sdk/client-sns';
import type { readOperatorEnvironment, readPollEnvironment } from '../env.ts';
import { steady } from '../instants.ts';
import { sdkSettings } from '../sdk-settings.ts';
import { Tokens } from '../verification/tokens.ts';
import { Verifications } from '../verification/verifications.ts';
import { DataKey } from '../webhooks/sealing.ts';
import { CryptshareClient } from './cryptshare.ts';
import type { PollDependencies } from './poll.ts';
import { ServerCalls } from './server-calls.ts';

/**
 * Builds what the Cryptshare Server and the transfers table are reached by.
 *
 * @throws the file system's error when the CA file cannot be read, DataKeyError for a wrong data key
 */
export function serverDependencies(
  env: ReturnType<typeof readPollEnvironment> | ReturnType<typeof readOperatorEnvironment>,
) {
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
  return { calls, tokens, origin, dynamo, table, now, steady, quietEvery: env.QUIET_EVERY };
}

/** Builds what polls work with; throws as {@link serverDependencies} does. */
export function pollDependencies(env: ReturnType<typeof readPollEnvironment>): PollDependencies {
  const { calls, quietEvery, ...shared } = serverDependencies(env);
  return {
    ...shared,
    server: new CryptshareClient(calls, shared.tokens),
    topics: {
      sns: new SNSClient(sdkSettings),
      eventsTopicArn: env.TRANSFER_EVENTS_TOPIC_ARN,
      noticesTopicArn: env.TRANSFER_NOTICES_TOPIC_ARN,
      sleep,
    },
    timetable: { shards: env.SHARDS, every: env.POLL_EVERY, fullListingEvery: env.FULL_LISTING_EVERY, quietEvery },
  };
}
