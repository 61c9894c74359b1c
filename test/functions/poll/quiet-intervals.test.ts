import { expect, test } from 'vitest';
import { scopeDue } from '#functions/watches/schedule.ts';

const minute = 60_000;
const hour = 60 * minute;

test.each([1, 2, 3])(
  'a watch of an interval of %i h that changes all the time is polled in it, though quietIntervalMs is 12 h',
  (hours) => {
    const schedule = { shards: 1, pollIntervalMs: hours * hour, fullListingEvery: 1, quietIntervalMs: 12 * hour };
    const start = Date.parse('2026-11-24T00:00:00Z');
    let watch: Parameters<typeof scopeDue>[0] = {
      mailbox: 'alice@example.com',
      direction: 'sent',
      scheduledFrom: new Date(start).toISOString(),
    };
    let longest = 0;
    let last = start;
    let begun = false;
    for (let to = start + minute; to <= start + 96 * hour; to += minute) {
      if (!scopeDue(watch, schedule, { after: to - minute, to })) continue;
      if (begun) longest = Math.max(longest, to - last);
      begun = true;
      last = to;
      // Each poll finds a change.
      watch = { ...watch, changedAt: new Date(to + 1000).toISOString() };
    }
    expect(longest).toBeLessThanOrEqual(hours * hour);
  },
);
