import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { beforeAll, describe, expect, it } from 'vitest';
import { startInvocations } from '#infra/local/services/invocations.ts';
import { synthesise } from '#test/infra/stack/synthesis.ts';
import { resourcesOf } from '#test/infra/stack/template-policies.ts';
import { eventOf } from '#test/support/operator-world.ts';
import { arn } from './aws-request.ts';
import { startIamProxy } from './iam-proxy.ts';
import { isGranted, type Statement, statementOf } from './role-policy.ts';
import { account, region, TemplateValues } from './template-values.ts';

const operator = 'Operator';
const operatorArn = arn('lambda', `function:${operator}`);

let statements: readonly Statement[];
beforeAll(() => {
  const template = synthesise();
  const resources = resourcesOf(template);
  const values = new TemplateValues();
  const [operatorId = ''] = Object.keys(resources).filter((id) => /^OperatorApiOperator[0-9A-F]{8}$/.test(id));
  values.set(operatorId, { ref: operator, arn: operatorArn });
  const { Ref: policyId } = template.toJSON().Outputs.OperatorsPolicyArn.Value;
  const { Type, Properties } = resources[policyId]!;
  expect(Type).toBe('AWS::IAM::ManagedPolicy');
  statements = Properties.PolicyDocument.Statement.map((statement: never) => statementOf(statement, values));
});

describe('OperatorsPolicy', () => {
  const viaUrl = { context: ['lambda:InvokedViaFunctionUrl'] };
  const stack = `arn:aws:cloudformation:${region}:${account}:stack`;

  it('allows to find the address of the operator API, and to call it', () => {
    for (const access of [
      { action: 'cloudformation:DescribeStacks', resource: `${stack}/TransferNotifier/00000000-1111` },
      { action: 'lambda:InvokeFunctionUrl', resource: operatorArn },
      { action: 'lambda:InvokeFunction', resource: operatorArn, ...viaUrl },
    ]) {
      expect(isGranted(statements, access), access.action).toBe(true);
    }
  });

  it('allows neither another stack nor another function', () => {
    const other = arn('lambda', 'function:Poll');
    for (const access of [
      { action: 'cloudformation:DescribeStacks', resource: `${stack}/TransferNotifierToo/00000000-1111` },
      { action: 'cloudformation:DeleteStack', resource: `${stack}/TransferNotifier/00000000-1111` },
      { action: 'lambda:InvokeFunctionUrl', resource: other },
      { action: 'lambda:InvokeFunctionUrl', resource: `${operatorArn}Too` },
      { action: 'lambda:InvokeFunction', resource: other, ...viaUrl },
      { action: 'lambda:UpdateFunctionCode', resource: operatorArn },
    ]) {
      expect(isGranted(statements, access), access.action).toBe(false);
    }
  });

  it('refuses direct invocations, whose events could name another person for the audit line', async () => {
    const invoked: unknown[] = [];
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    const functions = new Map([[operator, async (event: unknown) => invoked.push(event)]]);
    const invocations = await startInvocations(functions, credentials.accessKeyId);
    const endpoints = { dynamodb: '', sns: '', sqs: '', secretsmanager: '', lambda: invocations.url };
    const denied: string[] = [];
    const proxy = await startIamProxy(statements, endpoints, (grant) => denied.push(grant));
    const lambda = new LambdaClient({ region, credentials, endpoint: proxy.url });
    const forged = JSON.stringify(eventOf('DELETE', '/endpoints/crm'));
    await expect(lambda.send(new InvokeCommand({ FunctionName: operator, Payload: forged }))).rejects.toMatchObject({
      name: 'AccessDeniedException',
    });
    expect(denied).toEqual([`lambda:InvokeFunction function:${operator}`]);
    expect(invoked).toEqual([]);
    expect([...proxy.used]).toEqual([]);
    lambda.destroy();
    await Promise.all([proxy.close(), invocations.close()]);
  });
});

describe('isGranted', () => {
  it('refuses an action that one statement denies and another allows', () => {
    const both: readonly Statement[] = [
      { effect: 'Allow', actions: ['dynamodb:*'], resources: [operatorArn] },
      { effect: 'Deny', actions: ['dynamodb:Put*'], resources: ['*'] },
    ];
    expect(isGranted(both, { action: 'dynamodb:Query', resource: operatorArn })).toBe(true);
    expect(isGranted(both, { action: 'dynamodb:PutItem', resource: operatorArn })).toBe(false);
  });
});
