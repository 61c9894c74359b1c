import { expect, it } from 'vitest';
import type { Happening } from '#infra/simulator/lives/history.ts';
import { firstMorning, seededHistory } from '#infra/simulator/lives/seeded-history.ts';
import { dayMs } from '#infra/simulator/switches.ts';

const history: Happening[] = [];
for (const one of seededHistory(5, firstMorning)) {
  if (Date.parse(one.at) > firstMorning + 60 * dayMs) break;
  history.push(one);
}
const sent = history.filter(({ is }) => is === 'sent');

it('a seeded mailbox sends and receives in working hours alone', () => {
  const hours = sent.map(({ at }) => new Date(at)).filter((at) => at.getUTCHours() < 7 || at.getUTCHours() >= 17);
  const weekends = sent.filter(({ at }) => [0, 6].includes(new Date(at).getUTCDay()));
  expect([hours, weekends]).toEqual([[], []]);
  expect(new Set(sent.map((one) => one.is === 'sent' && one.direction))).toEqual(new Set(['sent', 'received']));
  expect(sent.length / 43).toBeGreaterThan(7);
  expect(sent.length / 43).toBeLessThan(13);
});

it('nothing but leaving the log happens to a seeded transfer after its end', () => {
  const ended = new Set<number>();
  const late = history.filter((one) => {
    const isLate = ended.has(one.transfer) && one.is !== 'unlisted';
    if (one.is === 'state' && /^(?:FAILED|DELETED_)/.test(one.state)) ended.add(one.transfer);
    return isLate;
  });
  expect(ended.size).toBeGreaterThan(100);
  expect(late).toEqual([]);
});
