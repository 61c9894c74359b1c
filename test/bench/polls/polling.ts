import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SNSClient } from '@aws-sdk/client-sns';
import { steady } from '#functions/clock/instants.ts';
import { ServerCalls } from '#functions/cryptshare/api-calls.ts';
import { CryptshareClient, type Scope } from '#functions/cryptshare/client.ts';
import { type PollDependencies, pollRepositories } from '#functions/poll/dependencies.ts';
import { pollWatch } from '#functions/poll/poll-watch.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { createTopic, createTransfersTable } from '#infra/local/services/embedded-services.ts';
import { setSdkEnvironment } from '#infra/local/services/sdk-environment.ts';
import { clientId, token } from '#test/bench/processes/credentials.ts';
import { type ServiceAddresses, startServices } from '#test/bench/processes/services.ts';
import type { Bench, BenchDependencies } from '#test/bench/section.ts';
import { PlainServer } from './plain-server.ts';

/** Pages in flight, as `server.maxConcurrentPages` has it by default. */
export const maxConcurrentPages = 4;

/** Milliseconds that a poll may take here; on AWS it is Lambda's limit that counts. */
const budgetMs = 30 * 60_000;

/** Makes the project's own client of a server that takes a token for every mailbox. */
export const cryptshareClient = (origin: string, verificationToken = token): CryptshareClient =>
  new CryptshareClient(
    new ServerCalls({
      origin,
      clientId,
      maxConcurrentPages,
      now: () => new Date(),
      steady,
      random: Math.random,
      sleep,
    }),
    { tokenFor: async () => verificationToken, accepted: () => {}, reject: async (_, { failure }) => failure },
  );

/** Starts the services and makes everything that polls them, for a task; ends all afterwards. */
export async function withServices<T>(
  task: (bench: Pick<Bench, 'services' | 'deps' | 'server'>) => Promise<T>,
): Promise<T> {
  const services = await startServices();
  const deps = await pollDependencies(services.addresses);
  const server = new PlainServer(services.addresses.origin);
  try {
    return await task({ services, deps, server });
  } finally {
    server.close();
    deps.server.calls.close();
    deps.dynamo.destroy();
    deps.topic.sns.destroy();
    await services.stop();
  }
}

/** Makes the dependencies of polls against the embedded services; creates table and topics there. */
async function pollDependencies({ origin, sdkEnvironment }: ServiceAddresses): Promise<BenchDependencies> {
  // The SDK finds the services in the environment, as it does in the local run.
  setSdkEnvironment(sdkEnvironment);
  const dynamo = new DynamoDBClient({});
  const sns = new SNSClient({});
  const table = 'transfers';
  await createTransfersTable(dynamo, table);
  return {
    server: cryptshareClient(origin),
    tokens: { cachedVerification: () => undefined, forgive: () => {} },
    origin,
    recipientKey: (...text) => text.join(),
    dynamo,
    table,
    ...pollRepositories({ dynamo, table }, maxConcurrentPages),
    topic: { sns, eventsTopicArn: await createTopic(sns, 'transfer-events'), sleep },
    schedule: { shards: 1, pollIntervalMs: 60_000, fullListingEvery: 1 },
    now: () => new Date(),
    steady,
  };
}

/**
 * Polls a watch once, exactly as the deployed function does.
 *
 * @throws Error when the poll has a problem
 */
export async function pollOnce(deps: PollDependencies, watch: Watch, scope: Scope = 'all') {
  const deadline = deps.now().getTime() + budgetMs;
  const { problem, changed, units } = await pollWatch(deps, watch, { scope, deadline });
  if (problem) throw new Error(problem.message);
  return { changed, units };
}
