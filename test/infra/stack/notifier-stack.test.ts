import { readFileSync } from 'node:fs';
import { App, Stack, Validations } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { AwsSolutionsChecks } from 'cdk-nag';
import { beforeAll, describe, expect, it, test } from 'vitest';
import { NotifierStack } from '#infra/stack/notifier-stack.ts';
import { config, newApp, synthesiseChecked } from './synthesis.ts';

let template: Template;
beforeAll(() => {
  template = synthesiseChecked();
});

/** The resources of a type by their logical ids. */
const resources = (type: string): [id: string, properties: Record<string, unknown>][] =>
  Object.entries(template.findResources(type)).map(([id, { Properties }]) => [id, Properties]);

/** A resource's part that tells what it is about. */
const property = <T>(properties: Record<string, unknown>, name: string): T => properties[name] as T;

describe('what must outlive every deployment', () => {
  it('keeps its logical ids, so that no update replaces a table, a topic, a queue or the secret', () => {
    const kept = ['AWS::DynamoDB::GlobalTable', 'AWS::SNS::Topic', 'AWS::SQS::Queue', 'AWS::SecretsManager::Secret'];
    expect(kept.flatMap((type) => resources(type).map(([id]) => id))).toEqual([
      'TransferPollerTransfersA6B6C817',
      'WebhookDeliveryWebhooksF7CB6ADA',
      'TransferEventsB5CBE8ED',
      'TransferNotices93F11EF9',
      'AlarmsTopic3A2DFEBA',
      'MissedTicks571FA998',
      'WebhookDeliveryAnnouncementsDeadLettersB0479340',
      'WebhookDeliveryAnnouncementsQueue97208E43',
      'WebhookDeliveryWakeUpsDeadLetters6041F553',
      'WebhookDeliveryWakeUpsQueue840AF008',
      'NotifierSecretA3965A7A',
    ]);
  });

  it('tables stay when the stack goes, cannot be deleted by a slip, and have backups', () => {
    template.allResources('AWS::DynamoDB::GlobalTable', {
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        BillingMode: 'PAY_PER_REQUEST',
        TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
        Replicas: [
          Match.objectLike({
            DeletionProtectionEnabled: true,
            PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
          }),
        ],
      },
    });
  });

  it('the secret stays when the stack goes, but goes with a first deployment that fails', () => {
    template.hasResource('AWS::SecretsManager::Secret', {
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
    });
  });

  it('a changed template of the secret would overwrite it, data key and all: it never changes', () => {
    template.hasResource('AWS::SecretsManager::Secret', {
      Properties: {
        GenerateSecretString: {
          SecretStringTemplate: '{}',
          GenerateStringKey: 'DATA_KEY',
          PasswordLength: 43,
          ExcludePunctuation: true,
        },
      },
    });
  });
});

test('the indexes of the webhooks table hold nothing but keys', () => {
  const [, { GlobalSecondaryIndexes }] = resources('AWS::DynamoDB::GlobalTable')[1]!;
  expect(GlobalSecondaryIndexes).toEqual([index('waiting', 'due', 'dueAt'), index('by-day', 'day', 'listedAt')]);
});

const index = (IndexName: string, hash: string, range: string) => ({
  IndexName,
  KeySchema: [
    { AttributeName: hash, KeyType: 'HASH' },
    { AttributeName: range, KeyType: 'RANGE' },
  ],
  Projection: { ProjectionType: 'KEYS_ONLY' },
  WriteOnDemandThroughputSettings: undefined,
});

test('each shard has its schedule, the sweep has one a minute, and none makes up for a tick that is late', () => {
  const schedules = resources('AWS::Scheduler::Schedule').map(([, properties]) => properties);
  const target = ({ Target }: Record<string, unknown>) => Target as Record<string, unknown>;
  expect(schedules.map((schedule) => [schedule.ScheduleExpression, target(schedule).Input])).toEqual([
    ['rate(1 minute)', '{"shard":0,"at":"<aws.scheduler.scheduled-time>"}'],
    ['rate(1 minute)', '{"shard":1,"at":"<aws.scheduler.scheduled-time>"}'],
    ['rate(1 minute)', '{}'],
  ]);
  for (const schedule of schedules) {
    expect(target(schedule).RetryPolicy).toEqual({ MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 1 });
    expect(target(schedule).DeadLetterConfig).toEqual({ Arn: { 'Fn::GetAtt': ['MissedTicks571FA998', 'Arn'] } });
  }
  const async = resources('AWS::Lambda::EventInvokeConfig').map(([, properties]) => properties);
  expect(async).toHaveLength(2);
  for (const one of async) expect(one).toMatchObject({ MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 });
});

test('Lambda itself writes a line about an invocation only where one fails', () => {
  const functions = resources('AWS::Lambda::Function').filter(([id]) => !id.startsWith('AWSCDKTrigger'));
  for (const [, one] of functions) {
    expect(one.LoggingConfig).toMatchObject({
      LogFormat: 'JSON',
      SystemLogLevel: 'WARN',
      // Lines with metrics have no level, and count as this one.
      ApplicationLogLevel: 'INFO',
    });
  }
});

