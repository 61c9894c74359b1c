import { readFileSync } from 'node:fs';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it } from 'vitest';
import { config, synthesise, synthesiseChecked } from './synthesis.ts';

let template: Template;
beforeAll(() => {
  template = synthesise();
});

const alarms = () =>
  Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(({ Properties }) => Properties);
const alarm = (name: string) => alarms().find(({ AlarmName }) => AlarmName === `TransferNotifier-${name}`);

describe('notifier alarms', () => {
  it('have a chapter each in docs/operations.md, which their descriptions name', () => {
    const runbook = readFileSync('docs/operations.md', 'utf8');
    const [, chapters = ''] = runbook.split(/^## Alarms$/m);
    const headings = [...chapters.matchAll(/^### (\w+)$/gm)].map(([, name]) => name);
    expect(alarms().map(({ AlarmName }) => AlarmName)).toEqual(headings.map((name) => `TransferNotifier-${name}`));
    for (const { AlarmName, AlarmDescription } of alarms()) {
      const name = AlarmName.replace('TransferNotifier-', '');
      expect(JSON.stringify(AlarmDescription)).toContain(`docs/operations.md#${name.toLowerCase()}`);
      const chapter = runbook.split(`### ${name}\n`)[1]!.split(/^##/m)[0];
      for (const part of ['**Description.**', '**Investigation.**', '**Resolution.**']) expect(chapter).toContain(part);
    }
  });

  it('notify the person on call when they begin and when they end', () => {
    for (const { AlarmActions, OKActions } of alarms()) {
      expect([AlarmActions, OKActions]).toEqual([[{ Ref: 'AlarmsTopic3A2DFEBA' }], [{ Ref: 'AlarmsTopic3A2DFEBA' }]]);
    }
    const publisher = { Principal: { Service: 'cloudwatch.amazonaws.com' }, Action: 'sns:Publish' };
    template.hasResourceProperties('AWS::SNS::TopicPolicy', {
      Topics: [{ Ref: 'AlarmsTopic3A2DFEBA' }],
      PolicyDocument: { Statement: Match.arrayWith([Match.objectLike({ Effect: 'Allow', ...publisher })]) },
    });
  });

  it('report more than two lost ticks in five minutes', () => {
    const limit = { Threshold: 2, ComparisonOperator: 'GreaterThanThreshold', TreatMissingData: 'notBreaching' };
    const metric = { MetricName: 'NumberOfMessagesSent', Statistic: 'Sum', Period: 300, EvaluationPeriods: 1 };
    expect(alarm('MissedTicksDeadLetters')).toMatchObject({ ...metric, ...limit });
  });

  it('report three general intervals without a complete listing where the configuration has no watch', () => {
    const schedule = { every: '5m', quietEvery: '15m', fullListingEvery: 1, shards: 1 };
    const empty = synthesiseChecked({ ...config, watches: [], schedule });
    const periods = ['NoCompleteListing', 'WatchFailing'].map((name) => {
      const [one] = Object.values(
        empty.findResources('AWS::CloudWatch::Alarm', { Properties: { AlarmName: `TransferNotifier-${name}` } }),
      );
      return JSON.stringify(one).match(/"Period":(\d+)/)?.[1];
    });
    expect(periods).toEqual(['900', '900']);
  });

  it('report three intervals of the most frequent watch without a complete listing', () => {
    const limit = { Threshold: 1, ComparisonOperator: 'LessThanThreshold', TreatMissingData: 'breaching' };
    const metric = { MetricName: 'CompleteListings', Statistic: 'Sum', Period: 300, EvaluationPeriods: 3 };
    expect(alarm('NoCompleteListing')).toMatchObject({ ...metric, ...limit });
  });

  it('report deliveries that are overdue for 15 minutes, or whose age is not measured', () => {
    const rules = { Statistic: 'Maximum', Threshold: 900, EvaluationPeriods: 3, TreatMissingData: 'breaching' };
    expect(alarm('OldestWaitingDelivery')).toMatchObject({ MetricName: 'SecondsOverdue', ...rules });
  });

  it.each([
    // The interval of the least frequent watch.
    ['WatchFailing', 'WatchesFailing', 900, 1],
    // A tick.
    ['WatchesSkipped', 'WatchesSkipped', 60, 3],
    ['DeliveriesFailing', 'DeliveriesFailed', 300, 1],
  ])('count a period of %s without measurement as 0, so that periods in a row are adjacent', (name, ...rules) => {
    const [MetricName, Period, EvaluationPeriods] = rules;
    const { Metrics, ...others } = alarm(name)!;
    expect(others).toMatchObject({ EvaluationPeriods, TreatMissingData: 'notBreaching' });
    expect(Metrics).toMatchObject([{ Expression: 'FILL(m, 0)' }, { MetricStat: { Metric: { MetricName }, Period } }]);
  });

  it('report invocations of all functions that fail three times in five minutes, or are throttled for 15', () => {
    expect(alarm('FunctionErrors')).toMatchObject({ Threshold: 2, EvaluationPeriods: 1 });
    expect(alarm('FunctionThrottles')).toMatchObject({ Threshold: 0, EvaluationPeriods: 3 });
    for (const what of ['Errors', 'Throttles']) {
      const [{ Expression }, ...counts] = alarm(`Function${what}`)!.Metrics;
      expect(Expression).toBe('m0 + m1 + m2 + m3 + m4 + m5');
      expect(counts).toMatchObject(Array(6).fill({ MetricStat: { Metric: { MetricName: what } } }));
    }
  });

  it.each(['Announcements', 'WakeUps'])('report dead letters of %s', (what) => {
    expect(JSON.stringify(alarm(`${what}DeadLetters`)!.Dimensions)).toContain(`WebhookDelivery${what}DeadLetters`);
  });
});
