import type { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it } from 'vitest';
import { synthesise } from './synthesis.ts';
import { type Statement, statementsByRole } from './template-policies.ts';

let template: Template;
beforeAll(() => {
  template = synthesise();
});

/** Lists actions with their resources, without the hashes of logical ids: `dynamodb:Query TransferPollerTransfers`. */
const grantsOf = (statements: readonly Statement[]): string[] =>
  statements
    .flatMap(({ Action, Resource }) =>
      [Action].flat().flatMap((action) => [Resource].flat().map((resource) => `${action} ${nameOf(resource)}`)),
    )
    .sort();

function nameOf(resource: unknown): string {
  const text = JSON.stringify(resource);
  const id = /"(?:Ref|Fn::GetAtt)":\[?"(\w+?)(?:[0-9A-F]{8})"/.exec(text)?.[1] ?? text;
  const suffix = /"([/:][^"]*)"\]\]/.exec(text)?.[1] ?? '';
  return id + suffix;
}

const logs = (name: string) => [`logs:CreateLogStream ${name}Logs`, `logs:PutLogEvents ${name}Logs`];
const rows = (table: string, ...actions: string[]) => actions.map((action) => `dynamodb:${action} ${table}`);
const transfers = 'TransferPollerTransfers';
const webhooks = 'WebhookDeliveryWebhooks';
const variables = 'secretsmanager:GetSecretValue NotifierSecret';
const wakeUp = 'sqs:SendMessage WebhookDeliveryWakeUpsQueue';
const announce = 'sns:Publish TransferEvents';
const queues = [
  'MissedTicks',
  ...['Announcements', 'WakeUps'].flatMap((what) => [
    `WebhookDelivery${what}Queue`,
    `WebhookDelivery${what}DeadLetters`,
  ]),
];
const workOn = (queue: string) =>
  ['ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes'].map((action) => `sqs:${action} ${queue}`);
/** For the record of a lost tick, by the scheduler or by Lambda in the name of the function. */
const tellOfMissedTick = 'sqs:SendMessage MissedTicks';
const tick = (target: string) => [
  `lambda:InvokeFunction ${target}`,
  `lambda:InvokeFunction ${target}:*`,
  tellOfMissedTick,
];

describe('roles', () => {
  it('grant each function the actions it calls, and nothing else (P25)', () => {
    const roles = [...statementsByRole(template)].map(([role, statements]) => [
      role.replace(/[0-9A-F]{8}$/, ''),
      grantsOf(statements),
    ]);
    const expected = {
      TransferPollerPollRole: [
        ...logs('TransferPollerPoll'),
        ...rows(transfers, 'Query', 'PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem'),
        variables,
        announce,
        tellOfMissedTick,
      ],
      TransferPollerClockRole: tick('TransferPollerPoll'),
      WebhookDeliveryFanOutRole: [
        ...logs('WebhookDeliveryFanOut'),
        ...rows(webhooks, 'Query', 'PutItem'),
        wakeUp,
        ...workOn('WebhookDeliveryAnnouncementsQueue'),
        'sqs:SendMessage WebhookDeliveryAnnouncementsQueue',
      ],
      WebhookDeliveryDeliverRole: [
        ...logs('WebhookDeliveryDeliver'),
        ...rows(webhooks, 'BatchGetItem', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem'),
        ...rows(`${webhooks}/index/waiting`, 'Query'),
        variables,
        wakeUp,
        'sns:Publish TransferNotices',
        ...workOn('WebhookDeliveryWakeUpsQueue'),
      ],
      WebhookDeliverySweepRole: [
        ...logs('WebhookDeliverySweep'),
        ...rows(webhooks, 'Query', 'BatchGetItem', 'PutItem', 'UpdateItem'),
        ...rows(`${webhooks}/index/waiting`, 'Query'),
        wakeUp,
        announce,
        tellOfMissedTick,
      ],
      WebhookDeliveryClockRole: tick('WebhookDeliverySweep'),
      ConfigurationSyncDeclareRole: [
        ...logs('ConfigurationSyncDeclare'),
        ...rows(transfers, 'Query', 'UpdateItem'),
        ...rows(webhooks, 'Query', 'PutItem'),
        variables,
      ],
      OperatorApiOperatorRole: [
        ...logs('OperatorApiOperator'),
        ...rows(transfers, 'Query', 'Scan', 'BatchGetItem', 'PutItem', 'UpdateItem', 'DeleteItem'),
        ...rows(webhooks, 'Query', 'Scan', 'BatchGetItem', 'PutItem', 'UpdateItem', 'DeleteItem'),
        ...['waiting', 'by-day'].flatMap((index) => rows(`${webhooks}/index/${index}`, 'Query')),
        variables,
        wakeUp,
        'lambda:InvokeFunction TransferPollerPoll',
        ...queues.map((queue) => `sqs:GetQueueAttributes ${queue}`),
        'sns:GetTopicAttributes TransferEvents',
        'sns:GetTopicAttributes TransferNotices',
      ],
      // The CDK's own function, which waits for declare when a deployment changes it.
      AWSCDKTriggerCustomResourceProviderCustomResourceProviderRole: [
        'lambda:InvokeFunction ConfigurationSyncDeclare:*',
      ],
    };
    expect(Object.fromEntries(roles)).toEqual(
      Object.fromEntries(Object.entries(expected).map(([role, grants]) => [role, grants.toSorted()])),
    );
  });

  it('include no managed policy of AWS but that by which the CDK lets its own function write logs', () => {
    const managed = Object.entries(template.findResources('AWS::IAM::Role')).filter(
      ([, { Properties }]) => Properties.ManagedPolicyArns,
    );
    expect(managed.map(([id]) => id.replace(/[0-9A-F]{8}$/, ''))).toEqual([
      'AWSCDKTriggerCustomResourceProviderCustomResourceProviderRole',
    ]);
  });
});
