import type { Template } from 'aws-cdk-lib/assertions';

/** A resource of a template. */
export interface Resource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: what is in it depends on its type
  readonly Properties: any;
}

/** A statement of a policy as the template has it. */
export interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: string | readonly string[];
  readonly Resource?: unknown;
  readonly Principal?: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** The resources of a template by their logical ids. */
export const resourcesOf = (template: Template): Record<string, Resource> => template.toJSON().Resources;

/** The logical ids of the resources that a value refers to. */
export function idsIn(value: unknown, resources: Readonly<Record<string, Resource>>): string[] {
  const text = JSON.stringify(value) ?? '';
  const words = new Set(text.match(/\w+/g));
  return Object.keys(resources).filter((id) => words.has(id));
}

/** The statements of every policy that the template attaches to a role, by the role's logical id. */
export function statementsByRole(template: Template): Map<string, Statement[]> {
  const byRole = new Map<string, Statement[]>();
  const add = (role: string, statements: Statement[]) => byRole.set(role, [...(byRole.get(role) ?? []), ...statements]);
  for (const [id, { Type, Properties }] of Object.entries(resourcesOf(template))) {
    if (Type === 'AWS::IAM::Policy' || Type === 'AWS::IAM::ManagedPolicy') {
      for (const { Ref } of Properties.Roles ?? []) add(Ref, Properties.PolicyDocument.Statement);
    }
    if (Type === 'AWS::IAM::Role') {
      for (const { PolicyDocument } of Properties.Policies ?? []) add(id, PolicyDocument.Statement);
    }
  }
  return byRole;
}

/** Whether a pattern of IAM, with its wildcards, is met. */
export function matches(pattern: string, text: string): boolean {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`).test(text);
}
