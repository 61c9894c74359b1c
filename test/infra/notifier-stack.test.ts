import { App } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { beforeAll, expect, test } from 'vitest';
import { readPollEnvironment } from '../../functions/env.ts';
import type { Config } from '../../infra/config.ts';
import { NotifierStack } from '../../infra/notifier-stack.ts';

const config: Config = {
  server: { url: 'https://cryptshare.example.com', maxConcurrentPages: 4 },
  schedule: { every: '5m', shards: 2 },
  watches: [{ mailbox: 'alice@example.com', direction: 'sent' }],
  notify: { email: [] },
  webhooks: [],
};

let template: Template;
beforeAll(() => {
  // Whether the function can be bundled is no question of the template.
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
  template = Template.fromStack(new NotifierStack(app, 'TransferNotifier', { config }));
});

test('the snapshots outlive the stack', () => {
  template.hasResource('AWS::DynamoDB::GlobalTable', {
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

test('each shard has its schedule, which gives up a poll that is late', () => {
  const schedules = Object.values(template.findResources('AWS::Scheduler::Schedule'));
  expect(schedules.map(({ Properties }) => [Properties.ScheduleExpression, Properties.Target.Input])).toEqual([
    ['rate(5 minutes)', '{"shard":0,"shards":2}'],
    ['rate(5 minutes)', '{"shard":1,"shards":2}'],
  ]);
  for (const { Properties } of schedules) {
    expect(Properties.Target.RetryPolicy).toEqual({ MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 1 });
    expect(Properties.Target.DeadLetterConfig).toBeDefined();
  }
});

test('the poll function is given every variable that it reads', () => {
  const [poll] = Object.values(template.findResources('AWS::Lambda::Function'));
  const { Variables } = poll!.Properties.Environment;
  // Texts stand in for what CloudFormation fills in.
  const filledIn = Object.entries(Variables).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : name === 'CRYPTSHARE_CLIENT_ID' ? 'a'.repeat(50) : 'arn:filled-in',
  ]);
  expect(() => readPollEnvironment(Object.fromEntries(filledIn))).not.toThrow();
});

test('no policy grants every action, and no credentials stand in the template', () => {
  for (const { Properties } of Object.values(template.findResources('AWS::IAM::Policy'))) {
    for (const { Action, Effect } of Properties.PolicyDocument.Statement) {
      if (Effect === 'Allow') expect([Action].flat().some((action) => action.endsWith('*'))).toBe(false);
    }
  }
  expect(JSON.stringify(template.toJSON())).toContain('{{resolve:secretsmanager:');
});
