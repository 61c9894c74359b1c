import type { Template } from 'aws-cdk-lib/assertions';
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
      Variables: { MAX_CONCURRENT_PAGES: '2', SHARDS: '2', POLL_EVERY: '300000', FULL_LISTING_EVERY: '10' },
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
    expect(Object.values(alarms).map(({ Properties }) => Properties.Period)).toEqual([Period]);
  });
});
