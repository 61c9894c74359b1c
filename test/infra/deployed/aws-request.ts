import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Access } from './role-policy.ts';
import { account, region } from './template-values.ts';

/** The services that the functions call, by their names in signatures. */
export const services = ['dynamodb', 'sns', 'sqs', 'secretsmanager', 'lambda'] as const;
export type Service = (typeof services)[number];

/**
 * The service that a request is signed for.
 *
 * @throws Error when it is signed for none of {@link services}
 */
export function serviceOf({ authorization = '' }: IncomingHttpHeaders): Service {
  const [, name] = /Credential=[^/]+\/\d+\/[^/]+\/([^/]+)\//.exec(authorization) ?? [];
  const service = services.find((known) => known === name);
  if (!service) throw new Error(`a request to ${name ?? 'no service'}`);
  return service;
}

/**
 * What IAM would be asked before a request is carried out. Operations on several messages need the right to the single
 * one, in DynamoDB the right to the batch.
 */
export function accessesOf(
  service: Service,
  { url = '', headers }: Pick<IncomingMessage, 'url' | 'headers'>,
  body: string,
): readonly Access[] {
  if (service === 'lambda') {
    const [, name] = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/.exec(url) ?? [];
    return name === undefined ? [] : [{ action: 'lambda:InvokeFunction', resource: arn('lambda', `function:${name}`) }];
  }
  if (service === 'sns') {
    const form = new URLSearchParams(body);
    return [{ action: `sns:${single(form.get('Action') ?? '')}`, resource: form.get('TopicArn') ?? '' }];
  }
  const operation = String(headers['x-amz-target']).split('.').at(-1) ?? '';
  const input = JSON.parse(body);
  switch (service) {
    case 'sqs':
      return [{ action: `sqs:${single(operation)}`, resource: arn('sqs', String(input.QueueUrl).split('/').at(-1)) }];
    case 'secretsmanager':
      return [{ action: `secretsmanager:${operation}`, resource: input.SecretId }];
    case 'dynamodb': {
      const index = input.IndexName === undefined ? '' : `/index/${input.IndexName}`;
      const tables: string[] = input.RequestItems ? Object.keys(input.RequestItems) : [input.TableName];
      return tables.map((table) => ({
        action: `dynamodb:${operation}`,
        resource: arn('dynamodb', `table/${table}${index}`),
      }));
    }
  }
}

/** The ARN of something in the account. */
export const arn = (service: string, name: string | undefined): string =>
  `arn:aws:${service}:${region}:${account}:${name}`;

const single = (operation: string): string => operation.replace(/Batch$/, '');