test('every function runs on Node 24 and arm64 and keeps its logs for a month', () => {
  const functions = resources('AWS::Lambda::Function').filter(([id]) => !id.startsWith('AWSCDKTrigger'));
  expect(functions).toHaveLength(6);
  for (const [, one] of functions) {
    expect(one).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'] });
    expect(property<{ LogGroup: object }>(one, 'LoggingConfig').LogGroup).toBeDefined();
  }
  template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 });
});

test('topics and queues are encrypted and refuse what does not come by TLS', () => {
  for (const id of ['TransferEventsB5CBE8ED', 'TransferNotices93F11EF9']) {
    expect(JSON.stringify(template.toJSON().Resources[id].Properties.KmsMasterKeyId)).toContain(':alias/aws/sns');
  }
  template.allResourcesProperties('AWS::SQS::Queue', { SqsManagedSseEnabled: true });
  const refusing = (type: string) =>
    resources(type).filter(([, { PolicyDocument }]) =>
      property<{ Effect: string; Condition?: object }[]>(PolicyDocument as Record<string, unknown>, 'Statement').some(
        ({ Effect, Condition }) =>
          Effect === 'Deny' && JSON.stringify(Condition) === '{"Bool":{"aws:SecureTransport":"false"}}',
      ),
    );
  expect(refusing('AWS::SNS::TopicPolicy')).toHaveLength(resources('AWS::SNS::Topic').length);
  expect(refusing('AWS::SQS::QueuePolicy')).toHaveLength(resources('AWS::SQS::Queue').length);
});

test.each([
  // Six times as long as the function may take, as Lambda recommends.
  ['WebhookDeliveryAnnouncementsQueue97208E43', 180, 5],
  // Longer than the function may take, but soon enough for 45 s after a crash. Nothing but its message names a first attempt.
  ['WebhookDeliveryWakeUpsQueue840AF008', 45, 1000],
])('%s hides a message that was received for %i s, and gives it up after %i times', (id, seconds, times) => {
  const { Properties } = template.toJSON().Resources[id];
  expect(Properties).toMatchObject({ VisibilityTimeout: seconds, RedrivePolicy: { maxReceiveCount: times } });
});

test('functions report the messages of a batch that failed, and only so many batches are at work at a time', () => {
  const mappings = resources('AWS::Lambda::EventSourceMapping').map(([, properties]) => properties);
  expect(mappings).toHaveLength(2);
  for (const one of mappings) {
    expect(one).toMatchObject({
      BatchSize: 10,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: expect.any(Number) },
    });
  }
});

test('fan-out gets both topics raw but for notices that no chat wants, people get the notices they ask for', () => {
  const subscriptions = resources('AWS::SNS::Subscription').map(([, properties]) => properties);
  const raw = subscriptions.filter(({ Protocol }) => Protocol === 'sqs');
  expect(raw.map(({ TopicArn }) => TopicArn)).toEqual([
    { Ref: 'TransferEventsB5CBE8ED' },
    { Ref: 'TransferNotices93F11EF9' },
  ]);
  expect(raw.map(({ FilterPolicy }) => FilterPolicy)).toEqual([undefined, { chats: [{ exists: false }] }]);
  for (const one of raw) {
    expect(one).toMatchObject({ RawMessageDelivery: true, RedrivePolicy: { deadLetterTargetArn: expect.anything() } });
  }
  const byEmail = subscriptions.filter(({ Protocol }) => Protocol === 'email');
  expect(byEmail.map(({ Endpoint, FilterPolicy }) => [Endpoint, FilterPolicy])).toEqual([
    ['ops@example.com', { types: ['transfer.failed', { prefix: 'watch.' }] }],
    ['all@example.com', undefined],
    ['oncall@example.com', undefined],
  ]);
});

test('a Slack channel gets notices and may do nothing in the account', () => {
  template.hasResourceProperties('AWS::Chatbot::SlackChannelConfiguration', {
    SlackWorkspaceId: 'T0123ABCD',
    SlackChannelId: 'C0123ABCD',
    SnsTopicArns: [{ Ref: 'TransferNotices93F11EF9' }],
    GuardrailPolicies: [{ Ref: 'NoticeSubscriptionsSlackGuardrail0193C500' }],
  });
  template.hasResourceProperties('AWS::IAM::ManagedPolicy', {
    PolicyDocument: { Statement: [{ Effect: 'Deny', Action: '*', Resource: '*' }] },
  });
});

test('no value of a secret is anywhere in the template, not even by reference', () => {
  const text = JSON.stringify(template.toJSON());
  expect(text).not.toMatch(/resolve:(secretsmanager|ssm)/);
  expect(text).not.toContain('CRYPTSHARE_CLIENT_ID');
  expect(text).not.toContain('ALLOW_PRIVATE_WEBHOOKS');
});

