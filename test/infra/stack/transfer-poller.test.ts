import { Match, type Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test } from 'vitest';
import { synthesise } from './synthesis.ts';

let template: Template;
beforeAll(() => {
  template = synthesise();
});

test('the shards share the requests that may be under way, and know the timetable', () => {
  template.hasResourceProperties('AWS::Lambda::Function', {
    Description: 'Lists the transfers of the watches, publishes what has changed',
    Environment: {
      Variables: { MAX_CONCURRENT_PAGES: '2', SHARDS: '2', POLL_INTERVAL_MS: '300000', FULL_LISTING_EVERY: '10' },
    },
  });
});

describe('the alarm', () => {
  test.each([
    ['NoCompleteListing', 300, 'counts intervals of the watch that is polled most often'],
    ['WatchFailing', 900, 'waits for the watch that is polled least often'],
    ['WatchesSkipped', 60, 'counts ticks'],
  ])('%s looks at %i seconds at a time: it %s', (name, Period) => {
    const alarms = template.findResources('AWS::CloudWatch::Alarm', {
      Properties: { AlarmName: `TransferNotifier-${name}` },
    });
    const periods = Object.values(alarms).flatMap(({ Properties }) =>
      (Properties.Metrics ?? [{ MetricStat: Properties }]).flatMap((one: { MetricStat?: { Period: number } }) =>
        one.MetricStat ? [one.MetricStat.Period] : [],
      ),
    );
    expect(periods).toEqual([Period]);
  });

  test.each(['WatchFailing', 'WatchesSkipped', 'DeliveriesFailing'])(
    '%s counts periods in which its metric is not sent as 0, so that others are not taken for periods in a row',
    (name) => {
      template.hasResourceProperties('AWS::CloudWatch::Alarm', {
        AlarmName: `TransferNotifier-${name}`,
        Metrics: Match.arrayWith([Match.objectLike({ Expression: 'FILL(m, 0)' })]),
        TreatMissingData: 'notBreaching',
      });
    },
  );

  test.each(['NoCompleteListing', 'OldestWaitingDelivery'])('%s goes off when its metric is not sent', (name) => {
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: `TransferNotifier-${name}`,
      MetricName: Match.anyValue(),
      TreatMissingData: 'breaching',
    });
  });
});
