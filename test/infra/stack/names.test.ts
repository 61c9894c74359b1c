import { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test } from 'vitest';
import { NotifierStack } from '#infra/stack/notifier-stack.ts';
import { config, newApp } from './synthesis.ts';
import { type Resource, resourcesOf } from './template-policies.ts';

/** Two notifiers of the same account and region, as they are synthesised by one app. */
const names = ['TransferNotifier', 'Staging'] as const;

let templates: Record<(typeof names)[number], Template>;
beforeAll(() => {
  const app = newApp();
  const usual = new NotifierStack(app, names[0], { config });
  const other = new NotifierStack(app, names[1], {
    config: { ...config, stack: names[1] },
    configFile: 'staging.json',
  });
  templates = { TransferNotifier: Template.fromStack(usual), Staging: Template.fromStack(other) };
});

/** Properties by which a resource is known outside of its stack, where its type has them and CloudFormation makes up none. */
const isPhysicalName = (type: string, property: string): boolean =>
  /^(?:Name|.*(?<!^Metric|^Policy)Name|Namespace|AliasName|ExportName)$/.test(property) && !isPartOfAnother.has(type);

/** Types whose names are those of resources that they belong to. */
const isPartOfAnother: ReadonlySet<string> = new Set([
  'AWS::Lambda::EventInvokeConfig',
  'AWS::Lambda::EventSourceMapping',
  'AWS::Lambda::Version',
]);

/** Types whose names need to be the only ones of their kind in a region; those of all others, in the whole account. */
const regional: ReadonlySet<string> = new Set(['AWS::CloudWatch::Alarm', 'AWS::SNS::Topic']);

interface PhysicalName {
  readonly type: string;
  readonly property: string;
  /** With what CloudFormation will put in for the stack's name. */
  readonly name: string;
}

const physicalNames = (stack: (typeof names)[number]): PhysicalName[] => {
  const resources: Record<string, Resource> = resourcesOf(templates[stack]);
  return Object.values(resources).flatMap(({ Type: type, Properties = {} }) =>
    Object.entries(Properties)
      .filter(([property]) => isPhysicalName(type, property))
      .map(([property, value]) => ({
        type,
        property,
        name: JSON.stringify(value).replaceAll('{"Ref":"AWS::StackName"}', `"${stack}"`),
      })),
  );
};

/** Metrics of AWS are told apart by their dimensions. */
const isOfAws = ({ property, name }: PhysicalName): boolean => property === 'Namespace' && name.startsWith('"AWS/');

describe('two stacks in one account and region', () => {
  test('share no name', () => {
    const [one, other] = names.map((name) => physicalNames(name).filter((named) => !isOfAws(named)));
    expect(new Set(one!.map(({ type }) => type))).toEqual(
      new Set([...regional, 'AWS::Chatbot::SlackChannelConfiguration', 'AWS::CloudWatch::Dashboard']),
    );
    const others = new Set(other!.map(({ name }) => name));
    expect(one!.filter(({ name }) => others.has(name))).toEqual([]);
  });

  test('write their metrics where only their own alarms and dashboards look', () => {
    for (const stack of names) {
      const template = templates[stack];
      const resources = Object.values(resourcesOf(template));
      const namespaces = resources
        .filter(({ Type }) => Type === 'AWS::CloudWatch::Alarm')
        .flatMap(({ Properties }) => Properties.Namespace ?? [])
        .filter((namespace) => !String(namespace).startsWith('AWS/'));
      expect(namespaces.length).toBeGreaterThan(0);
      const own = { Ref: 'AWS::StackName' };
      expect(namespaces).toEqual(namespaces.map(() => own));
      const functions = resources.filter(
        ({ Type, Properties }) => Type === 'AWS::Lambda::Function' && Properties.LoggingConfig,
      );
      expect(functions.map(({ Properties }) => Properties.Environment.Variables.METRIC_NAMESPACE)).toEqual(
        functions.map(() => own),
      );
      const [dashboard] = resources.filter(({ Type }) => Type === 'AWS::CloudWatch::Dashboard');
      const body = JSON.stringify(dashboard!.Properties.DashboardBody);
      expect(body).not.toContain('\\"TransferNotifier\\"');
      expect(body).toContain('{"Ref":"AWS::StackName"}');
    }
  });

  test('export nothing under a name', () => {
    for (const stack of names) {
      for (const output of Object.values(templates[stack].findOutputs('*'))) expect(output.Export).toBeUndefined();
    }
  });
});

test('what has a name that is the only one in the account carries stack and region in it', () => {
  const named = physicalNames('Staging').filter(({ type }) => !regional.has(type));
  expect(named.map(({ type }) => type).toSorted()).toEqual(
    ['AWS::CloudWatch::Dashboard', 'AWS::Chatbot::SlackChannelConfiguration'].toSorted(),
  );
  for (const { type, name } of named) {
    expect(name, type).toContain('"Staging"');
    expect(name, type).toContain('{"Ref":"AWS::Region"}');
  }
});

test('the dashboard’s address names the dashboard that is made', () => {
  const { Value } = templates.Staging.toJSON().Outputs.DashboardUrl;
  expect(JSON.stringify(Value).replaceAll('","', '')).toContain(
    'dashboard/",{"Ref":"AWS::StackName"},"-",{"Ref":"AWS::Region"}',
  );
});

test('each alarm leads to the runbook, whatever the stack is called', () => {
  const described = (stack: (typeof names)[number]) =>
    Object.values(templates[stack].findResources('AWS::CloudWatch::Alarm')).map(
      ({ Properties }) => /docs\/operations\.md#\w+/.exec(JSON.stringify(Properties.AlarmDescription))?.[0],
    );
  expect(described('Staging')).toEqual(described('TransferNotifier'));
});

test('the command that fills the secret names the configuration file, where it is not the usual one', () => {
  const fillSecret = (stack: (typeof names)[number]) =>
    JSON.stringify(templates[stack].toJSON().Outputs.FillSecret.Value);
  expect(fillSecret('Staging')).toContain(' --config staging.json');
  expect(fillSecret('TransferNotifier')).not.toContain('--config');
});