test('the proxy for webhooks is told to the function that sends them, and to no other', () => {
  const told = Object.entries(template.findResources('AWS::Lambda::Function')).filter(([, { Properties }]) =>
    JSON.stringify(Properties.Environment ?? {}).includes('proxy.example.com'),
  );
  expect(told).toMatchObject([
    [
      expect.stringMatching(/^WebhookDeliveryDeliver/),
      { Properties: { Environment: { Variables: { WEBHOOK_PROXY: 'http://proxy.example.com:3128' } } } },
    ],
  ]);
});

test('the outputs are what a person needs next', () => {
  expect(Object.keys(template.findOutputs('*'))).toEqual([
    'TransferEventsTopicArn',
    'TransferNoticesTopicArn',
    'SecretName',
    'FillSecret',
    'DashboardUrl',
    'OperatorUrl',
    'OperatorsPolicyArn',
  ]);
});

test('there is a dashboard where the context says so; otherwise there is none, and nothing leads to one', () => {
  const without = Template.fromStack(new NotifierStack(newApp({}), 'TransferNotifier', { config }));
  without.resourceCountIs('AWS::CloudWatch::Dashboard', 0);
  expect(JSON.stringify(without.toJSON())).not.toMatch(/dashboard/i);
  template.resourceCountIs('AWS::CloudWatch::Dashboard', 1);
});

test('a change of what is declared, and nothing else, runs the declare function anew', () => {
  template.hasResourceProperties('Custom::Trigger', {
    HandlerArn: { Ref: Match.stringLikeRegexp('^ConfigurationSyncDeclareCurrentVersion') },
    InvocationType: 'RequestResponse',
  });
});

test('with a VPC what asks the server, and only that, is in it', () => {
  const inVpc = synthesiseChecked({
    ...config,
    vpc: { id: 'vpc-0123456789abcdef0', subnets: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'] },
  });
  const within = Object.values(inVpc.findResources('AWS::Lambda::Function')).filter(
    ({ Properties }) => Properties.VpcConfig,
  );
  const subnets = ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'];
  expect(within.map(({ Properties }) => Properties.VpcConfig.SubnetIds)).toEqual([subnets, subnets]);
  expect(within.map(({ Properties }) => Properties.Description)).toEqual([
    'Lists the transfers of the watches, publishes what has changed',
    'Does what operators ask for',
  ]);
});

test('the checks that the template has passed do find what is wrong', () => {
  const app = new App();
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  const stack = new Stack(app, 'Careless');
  new Queue(stack, 'Queue');
  expect(() => Template.fromStack(stack)).toThrow();
});

describe('each alarm', () => {
  const runbook = readFileSync('docs/operations.md', 'utf8');
  const alarms = () => resources('AWS::CloudWatch::Alarm').map(([, properties]) => properties);

  it('stands in docs/operations.md under its name, and its description leads there', () => {
    const [, section = ''] = runbook.split(/^## Alarms$/m);
    const headings = [...section.matchAll(/^### (\w+)$/gm)].map(([, name]) => name);
    expect(alarms().map(({ AlarmName }) => AlarmName)).toEqual(headings.map((name) => `TransferNotifier-${name}`));
    for (const { AlarmName, AlarmDescription } of alarms()) {
      const name = (AlarmName as string).replace('TransferNotifier-', '');
      expect(JSON.stringify(AlarmDescription)).toContain(`docs/operations.md#${name.toLowerCase()}`);
      const section = runbook.split(`### ${name}\n`)[1]!.split(/^##/m)[0];
      for (const part of ['**Description.**', '**Investigation.**', '**Resolution.**']) expect(section).toContain(part);
    }
  });

  it('tells the person on call, both when it begins and when it ends', () => {
    for (const { AlarmActions, OKActions } of alarms()) {
      expect([AlarmActions, OKActions]).toEqual([[{ Ref: 'AlarmsTopic3A2DFEBA' }], [{ Ref: 'AlarmsTopic3A2DFEBA' }]]);
    }
    template.hasResourceProperties('AWS::SNS::TopicPolicy', {
      Topics: [{ Ref: 'AlarmsTopic3A2DFEBA' }],
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: 'Allow',
            Principal: { Service: 'cloudwatch.amazonaws.com' },
            Action: 'sns:Publish',
          }),
        ]),
      },
    });
  });

  it('of missed ticks goes off when more than two were lost within five minutes, and ends with the losses', () => {
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'TransferNotifier-MissedTicksDeadLetters',
      MetricName: 'NumberOfMessagesSent',
      Statistic: 'Sum',
      Period: 300,
      EvaluationPeriods: 1,
      Threshold: 2,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'notBreaching',
    });
  });

  it('of the dead man goes off when nothing is measured for three intervals', () => {
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'TransferNotifier-NoCompleteListing',
      MetricName: 'CompleteListings',
      Statistic: 'Sum',
      Period: 300,
      EvaluationPeriods: 3,
      Threshold: 1,
      ComparisonOperator: 'LessThanThreshold',
      TreatMissingData: 'breaching',
    });
  });
});
