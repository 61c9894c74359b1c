import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { functionsInLoops } from './message-flow.ts';
import { synthesise } from './synthesis.ts';

const arnOf = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] });
const role = (Action: string, Resource: unknown) => ({
  Type: 'AWS::IAM::Role',
  Properties: { Policies: [{ PolicyDocument: { Statement: [{ Effect: 'Allow', Action, Resource }] } }] },
});
const subscription = (Protocol: string, to: string) => ({
  Type: 'AWS::SNS::Subscription',
  Properties: { TopicArn: { Ref: 'Topic' }, Protocol, Endpoint: arnOf(to) },
});

describe('recursive functions', () => {
  it.each<[string, string[], object]>([
    ['a topic that invokes the function', ['Sender'], { Subscription: subscription('lambda', 'Sender') }],
    ['lost invocations of another function', ['Sender', 'Next'], { Subscription: subscription('lambda', 'Next') }],
    ['a topic that leads elsewhere', [], { Subscription: subscription('sqs', 'Elsewhere') }],
    ['the right to any function', ['Sender', 'Next'], { Role: role('lambda:Invoke*', '*') }],
    ['the right to any queue', ['Sender'], { Role: role('sqs:Send*', '*') }],
  ])('are found by way of %s', (_, found, changes) => {
    const Resources = {
      Sender: { Type: 'AWS::Lambda::Function', Properties: { Role: arnOf('Role') } },
      Role: role('sns:Publish', { Ref: 'Topic' }),
      Topic: { Type: 'AWS::SNS::Topic', Properties: {} },
      Queue: { Type: 'AWS::SQS::Queue', Properties: {} },
      DLQ: { Type: 'AWS::SQS::Queue', Properties: { RedrivePolicy: { deadLetterTargetArn: arnOf('Queue') } } },
      Next: { Type: 'AWS::Lambda::Function', Properties: {} },
      Lost: { Type: 'AWS::Lambda::EventInvokeConfig', Properties: { FunctionName: 'Next', DestinationConfig: 'DLQ' } },
      Feeds: {
        Type: 'AWS::Lambda::EventSourceMapping',
        Properties: { EventSourceArn: arnOf('Queue'), FunctionName: { Ref: 'Sender' } },
      },
      ...changes,
    };
    expect(functionsInLoops(Template.fromJSON({ Resources }))).toEqual(found);
  });

  it('allow their recursion, and no other function does', () => {
    const template = synthesise();
    const allowed = Object.entries(template.findResources('AWS::Lambda::Function'))
      .filter(([, { Properties }]) => Properties.RecursiveLoop === 'Allow')
      .map(([id]) => id);
    expect(allowed).not.toEqual([]);
    expect(allowed.toSorted()).toEqual(functionsInLoops(template).toSorted());
  });
});
