import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SNSClient } from '@aws-sdk/client-sns';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { SQSBatchResponse } from 'aws-lambda';
import { type DeliveryName, deliveryKey } from '#functions/webhooks/deliveries/delivery.ts';
import type { DeliveryFacts } from '#functions/webhooks/deliveries/settled.ts';
import { leasesIn } from '#functions/webhooks/endpoints/leases.ts';
import type { Config } from '#infra/config/config.ts';
import { startEmbeddedServices } from '#infra/local/services/embedded-services.ts';
import { type LocalQueue, startEventSource } from '#infra/local/services/event-source.ts';
import { type InvokedFunction, startInvocations } from '#infra/local/services/invocations.ts';
import { sdkSettings } from '#test/support/sdk-settings.ts';
import { createResources } from './created-resources.ts';
import { type FunctionProcess, type LogLine, startFunction } from './function-process.ts';
import { type PublicReceiver, type ReceivedPost, startPublicReceiver } from './public-receiver.ts';
import { startSecretsManager } from './secrets-manager.ts';
import { type SynthesisedStack, synthesise } from './synthesised-stack.ts';

/** Ids of the functions' constructs. */
export const functionNames = ['Poll', 'FanOut', 'Deliver', 'Sweep', 'Declare', 'Operator'] as const;
export type FunctionName = (typeof functionNames)[number];

/** The stack on this machine: bundles in processes of their own, on embedded services. */
export interface Deployment extends SynthesisedStack {
  readonly receiver: PublicReceiver;
  /** Calls that a role did not allow. */
  readonly denied: readonly string[];
  /** Waits for a webhook. Rejects if a role denies a call, or if a function leaves a message of its queue unhandled. */
  posted(matches: (post: ReceivedPost) => boolean): Promise<ReceivedPost>;
  /** Waits for a line in the log of deliver, as {@link posted}. */
  logged(matches: (line: LogLine) => boolean): Promise<LogLine>;
  /** Waits for the log line of a delivery that did not arrive, as {@link posted}. */
  settled(matches: (delivery: DeliveryFacts) => boolean): Promise<DeliveryFacts>;
  function(name: FunctionName): FunctionProcess;
  /** Invokes a function as its schedule does. */
  tick(name: FunctionName): Promise<unknown>;
  /** Postpones a retry to a time that only a wrong clock can set. */
  putOff(delivery: DeliveryName): Promise<void>;
  /** Makes a delivery due that was left to a process which has died. */
  leaveBehind(delivery: DeliveryName): Promise<void>;
  /** Adds fields to the secret as an operator does. */
  fillSecret(fields: Readonly<Record<string, string>>): Promise<void>;
  /** The secret as it is. */
  secretText(): Promise<string>;
  close(): Promise<void>;
}

/**
 * Synthesises the stack and brings it up.
 *
 * @param folder for the cloud assembly
 */
