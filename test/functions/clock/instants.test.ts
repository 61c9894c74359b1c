import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hasBeen, isRecent, plausibleUntil, steady } from '#functions/clock/instants.ts';

const now = Date.parse('2026-11-24T12:00:00Z');
const minute = 60_000;
const instant = fc.integer({ min: now - 10 * 365 * 86_400_000, max: now + 10 * 365 * 86_400_000 });
const age = fc.integer({ min: 0, max: 30 * 86_400_000 });

test('an instant that was once the present is believed unless it is still to come', () => {
  expect([now - minute, now, now + 1000, now + minute].map((at) => hasBeen(at, now))).toEqual([
    true,
    true,
    true,
    false,
  ]);
});

test('whatever is stored, nothing is waited for longer than it can rightly last', () => {
  fc.assert(
    fc.property(instant, age, (until, longest) => {
      const believed = plausibleUntil(until, now, longest);
      expect((believed ?? now) - now).toBeLessThanOrEqual(longest + 5000);
      if (until <= now + longest) expect(believed).toBe(until);
    }),
  );
  expect(plausibleUntil(undefined, now, minute)).toBeUndefined();
});

test('what was noted at an instant that is still to come is not recent, and nothing is for longer than its age', () => {
  fc.assert(
    fc.property(instant, age, (at, most) => {
      if (isRecent(at, now, most)) expect(Math.abs(now - at)).toBeLessThan(Math.max(most, 5001));
      else expect(at > now + 5000 || now - at >= most).toBe(true);
    }),
  );
});

test('the steady clock begins at about the Unix time and never goes back', () => {
  expect(Math.abs(steady() - Date.now())).toBeLessThan(minute);
  const readings = Array.from({ length: 1000 }, steady);
  expect(readings).toEqual(readings.toSorted((a, b) => a - b));
});
