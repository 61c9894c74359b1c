import type { Template } from 'aws-cdk-lib/assertions';
import { idsIn, matches, type Resource, resourcesOf, type Statement, statementsByRole } from './template-policies.ts';

/** What a function may pass a message to, and by which right. */
const receivers = [
  { action: 'sqs:SendMessage', type: 'AWS::SQS::Queue' },
  { action: 'sns:Publish', type: 'AWS::SNS::Topic' },
  { action: 'lambda:InvokeFunction', type: 'AWS::Lambda::Function' },
] as const;

/**
 * Functions that may be invoked by what they sent themselves, through queues, dead-letter queues, topics and other
 * functions. Lambda takes such a chain for an endless loop after some 16 rounds, unless the function allows it.
 */
export function functionsInLoops(template: Template): string[] {
  const flow = messageFlow(template);
  return Object.entries(resourcesOf(template))
    .filter(([id, { Type }]) => Type === 'AWS::Lambda::Function' && reachable(flow, id).has(id))
    .map(([id]) => id);
}

type Flow = ReadonlyMap<string, ReadonlySet<string>>;

/** Where a message may go from each resource. */
function messageFlow(template: Template): Flow {
  const resources = resourcesOf(template);
  const statements = statementsByRole(template);
  const flow = new Map<string, Set<string>>();
  const lead = (from: readonly string[], to: readonly string[]) => {
    for (const one of from) flow.set(one, new Set([...(flow.get(one) ?? []), ...to]));
  };
  const ids = (value: unknown) => idsIn(value, resources);
  for (const [id, { Type, Properties }] of Object.entries(resources)) {
    switch (Type) {
      case 'AWS::Lambda::Function':
        for (const role of ids(Properties.Role)) lead([id], sentTo(statements.get(role) ?? [], resources));
        lead([id], ids(Properties.DeadLetterConfig));
        break;
      case 'AWS::Lambda::Version':
      case 'AWS::Lambda::Alias':
        lead([id], ids(Properties.FunctionName));
        break;
      case 'AWS::Lambda::EventInvokeConfig':
        lead(ids(Properties.FunctionName), ids(Properties.DestinationConfig));
        break;
      case 'AWS::Lambda::EventSourceMapping':
        lead(ids(Properties.EventSourceArn), ids(Properties.FunctionName));
        break;
      case 'AWS::SNS::Subscription':
        lead(ids(Properties.TopicArn), ids([Properties.Endpoint, Properties.RedrivePolicy]));
        break;
      case 'AWS::SQS::Queue':
        lead([id], ids(Properties.RedrivePolicy));
        break;
    }
  }
  return flow;
}

/** What statements allow to send to; a resource that is not of this template may be any. */
function sentTo(statements: readonly Statement[], resources: Readonly<Record<string, Resource>>): string[] {
  const allowed = statements.filter(({ Effect }) => Effect === 'Allow');
  return receivers.flatMap(({ action, type }) =>
    allowed
      .filter(({ Action }) => [Action].flat().some((pattern) => matches(pattern, action)))
      .flatMap(({ Resource }) => [Resource].flat())
      .flatMap((resource) => {
        const named = idsIn(resource, resources);
        return named.length > 0 ? named : Object.keys(resources).filter((id) => resources[id]?.Type === type);
      }),
  );
}

/** What can be reached from a resource, itself only if a way leads back. */
function reachable(flow: Flow, from: string): Set<string> {
  const reached = new Set<string>();
  const next = [...(flow.get(from) ?? [])];
  for (let id = next.pop(); id !== undefined; id = next.pop()) {
    if (reached.has(id)) continue;
    reached.add(id);
    next.push(...(flow.get(id) ?? []));
  }
  return reached;
}
