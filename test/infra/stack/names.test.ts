import { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it } from 'vitest';
import { NotifierStack } from '#infra/stack/notifier-stack.ts';
import { config, newApp } from './synthesis.ts';
import { resourcesOf } from './template-policies.ts';

/** Two notifiers of one account and region, synthesised by one app. */
const stacks = ['TransferNotifier', 'Staging'] as const;
type StackName = (typeof stacks)[number];

let templates: Record<StackName, Template>;
beforeAll(() => {
  const app = newApp();
  const usual = new NotifierStack(app, 'TransferNotifier', { config });
  const staging = { config: { ...config, stack: 'Staging' }, configFile: 'staging.json' };
  const other = new NotifierStack(app, 'Staging', staging);
  templates = { TransferNotifier: Template.fromStack(usual), Staging: Template.fromStack(other) };
});

/** Types whose names are those of resources that they belong to. */
const partsOfOthers = ['EventInvokeConfig', 'EventSourceMapping', 'Version'].map((type) => `AWS::Lambda::${type}`);

/** Types whose names must be unique in a region; those of all others, in the account. */
const regional = ['AWS::CloudWatch::Alarm', 'AWS::SNS::Topic'];
const ofAccount = ['AWS::CloudWatch::Dashboard'];

/** Lists the names by which resources are known outside of their stack, with the stack's own name filled in. */
const physicalNames = (stack: StackName) =>
  Object.values(resourcesOf(templates[stack])).flatMap(({ Type: type, Properties = {} }) =>
    Object.entries(Properties)
      .filter(([property]) => /^(?:Name|.*(?<!^Metric|^Policy)Name|Namespace|AliasName|ExportName)$/.test(property))
      .map(([, value]) => ({ type, name: JSON.stringify(value).replaceAll('{"Ref":"AWS::StackName"}', `"${stack}"`) }))
      // Metrics of AWS differ by their dimensions.
      .filter(({ name }) => !partsOfOthers.includes(type) && !name.startsWith('"AWS/')),
  );

describe('two stacks in one account and region', () => {
  it('share no name, and export none', () => {
    const [one, other] = stacks.map(physicalNames);
    expect(new Set(one!.map(({ type }) => type))).toEqual(new Set([...regional, ...ofAccount]));
    const others = other!.map(({ name }) => name);
    expect(one!.filter(({ name }) => others.includes(name))).toEqual([]);
    const outputs = stacks.flatMap((stack) => Object.values(templates[stack].findOutputs('*')));
    expect(outputs.filter(({ Export }) => Export !== undefined)).toEqual([]);
  });

  it('write their metrics where their own alarms and dashboards read them', () => {
    const own = { Ref: 'AWS::StackName' };
    for (const stack of stacks) {
      const resources = Object.values(resourcesOf(templates[stack]));
      const propertiesOf = (type: string) =>
        resources.filter(({ Type }) => Type === type).map(({ Properties }) => Properties);
      const namespaces = propertiesOf('AWS::CloudWatch::Alarm').map(({ Namespace }) => Namespace);
      const read = namespaces.filter((namespace) => namespace && !String(namespace).startsWith('AWS/'));
      const written = propertiesOf('AWS::Lambda::Function')
        .filter(({ LoggingConfig }) => LoggingConfig)
        .map(({ Environment }) => Environment.Variables.METRIC_NAMESPACE);
      expect(read.length).toBeGreaterThan(0);
      expect(written.length).toBeGreaterThan(0);
      for (const namespace of [...read, ...written]) expect(namespace).toEqual(own);
      const body = JSON.stringify(propertiesOf('AWS::CloudWatch::Dashboard')[0].DashboardBody);
      expect(body).not.toContain('\\"TransferNotifier\\"');
      expect(body).toContain(JSON.stringify(own));
    }
  });

  it('have their own name and region in names that must be unique in the account', () => {
    const named = physicalNames('Staging').filter(({ type }) => !regional.includes(type));
    expect(named.map(({ type }) => type).toSorted()).toEqual(ofAccount);
    for (const { type, name } of named) {
      expect(name, type).toContain('"Staging"');
      expect(name, type).toContain('{"Ref":"AWS::Region"}');
    }
    const { DashboardUrl } = templates.Staging.toJSON().Outputs;
    expect(JSON.stringify(DashboardUrl.Value).replaceAll('","', '')).toContain(
      'dashboard/",{"Ref":"AWS::StackName"},"-",{"Ref":"AWS::Region"}',
    );
  });

  it('lead to the same chapters of the runbook by their alarms', () => {
    const chapters = (stack: StackName) =>
      Object.values(templates[stack].findResources('AWS::CloudWatch::Alarm')).map(
        ({ Properties }) => /docs\/operations\.md#\w+/.exec(JSON.stringify(Properties.AlarmDescription))?.[0],
      );
    expect(chapters('Staging')).toEqual(chapters('TransferNotifier'));
  });

  it('name the configuration file in the command that fills the secret, unless it is the usual one', () => {
    const fillSecret = (stack: StackName) => JSON.stringify(templates[stack].toJSON().Outputs.FillSecret.Value);
    expect(fillSecret('Staging')).toContain(' --config staging.json');
    expect(fillSecret('TransferNotifier')).not.toContain('--config');
  });
});