export async function deploy(config: Config, folder: string): Promise<Deployment> {
  const stack = synthesise(config, join(folder, 'cdk.out'));
  const { template } = stack;
  const services = await startEmbeddedServices();
  const sdk = sdkSettings(services.sdkEnvironment);
  const secrets = await startSecretsManager();
  const receiver = await startPublicReceiver();
  const { AWS_ENDPOINT_URL_DYNAMODB: database, AWS_ENDPOINT_URL_SQS: queues } = services.sdkEnvironment;
  const invoked = new Map<string, InvokedFunction>();
  const invocations = await startInvocations(invoked, sdk.credentials.accessKeyId);
  const endpoints = {
    dynamodb: database!,
    sns: queues!,
    sqs: queues!,
    secretsmanager: secrets.url,
    lambda: invocations.url,
  };
  const dynamo = new DynamoDBClient({ ...sdk, endpoint: endpoints.dynamodb });
  const sns = new SNSClient({ ...sdk, endpoint: endpoints.sns });
  const sqs = new SQSClient({ ...sdk, endpoint: endpoints.sqs });
  const operator = new SecretsManagerClient({ ...sdk, endpoint: endpoints.secretsmanager });
  const values = await createResources(template, { dynamo, sns, sqs, secrets });

  const { promise: broken, reject: breakDown } = Promise.withResolvers<never>();
  broken.catch(() => undefined);
  const denied: string[] = [];
  const caFile = join(folder, 'hooks.pem');
  writeFileSync(caFile, receiver.certificate);
  const internet = { preload: new URL(`public-internet.ts?receiver=${receiver.port}`, import.meta.url).href, caFile };
  const functions = new Map<string, FunctionProcess>();
  for (const [name, deployable] of stack.functions) {
    const onDenied = (grant: string) => {
      denied.push(`${name}: ${grant}`);
      breakDown(new Error(`${name} is not granted ${grant}`));
    };
    const started = await startFunction(name, deployable, {
      template,
      values,
      endpoints,
      credentials: sdk.credentials,
      onDenied,
      internet: name === 'Deliver' ? internet : undefined,
    });
    functions.set(deployable.logicalId, started);
    invoked.set(deployable.logicalId, started.invoke);
  }
  const sources: { stop: () => void; ended: Promise<void> }[] = [];
  for (const { Properties } of Object.values(template.findResources('AWS::Lambda::EventSourceMapping'))) {
    const worker = functions.get(Properties.FunctionName.Ref)!;
    const { ref: url, arn } = values.of(Properties.EventSourceArn['Fn::GetAtt'][0]);
    const source = await feed(worker, sdk, { url, arn }, (answer) => {
      const { length } = answer.batchItemFailures;
      if (length > 0) breakDown(new Error(`${worker.name} leaves ${length} messages; it wrote\n${worker.log()}`));
    });
    source.ended.catch(breakDown);
    sources.push(source);
  }

  let minutes = 0;
  const nextMinute = () => {
    minutes += 1;
    return new Date(Date.now() + minutes * 60_000).toISOString();
  };
  const processOf = (name: FunctionName) => functions.get(stack.functions.get(name)!.logicalId)!;
  const logged: Deployment['logged'] = (matches) => Promise.race([processOf('Deliver').lines.first(matches), broken]);
  const asDelivery = (line: LogLine) => line as unknown as DeliveryFacts;
  const webhooksTable = () => processOf('Deliver').environment.WEBHOOKS_TABLE!;
  const change = async (delivery: DeliveryName, UpdateExpression: string, at: number) => {
    await dynamo.send(
      new UpdateItemCommand({
        TableName: webhooksTable(),
        Key: marshall(deliveryKey(delivery)),
        UpdateExpression,
        ExpressionAttributeValues: marshall({ ':at': at }),
      }),
    );
  };
  const [secret] = Object.keys(template.findResources('AWS::SecretsManager::Secret'));
  const SecretId = values.of(secret!).ref;
  const secretText = async () => (await operator.send(new GetSecretValueCommand({ SecretId }))).SecretString!;
  return {
    ...stack,
    receiver,
    denied,
    posted: (matches) => Promise.race([receiver.posts.first(matches), broken]),
    logged,
    settled: async (matches) =>
      asDelivery(await logged((line) => line.message === 'delivery' && matches(asDelivery(line)))),
    function: processOf,
    tick(name) {
      const schedules = Object.values(template.findResources('AWS::Scheduler::Schedule'));
      const inputs = schedules
        .map(({ Properties }) => Properties.Target)
        .filter(({ Arn }) => Arn['Fn::GetAtt'][0] === stack.functions.get(name)!.logicalId)
        // A minute later each time, as the scheduler has it.
        .map(({ Input }) => JSON.parse(Input.replace('<aws.scheduler.scheduled-time>', nextMinute())));
      if (inputs.length !== 1) throw new Error(`${name} has ${inputs.length} schedules`);
      return processOf(name).invoke(inputs[0]);
    },
    putOff: (delivery) => change(delivery, 'SET dueAt = :at, nextAttemptAt = :at', Date.now() + 90 * 86_400_000),
    async leaveBehind(delivery) {
      const now = Date.now();
      await change(delivery, 'SET nextAttemptAt = :at REMOVE due, dueAt', now - 1000);
      const leases = leasesIn({ dynamo, table: webhooksTable() });
      await leases.leaveTask(delivery.endpoint, [delivery.event], now);
    },
    async fillSecret(fields) {
      const SecretString = JSON.stringify({ ...JSON.parse(await secretText()), ...fields });
      await operator.send(new PutSecretValueCommand({ SecretId, SecretString }));
    },
    secretText,
    async close() {
      for (const { stop } of sources) stop();
      await Promise.allSettled(sources.map(({ ended }) => ended));
      await Promise.all([...functions.values()].map((running) => running.close()));
      for (const client of [dynamo, sns, sqs, operator]) client.destroy();
      await Promise.all([receiver.close(), secrets.close(), services.close(), invocations.close()]);
    },
  };
}

/** Acts as an event source mapping: reads a queue in the name of the function, and hands it the messages. */
async function feed(
  worker: FunctionProcess,
  sdk: ReturnType<typeof sdkSettings>,
  queue: LocalQueue,
  onAnswer: (answer: SQSBatchResponse) => void,
) {
  const sqs = new SQSClient({ ...sdk, endpoint: worker.proxy.url, useQueueUrlAsEndpoint: false });
  await sqs.send(new GetQueueAttributesCommand({ QueueUrl: queue.url, AttributeNames: ['QueueArn'] }));
  const { stop, ended } = startEventSource(sqs, queue, 1, async (event) => {
    const answer = (await worker.invoke(event)) as SQSBatchResponse;
    onAnswer(answer);
    return answer;
  });
  return { stop, ended: ended.finally(() => sqs.destroy()) };
}
