import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SNSClient } from '@aws-sdk/client-sns';
import type { readPollEnvironment } from '../env.ts';
import { CryptshareClient } from './cryptshare.ts';
import type { PollDependencies } from './poll.ts';

/**
 * Builds what polls work with.
 *
 * @throws the file system's error when the CA file cannot be read
 */
export function pollDependencies(env: ReturnType<typeof readPollEnvironment>): PollDependencies {
  const now = () => new Date();
  const origin = new URL(env.CRYPTSHARE_URL).origin;
  return {
    server: new CryptshareClient({
      origin,
      clientId: env.CRYPTSHARE_CLIENT_ID,
      verificationToken: env.CRYPTSHARE_VERIFICATION_TOKEN,
      ca: env.CRYPTSHARE_CA_FILE && readFileSync(env.CRYPTSHARE_CA_FILE, 'utf8'),
      maxConcurrentPages: env.MAX_CONCURRENT_PAGES,
      now,
      random: Math.random,
      sleep,
    }),
    origin,
    dynamo: new DynamoDBClient({}),
    table: env.TRANSFERS_TABLE,
    topics: {
      sns: new SNSClient({}),
      eventsTopicArn: env.TRANSFER_EVENTS_TOPIC_ARN,
      noticesTopicArn: env.TRANSFER_NOTICES_TOPIC_ARN,
      sleep,
    },
    now,
  };
}
