import type { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, expect, test } from 'vitest';
import { shutdownReserveMs } from '#functions/operator/routes.ts';
import { longTimeoutMs } from '#infra/cli/api/client.ts';
import { synthesise } from './synthesis.ts';

let template: Template;
beforeAll(() => {
  template = synthesise();
});

test('operators reach one function, and only by a signed request', () => {
  const urls = Object.values(template.findResources('AWS::Lambda::Url')).map(({ Properties }) => Properties);
  expect(urls).toEqual([
    {
      AuthType: 'AWS_IAM',
      TargetFunctionArn: { 'Fn::GetAtt': [expect.stringContaining('OperatorApiOperator'), 'Arn'] },
    },
  ]);
  const permissions = Object.values(template.findResources('AWS::Lambda::Permission'));
  expect(permissions.filter(({ Properties }) => Properties.Principal === '*')).toEqual([]);
});

test('whoever asks for a poll is answered even if it takes all of its time, and waits for that answer', () => {
  const functions = Object.entries(template.findResources('AWS::Lambda::Function'));
  const timeoutOf = (name: string): number =>
    functions.find(([id]) => id.startsWith(name))![1].Properties.Timeout * 1000;
  const waited = timeoutOf('OperatorApiOperator');
  expect(waited - shutdownReserveMs).toBeGreaterThan(timeoutOf('TransferPollerPoll'));
  expect(longTimeoutMs).toBeGreaterThan(waited);
});
