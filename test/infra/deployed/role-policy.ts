import type { Template } from 'aws-cdk-lib/assertions';
import { matches, type Statement as TemplateStatement } from '#test/infra/stack/template-policies.ts';
import type { TemplateValues } from './template-values.ts';

/** A statement of a policy, with nothing left to CloudFormation. */
export interface Statement {
  readonly effect: 'Allow' | 'Deny';
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  /** Keys that have to be true of a request, IAM's condition `Bool`. */
  readonly ifTrue?: readonly string[];
}

/** Requested action and its resource. */
export interface Access {
  /** For example `sqs:SendMessage`. */
  readonly action: string;
  /** ARN. */
  readonly resource: string;
  /** Condition keys that are true of the request. */
  readonly context?: readonly string[];
}

/**
 * The statements of all policies that the template attaches to a role.
 *
 * @throws Error for a statement that says more than effect, actions and resources
 */
export function statementsOf(template: Template, roleId: string, values: TemplateValues): Statement[] {
  const isOfRole = ({ Properties }: { Properties: { Roles: { Ref?: string }[] } }) =>
    Properties.Roles.some(({ Ref }) => Ref === roleId);
  return Object.values(template.findResources('AWS::IAM::Policy'))
    .filter((policy) => isOfRole(policy as Parameters<typeof isOfRole>[0]))
    .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
    .map((statement) => statementOf(statement, values));
}

/**
 * A statement of a policy for roles, users or groups.
 *
 * @throws Error for one that says more than effect, actions, resources, and which keys have to be true
 */
export function statementOf(statement: TemplateStatement, values: TemplateValues): Statement {
  const { Effect, Action, Resource, Condition = {}, ...more } = statement;
  const { Bool = {}, ...operators } = Condition;
  const isUnknown = Object.keys({ ...more, ...operators }).some((name) => name !== 'Sid');
  if (isUnknown || Object.values(Bool).some((value) => value !== 'true')) {
    throw new Error(`not understood in a policy: ${JSON.stringify(statement)}`);
  }
  const resources = [Resource].flat().map((resource) => values.text(resource));
  return { effect: Effect, actions: [Action].flat(), resources, ifTrue: Object.keys(Bool) };
}

/** Whether a role with these statements may do something: it is allowed somewhere, and denied nowhere. */
export function isGranted(statements: readonly Statement[], { action, resource, context = [] }: Access): boolean {
  const matching = statements.filter(
    ({ actions, resources, ifTrue = [] }) =>
      actions.some((pattern) => matches(pattern, action)) &&
      resources.some((pattern) => matches(pattern, resource)) &&
      ifTrue.every((key) => context.includes(key)),
  );
  return matching.length > 0 && matching.every(({ effect }) => effect === 'Allow');
}

/** `sqs:SendMessage WebhookDeliveryWakeUpsQueue`: a grant with the ARN's last part. */
export const grantName = ({ action, resource }: Access): string =>
  `${action} ${resource.split(':').slice(5).join(':')}`;

/** Every action on every resource that statements allow, by {@link grantName}. */
export const grantsIn = (statements: readonly Statement[]): string[] =>
  statements
    .filter(({ effect }) => effect === 'Allow')
    .flatMap(({ actions, resources }) =>
      actions.flatMap((action) => resources.map((resource) => grantName({ action, resource }))),
    );
