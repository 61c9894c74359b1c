import { CreateTableCommand, type CreateTableCommandInput, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { CreateQueueCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Template } from 'aws-cdk-lib/assertions';
import { createTopic } from '#infra/local/services/embedded-services.ts';
import { arn } from './aws-request.ts';
import type { GenerateSecretString, SecretsManager } from './secrets-manager.ts';
import { TemplateValues } from './template-values.ts';

/** Where to create what a template declares. */
export interface Services {
  readonly dynamo: DynamoDBClient;
  readonly sns: SNSClient;
  readonly sqs: SQSClient;
  readonly secrets: SecretsManager;
}

/**
 * Creates the tables, topics, queues, subscriptions of queues and the secret that a template declares. Gives its
 * functions their names.
 */
export async function createResources(template: Template, services: Services): Promise<TemplateValues> {
  const values = new TemplateValues();
  await createTables(template, services.dynamo, values);
  await createQueues(template, services.sqs, values);
  for (const id of idsOf(template, 'AWS::SNS::Topic')) {
    const topicArn = await createTopic(services.sns, nameOf(id));
    values.set(id, { ref: topicArn, arn: topicArn });
  }
  for (const { Properties } of Object.values(template.findResources('AWS::SNS::Subscription'))) {
    if (Properties.Protocol !== 'sqs') continue;
    await services.sns.send(
      new SubscribeCommand({
        TopicArn: values.text(Properties.TopicArn),
        Protocol: 'sqs',
        Endpoint: values.text(Properties.Endpoint),
        Attributes: {
          RawMessageDelivery: String(Properties.RawMessageDelivery),
          ...(Properties.FilterPolicy && { FilterPolicy: JSON.stringify(Properties.FilterPolicy) }),
        },
      }),
    );
  }
  for (const [id, { Properties }] of Object.entries(template.findResources('AWS::SecretsManager::Secret'))) {
    const secretArn = services.secrets.create(nameOf(id), Properties.GenerateSecretString as GenerateSecretString);
    values.set(id, { ref: secretArn, arn: secretArn });
  }
  for (const id of idsOf(template, 'AWS::Lambda::Function')) {
    values.set(id, { ref: id, arn: arn('lambda', `function:${id}`) });
  }
  for (const id of idsOf(template, 'AWS::Logs::LogGroup')) {
    values.set(id, { ref: nameOf(id), arn: arn('logs', `log-group:${nameOf(id)}`) });
  }
  return values;
}

async function createTables(template: Template, dynamo: DynamoDBClient, values: TemplateValues): Promise<void> {
  for (const [id, { Properties }] of Object.entries(template.findResources('AWS::DynamoDB::GlobalTable'))) {
    const { AttributeDefinitions, BillingMode, KeySchema, GlobalSecondaryIndexes } =
      Properties as CreateTableCommandInput;
    await dynamo.send(
      new CreateTableCommand({
        TableName: nameOf(id),
        AttributeDefinitions,
        BillingMode,
        KeySchema,
        GlobalSecondaryIndexes,
      }),
    );
    values.set(id, { ref: nameOf(id), arn: arn('dynamodb', `table/${nameOf(id)}`) });
  }
}

async function createQueues(template: Template, sqs: SQSClient, values: TemplateValues): Promise<void> {
  const queues = Object.entries(template.findResources('AWS::SQS::Queue'));
  // Queues for what others cannot handle have to be there first.
  for (const [id, { Properties }] of queues.toSorted(([, a], [, b]) => redrives(a) - redrives(b))) {
    const { VisibilityTimeout, MessageRetentionPeriod, RedrivePolicy } = Properties;
    const { QueueUrl } = await sqs.send(
      new CreateQueueCommand({
        QueueName: nameOf(id),
        Attributes: {
          MessageRetentionPeriod: String(MessageRetentionPeriod),
          ...(VisibilityTimeout && { VisibilityTimeout: String(VisibilityTimeout) }),
          ...(RedrivePolicy && {
            RedrivePolicy: JSON.stringify({
              ...RedrivePolicy,
              deadLetterTargetArn: values.text(RedrivePolicy.deadLetterTargetArn),
            }),
          }),
        },
      }),
    );
    values.set(id, { ref: QueueUrl!, arn: arn('sqs', nameOf(id)) });
  }
}

const redrives = ({ Properties }: { [property: string]: { RedrivePolicy?: unknown } }): number =>
  Properties?.RedrivePolicy ? 1 : 0;

const idsOf = (template: Template, type: string): string[] => Object.keys(template.findResources(type));

/** A name to read: the logical id without the hash at its end. */
const nameOf = (logicalId: string): string => logicalId.replace(/[0-9A-F]{8}$/, '');
