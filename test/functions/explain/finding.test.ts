import { describe, expect, test } from 'vitest';
import { findingOf, findings } from '#functions/explain/finding.ts';

const now = Date.parse('2026-11-24T12:00:00.000Z');
const hour = 3_600_000;
const none = { stored: 0, isCut: false, pending: 0 };
const known = { events: none, rows: [], looked: { watches: 3, unfinished: 0 }, keptSince: now - hour };
const told = { sequence: 1, observedAt: new Date(now - hour + 1).toISOString() };
const silent = { sequence: 0, observedAt: '2026-01-01T00:00:00.000Z' };

const cases: readonly [what: string, Partial<Parameters<typeof findingOf>[0]>, ReturnType<typeof findingOf>][] = [
  ['events in the table', { events: { ...none, stored: 1, pending: 1 }, rows: [told], looked: undefined }, 'told'],
  ['an event in its row alone', { events: { ...none, pending: 1 }, rows: [told] }, 'not_published_yet'],
  ['a change whose events may be among those unread', { events: { ...none, isCut: true }, rows: [told] }, 'told'],
  ['no row, while events are unread', { events: { ...none, isCut: true }, looked: undefined }, 'told'],
  [
    'a silent baseline, while events of other watches are unread',
    { events: { ...none, isCut: true }, rows: [silent] },
    'baseline',
  ],
  ['an event that a queue may have', { rows: [silent, told] }, 'not_fanned_out_yet'],
  [
    'events that are too old',
    { rows: [silent, { ...told, observedAt: new Date(now - hour).toISOString() }] },
    'expired',
  ],
  ['a silent baseline', { rows: [silent] }, 'baseline'],
  ['no row, while a watch has no complete listing', { looked: { watches: 3, unfinished: 1 } }, 'not_listed_yet'],
  ['no watch', { looked: { watches: 0, unfinished: 0 } }, 'not_watched'],
  ['no row in any watch', {}, 'unknown'],
];

describe('findingOf', () => {
  test.each(cases)('finds with %s why there are events, or none', (_, changed, expected) => {
    expect(findingOf({ ...known, ...changed })).toBe(expected);
  });

  test('has a case above for each finding of the list', () => {
    expect(new Set(cases.map(([, , finding]) => finding))).toEqual(new Set(findings));
  });
});
