import { beforeAll, describe, expect, it } from 'vitest';
import { synthesise } from './synthesis.ts';
import { type Resource, resourcesOf, type Statement } from './template-policies.ts';

let resources: Record<string, Resource>;
beforeAll(() => {
  resources = resourcesOf(synthesise());
});

/** Statements of policies that let services in, by type of resource. */
const policies: Readonly<Record<string, (properties: Resource['Properties']) => readonly Statement[]>> = {
  'AWS::IAM::Role': ({ AssumeRolePolicyDocument }) => AssumeRolePolicyDocument.Statement,
  'AWS::SQS::QueuePolicy': ({ PolicyDocument }) => PolicyDocument.Statement,
  'AWS::SNS::TopicPolicy': ({ PolicyDocument }) => PolicyDocument.Statement,
  'AWS::Lambda::Permission': ({ Action, Principal, SourceAccount, SourceArn }) => [
    {
      Effect: 'Allow',
      Action,
      Principal: { Service: Principal },
      Condition: {
        StringEquals: {
          ...(SourceAccount && { 'aws:SourceAccount': SourceAccount }),
          ...(SourceArn && { 'aws:SourceArn': SourceArn }),
        },
      },
    },
  ],
};

/** Services without a condition, with the reason. */
const unconditional: Readonly<Record<string, string>> = {
  // A condition on keys that a service does not send would keep every function from starting.
  'AWS::IAM::Role lambda.amazonaws.com':
    'Lambda documents these keys for policies of functions, not for their roles; a role can be given to functions of its own account alone',
};

interface Trust {
  /** Type of the resource and principal of the service. */
  readonly name: string;
  readonly condition: Readonly<Record<string, unknown>>;
}

/** Lists every service that a policy of the template lets in. */
const trusts = (): Trust[] =>
  Object.values(resources).flatMap(({ Type, Properties }) =>
    (policies[Type]?.(Properties) ?? [])
      .filter(({ Effect }) => Effect === 'Allow')
      .flatMap(({ Principal, Condition = {} }) =>
        [(Principal as { Service?: string | string[] }).Service ?? []].flat().map((service) => ({
          name: `${Type} ${service}`,
          condition: Object.assign({}, ...Object.values(Condition)),
        })),
      ),
  );

const hasSource = ({ condition }: Trust): boolean =>
  Object.keys(condition).some((key) => /^aws:Source(?:Account|Arn)$/.test(key));

describe('policies for services', () => {
  it('let services in for this account or resource alone, where AWS has a condition for it', () => {
    const all = trusts();
    expect(new Set(all.filter(hasSource).map(({ name }) => name))).toEqual(
      new Set([
        'AWS::IAM::Role scheduler.amazonaws.com',
        'AWS::SQS::QueuePolicy sns.amazonaws.com',
        'AWS::SNS::TopicPolicy cloudwatch.amazonaws.com',
      ]),
    );
    const without = new Set(all.filter((trust) => !hasSource(trust)).map(({ name }) => name));
    expect(without).toEqual(new Set(Object.keys(unconditional)));
  });

  it('let no one in without a principal', () => {
    const allowed = Object.values(resources)
      .flatMap(({ Type, Properties }) => policies[Type]?.(Properties) ?? [])
      .filter(({ Effect }) => Effect === 'Allow');
    for (const { Principal } of allowed) expect(JSON.stringify(Principal)).not.toContain('*');
  });

  it('let the scheduler in for schedules of this account and of their group', () => {
    const schedules = Object.values(resources).filter(({ Type }) => Type === 'AWS::Scheduler::Schedule');
    expect(new Set(schedules.map(({ Properties }) => Properties.GroupName))).toEqual(new Set([undefined]));
    const ofScheduler = trusts().filter(({ name }) => name.endsWith('scheduler.amazonaws.com'));
    expect(ofScheduler).toHaveLength(2);
    for (const { condition } of ofScheduler) {
      expect(condition['aws:SourceAccount']).toEqual({ Ref: 'AWS::AccountId' });
      // The one group that a schedule is in which names none. A schedule's own ARN is not what the scheduler sends.
      expect(JSON.stringify(condition['aws:SourceArn'])).toContain(':schedule-group/default"');
    }
  });

  it('let alarms of this stack alone publish to their topic', () => {
    const [{ condition }] = trusts().filter(({ name }) => name.endsWith('cloudwatch.amazonaws.com')) as [Trust];
    expect(condition['aws:SourceAccount']).toEqual({ Ref: 'AWS::AccountId' });
    expect(JSON.stringify(condition['aws:SourceArn'])).toContain(':alarm:TransferNotifier-*"');
  });
});
