import { App, Stack, Validations } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { AwsSolutionsChecks } from 'cdk-nag';
import { beforeAll, describe, expect, it } from 'vitest';
import { NotifierStack } from '#infra/stack/notifier-stack.ts';
import { config, newApp, synthesiseChecked } from './synthesis.ts';

let template: Template;
beforeAll(() => {
  template = synthesiseChecked();
});

/** Finds the resources of a type with their logical ids. */
const resources = (type: string): [id: string, properties: Record<string, unknown>][] =>
  Object.entries(template.findResources(type)).map(([id, { Properties }]) => [id, Properties]);

describe('NotifierStack', () => {
  it('keeps the logical ids of tables, topics, queues and the secret, so that no update replaces them', () => {
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

  it('keeps tables when the stack is deleted, protects them from deletion, and backs them up', () => {
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

  it('keeps the secret when the stack is deleted, unless its first deployment failed', () => {
    template.hasResource('AWS::SecretsManager::Secret', {
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        // A changed template would overwrite the secret with its data key.
        GenerateSecretString: {
          SecretStringTemplate: '{}',
          GenerateStringKey: 'DATA_KEY',
          PasswordLength: 43,
          ExcludePunctuation: true,
        },
      },
    });
  });

  it('has indexes of webhooks that hold nothing but keys', () => {
    const index = (IndexName: string, hash: string, range: string) => ({
      IndexName,
      KeySchema: [
        { AttributeName: hash, KeyType: 'HASH' },
        { AttributeName: range, KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'KEYS_ONLY' },
      WriteOnDemandThroughputSettings: undefined,
    });
    const [, { GlobalSecondaryIndexes }] = resources('AWS::DynamoDB::GlobalTable')[1]!;
    expect(GlobalSecondaryIndexes).toEqual([index('waiting', 'due', 'dueAt'), index('by-day', 'day', 'listedAt')]);
  });

  it('invokes each shard and the sweep once a minute, does not repeat a late tick, and records a lost one', () => {
    const missedTicks = { 'Fn::GetAtt': ['MissedTicks571FA998', 'Arn'] };
    const targets = resources('AWS::Scheduler::Schedule').map(([, { ScheduleExpression, Target }]) => {
      expect(ScheduleExpression).toBe('rate(1 minute)');
      return Target as Record<string, unknown>;
    });
    expect(targets.map(({ Input }) => Input)).toEqual([
      '{"shard":0,"at":"<aws.scheduler.scheduled-time>"}',
      '{"shard":1,"at":"<aws.scheduler.scheduled-time>"}',
      '{}',
    ]);
    expect(template.toJSON().Resources.MissedTicks571FA998.Properties.MessageRetentionPeriod).toBe(86_400);
    for (const target of targets) {
      expect(target.RetryPolicy).toEqual({ MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 1 });
      expect(target.DeadLetterConfig).toEqual({ Arn: missedTicks });
    }
    const invoked = resources('AWS::Lambda::EventInvokeConfig').map(([, properties]) => properties);
    const functionOf = ({ Arn }: Record<string, unknown>) => (Arn as { 'Fn::GetAtt': [string] })['Fn::GetAtt'][0];
    expect(invoked.map(({ FunctionName }) => (FunctionName as { Ref: string }).Ref)).toEqual([
      ...new Set(targets.map(functionOf)),
    ]);
    for (const config of invoked) {
      expect(config).toMatchObject({
        MaximumRetryAttempts: 0,
        MaximumEventAgeInSeconds: 60,
        DestinationConfig: { OnFailure: { Destination: missedTicks } },
      });
    }
  });

  it('runs each function on Node 24 and arm64, keeps its logs for a month, and has Lambda log failed invocations alone', () => {
    const functions = resources('AWS::Lambda::Function').filter(([id]) => !id.startsWith('AWSCDKTrigger'));
    expect(functions).toHaveLength(6);
    for (const [, properties] of functions) {
      expect(properties).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        LoggingConfig: {
          LogFormat: 'JSON',
          SystemLogLevel: 'WARN',
          // Lines with metrics have no level, and count as INFO.
          ApplicationLogLevel: 'INFO',
          LogGroup: expect.anything(),
        },
      });
    }
    template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 });
  });

  it('encrypts topics and queues, and refuses requests without TLS', () => {
    for (const id of ['TransferEventsB5CBE8ED', 'TransferNotices93F11EF9']) {
      expect(JSON.stringify(template.toJSON().Resources[id].Properties.KmsMasterKeyId)).toContain(':alias/aws/sns');
    }
    template.allResourcesProperties('AWS::SQS::Queue', { SqsManagedSseEnabled: true });
    const withoutTls = { Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } };
    const refusing = { PolicyDocument: { Statement: Match.arrayWith([Match.objectLike(withoutTls)]) } };
    template.resourcePropertiesCountIs('AWS::SNS::TopicPolicy', refusing, resources('AWS::SNS::Topic').length);
    template.resourcePropertiesCountIs('AWS::SQS::QueuePolicy', refusing, resources('AWS::SQS::Queue').length);
  });

  it.each([
    // Six times as long as the function may take, as Lambda recommends.
    ['WebhookDeliveryAnnouncementsQueue97208E43', 180, 5],
    // Longer than the function may take, but soon enough for 45 s after a crash. Nothing but its message names a first attempt.
    ['WebhookDeliveryWakeUpsQueue840AF008', 45, 1000],
  ])('hides a received message of %s for %i s, and gives it up after %i receipts', (id, seconds, times) => {
    const { Properties } = template.toJSON().Resources[id];
    expect(Properties).toMatchObject({ VisibilityTimeout: seconds, RedrivePolicy: { maxReceiveCount: times } });
  });

  it('has functions report failed messages of a batch, and limits the batches in work', () => {
    const mappings = resources('AWS::Lambda::EventSourceMapping').map(([, properties]) => properties);
    expect(mappings).toHaveLength(2);
    for (const one of mappings) {
      expect(one).toMatchObject({
        BatchSize: 10,
        FunctionResponseTypes: ['ReportBatchItemFailures'],
      });
    }
    const limits = mappings.map(({ ScalingConfig }) => ScalingConfig);
    expect(limits).toEqual([{ MaximumConcurrency: 5 }, { MaximumConcurrency: 20 }]);
  });

  it('subscribes fan-out to events alone, and each reader by e-mail to the messages with its name', () => {
    const subscriptions = resources('AWS::SNS::Subscription').map(([, properties]) => properties);
    expect(subscriptions.filter(({ Protocol }) => Protocol === 'sqs')).toMatchObject([
      {
        TopicArn: { Ref: 'TransferEventsB5CBE8ED' },
        RawMessageDelivery: true,
        RedrivePolicy: { deadLetterTargetArn: expect.anything() },
      },
    ]);
    const byEmail = subscriptions.filter(({ Protocol }) => Protocol === 'email');
    expect(byEmail.map(({ Endpoint, FilterPolicy, TopicArn }) => [Endpoint, FilterPolicy, TopicArn])).toEqual([
      ['ops@example.com', { reader: ['ops'] }, { Ref: 'TransferNotices93F11EF9' }],
      ['sales@example.com', { reader: ['sales'] }, { Ref: 'TransferNotices93F11EF9' }],
      ['oncall@example.com', undefined, { Ref: 'AlarmsTopic3A2DFEBA' }],
    ]);
  });

  it('has no value of a secret in its template, not even by reference', () => {
    const text = JSON.stringify(template.toJSON());
    expect(text).not.toMatch(/resolve:(secretsmanager|ssm)/);
    expect(text).not.toContain('CRYPTSHARE_CLIENT_ID');
    expect(text).not.toContain('ALLOW_PRIVATE_WEBHOOKS');
  });

  it('names the proxy for webhooks to the function that sends them alone', () => {
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

  it('outputs what an operator needs next', () => {
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

  it('has a dashboard, and links to one, only if the context says so', () => {
    const without = Template.fromStack(new NotifierStack(newApp({}), 'TransferNotifier', { config }));
    without.resourceCountIs('AWS::CloudWatch::Dashboard', 0);
    expect(JSON.stringify(without.toJSON())).not.toMatch(/dashboard/i);
    template.resourceCountIs('AWS::CloudWatch::Dashboard', 1);
  });

  it('divides the concurrent pages among the shards, and tells the poll function the schedule', () => {
    template.hasResourceProperties('AWS::Lambda::Function', {
      Description: 'Lists the transfers of the watches, publishes what has changed',
      Timeout: 120,
      Environment: {
        Variables: { MAX_CONCURRENT_PAGES: '2', SHARDS: '2', POLL_INTERVAL_MS: '300000', FULL_LISTING_EVERY: '10' },
      },
    });
  });

  it('runs the declare function at each change of the declared set, and waits for it', () => {
    template.hasResourceProperties('Custom::Trigger', {
      HandlerArn: { Ref: Match.stringLikeRegexp('^ConfigurationSyncDeclareCurrentVersion') },
      InvocationType: 'RequestResponse',
    });
  });

  it('puts the functions that call the server into the VPC, and no others, and tells them the quiet interval', () => {
    const inVpc = synthesiseChecked({
      ...config,
      schedule: { ...config.schedule, quietEvery: '10m' },
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
    for (const { Properties } of within) expect(Properties.Environment.Variables.QUIET_INTERVAL_MS).toBe('600000');
    expect(JSON.stringify(inVpc.findResources('AWS::IAM::Role')).match(/ENIManagementAccess/g)).toHaveLength(2);
    const SecurityGroupEgress = [Match.objectLike({ CidrIp: '0.0.0.0/0' })];
    inVpc.allResourcesProperties('AWS::EC2::SecurityGroup', { SecurityGroupEgress });
  });

  it('tells each function how long the rows that it writes or lists are kept', () => {
    const retained = { ...config, retention: { events: 5, transfers: 365 } };
    const kept = Template.fromStack(new NotifierStack(newApp(), 'TransferNotifier', { config: retained }));
    const all = Object.values(kept.findResources('AWS::Lambda::Function'));
    const daysOf = (variable: string) =>
      all.flatMap(({ Properties }) => Properties.Environment?.Variables[variable] ?? []);
    // Fan-out, deliver, sweep, declare and operator.
    expect(daysOf('EVENT_RETENTION_DAYS')).toEqual(Array(5).fill('5'));
    expect(daysOf('TRANSFER_RETENTION_DAYS')).toEqual(['365']);
  });

  it('fails the checks of cdk-nag if it has an open queue', () => {
    const app = new App({ builtinCloudFormationValidation: false });
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    const stack = new Stack(app, 'Careless');
    new Queue(stack, 'Queue');
    expect(() => Template.fromStack(stack)).toThrow();
  });
});
