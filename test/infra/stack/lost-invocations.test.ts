import { beforeAll, expect, test } from 'vitest';
import { synthesise } from './synthesis.ts';
import { idsIn, type Resource, resourcesOf, statementsByRole } from './template-policies.ts';

let resources: Record<string, Resource>;
beforeAll(() => {
  resources = resourcesOf(synthesise());
});

const ofType = (type: string) => Object.entries(resources).filter(([, { Type }]) => Type === type);

/** What invokes functions without waiting for them, by the property that names the function. */
const asynchronous: Readonly<Record<string, (properties: Resource['Properties']) => unknown>> = {
  'AWS::Scheduler::Schedule': ({ Target }) => Target.Arn,
  'AWS::Events::Rule': ({ Targets }) => Targets,
  'AWS::SNS::Subscription': ({ Protocol, Endpoint }) => Protocol === 'lambda' && Endpoint,
  'AWS::S3::Bucket': ({ NotificationConfiguration }) => NotificationConfiguration?.LambdaConfigurations,
};

/** The functions that are invoked so. */
const invokedSo = (): string[] => {
  const invoked = Object.entries(asynchronous).flatMap(([type, targetIn]) =>
    ofType(type).flatMap(([, { Properties }]) => idsIn(targetIn(Properties), resources)),
  );
  return [...new Set(invoked)].filter((id) => resources[id]?.Type === 'AWS::Lambda::Function');
};

test('the record of every lost asynchronous invocation goes to the queue of missed ticks, which its function may send to', () => {
  const functions = invokedSo();
  expect(functions.map((id) => id.replace(/[0-9A-F]{8}$/, ''))).toEqual(['TransferPollerPoll', 'WebhookDeliverySweep']);
  const [[queue]] = ofType('AWS::SQS::Queue').filter(([id]) => id.startsWith('MissedTicks')) as [[string, Resource]];
  const roles = statementsByRole(synthesise());
  for (const id of functions) {
    const configs = ofType('AWS::Lambda::EventInvokeConfig').filter(([, { Properties }]) =>
      idsIn(Properties.FunctionName, resources).includes(id),
    );
    expect(
      configs.map(([, { Properties }]) => Properties.DestinationConfig),
      id,
    ).toEqual([{ OnFailure: { Destination: { 'Fn::GetAtt': [queue, 'Arn'] } } }]);
    const [role = ''] = idsIn(resources[id]!.Properties.Role, resources);
    const receivers = roles
      .get(role)!
      .filter(({ Effect, Action }) => Effect === 'Allow' && [Action].flat().includes('sqs:SendMessage'))
      .flatMap(({ Resource }) => idsIn(Resource, resources));
    expect(receivers, id).toContain(queue);
  }
});
