import { Template } from 'aws-cdk-lib/assertions';
import { expect, test } from 'vitest';
import { functionsInLoops } from './message-flow.ts';
import { synthesise } from './synthesis.ts';

const arnOf = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] });
const sender = { Type: 'AWS::Lambda::Function', Properties: { Role: arnOf('Role') } };
const role = (Action: string, Resource: unknown) => ({
  Type: 'AWS::IAM::Role',
  Properties: { Policies: [{ PolicyDocument: { Statement: [{ Effect: 'Allow', Action, Resource }] } }] },
});
const queue = (deadLetters?: string) => ({
  Type: 'AWS::SQS::Queue',
  Properties: deadLetters ? { RedrivePolicy: { deadLetterTargetArn: arnOf(deadLetters) } } : {},
});
const feeds = (from: string, FunctionName: object) => ({
  Type: 'AWS::Lambda::EventSourceMapping',
  Properties: { EventSourceArn: arnOf(from), FunctionName },
});
const feedsSender = feeds('Queue', { Ref: 'Sender' });
const subscribed = (Protocol: string, to: string) => ({
  Type: 'AWS::SNS::Subscription',
  Properties: { TopicArn: { Ref: 'Topic' }, Protocol, Endpoint: arnOf(to) },
});
const topic = { Type: 'AWS::SNS::Topic', Properties: {} };

test.each<[string, object]>([
  ['a queue', { Role: role('sqs:SendMessage', arnOf('Queue')), Queue: queue(), Feeds: feedsSender }],
  ['the right to any queue', { Role: role('sqs:Send*', '*'), Queue: queue(), Feeds: feedsSender }],
  [
    'a dead-letter queue',
    { Role: role('sqs:SendMessage', arnOf('First')), First: queue('Queue'), Queue: queue(), Feeds: feedsSender },
  ],
  [
    'a topic that feeds a queue',
    {
      ...{ Role: role('sns:Publish', { Ref: 'Topic' }), Topic: topic, Queue: queue(), Feeds: feedsSender },
      Subscribed: subscribed('sqs', 'Queue'),
    },
  ],
  [
    'a topic that invokes',
    { Role: role('sns:Publish', { Ref: 'Topic' }), Topic: topic, Subscribed: subscribed('lambda', 'Sender') },
  ],
  [
    'another function',
    {
      ...{ Role: role('lambda:InvokeFunction', arnOf('Other')), Queue: queue(), Feeds: feedsSender },
      Other: { Type: 'AWS::Lambda::Function', Properties: { Role: arnOf('OtherRole') } },
      OtherRole: role('sqs:*', arnOf('Queue')),
    },
  ],
  [
    'the destination of what fails',
    {
      ...{ Role: role('logs:PutLogEvents', '*'), Queue: queue(), Feeds: feedsSender },
      Failed: {
        Type: 'AWS::Lambda::EventInvokeConfig',
        Properties: { FunctionName: { Ref: 'Sender' }, DestinationConfig: { OnFailure: arnOf('Queue') } },
      },
    },
  ],
])('a function that invokes itself by way of %s is found to do so', (_way, others) => {
  expect(functionsInLoops(Template.fromJSON({ Resources: { Sender: sender, ...others } }))).toContain('Sender');
});

test('a function that sends to what does not invoke it is in no loop', () => {
  const Resources = { Sender: sender, Role: role('sqs:SendMessage', arnOf('Queue')), Queue: queue() };
  expect(functionsInLoops(Template.fromJSON({ Resources }))).toEqual([]);
});

test('every function that may invoke itself by what it sends tells Lambda that it means to, and no other does', () => {
  const template = synthesise();
  const allowed = Object.entries(template.findResources('AWS::Lambda::Function'))
    .filter(([, { Properties }]) => Properties.RecursiveLoop === 'Allow')
    .map(([id]) => id);
  const inLoops = functionsInLoops(template);
  expect(inLoops).not.toEqual([]);
  expect(allowed.toSorted()).toEqual(inLoops.toSorted());
});
