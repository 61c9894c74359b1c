import { describe, expect, test } from 'vitest';
import { fannedOutAt, timelineOf } from '#functions/explain/timeline.ts';
import type { AttemptRecord, Delivery, DeliveryName } from '#functions/webhooks/deliveries/delivery.ts';

const at = (seconds: number): string => new Date(Date.parse('2026-11-24T12:00:00.000Z') + seconds * 1000).toISOString();

const watch = { mailbox: 'alice@example.com', direction: 'sent' } as const;
const event = {
  id: 'evt_1',
  type: 'transfer.failed',
  at: at(10),
  state: 'FAILED',
  row: 'EVENT#evt_1 EVENT#evt_1',
  fannedOutAt: at(11),
  ...watch,
};
const row = { trackingId: 'one', state: 'FAILED', sequence: 1, firstSeenAt: at(10), observedAt: at(10), rev: 1 };
const delivery: Delivery = {
  ...{ event: 'evt_1', endpoint: 'crm', endpointSince: at(0), eventAt: at(10), body: '{}', rev: 2 },
  ...{ status: 'DELIVERED', attempt: 2, nextAttemptAt: 0, changedAt: Date.parse(at(20)) },
  lastAttempt: {
    ...{ attempt: 2, startedAt: at(19), durationMs: 900, outcome: 'delivered', status: 204, response: 'encrypted' },
  },
};
const earlier: AttemptRecord & DeliveryName = {
  ...{ event: 'evt_1', endpoint: 'crm', attempt: 1, startedAt: at(12), durationMs: 5 },
  ...{ outcome: 'failed', cause: 'http_error', status: 500, response: 'encrypted' },
};
const life = { rows: [{ ...row, ...watch }], events: [event], deliveries: [delivery], attempts: [earlier] };
const lifeOf = ({ rows, events, deliveries, attempts }: typeof life) => timelineOf(rows, events, deliveries, attempts);

describe('timelineOf', () => {
  test('tells a life from its first listing to its last delivery, without answers', () => {
    const to = { event: 'evt_1', endpoint: 'crm' };
    expect(lifeOf(life)).toEqual([
      { kind: 'seen', at: at(10), ...watch },
      { kind: 'event', at: at(10), event: 'evt_1', type: 'transfer.failed', state: 'FAILED', ...watch },
      { kind: 'fanned_out', at: at(11), event: 'evt_1' },
      {
        ...{ kind: 'attempt', at: at(12), ...to, attempt: 1, durationMs: 5 },
        ...{ outcome: 'failed', cause: 'http_error', status: 500 },
      },
      { kind: 'attempt', at: at(19), ...to, attempt: 2, durationMs: 900, outcome: 'delivered', status: 204 },
      { kind: 'delivered', at: at(20), ...to },
    ]);
    expect(JSON.stringify(lifeOf(life))).not.toContain('encrypted');
  });

  test('tells an attempt once that has a row of its own and is the last one', () => {
    const twice = { ...life, attempts: [{ ...delivery.lastAttempt!, event: 'evt_1', endpoint: 'crm' }] };
    expect(lifeOf(twice).filter(({ kind }) => kind === 'attempt')).toHaveLength(1);
  });

  test('tells two attempts of one instant, as after a recovery, if they ended differently', () => {
    const again = { ...delivery.lastAttempt!, status: 410, event: 'evt_1', endpoint: 'crm' };
    const told = lifeOf({ ...life, attempts: [again] });
    const statuses = told.map((one) => ('status' in one ? one.status : undefined));
    expect(statuses.filter((status) => status !== undefined)).toEqual([410, 204]);
  });

  test.each([
    ['COLLECTED', 'digest'],
    ['FAILED', 'failed'],
    ['HELD', 'held'],
    ['CANCELLED', 'cancelled'],
  ] as const)('tells of a delivery that is %s as %s', (status, kind) => {
    const changed = { ...delivery, status, reason: 'operator' as const, digest: 'dig_1' };
    const told = lifeOf({ ...life, deliveries: [changed] }).filter((one) => one.kind === kind);
    expect(told).toEqual([{ kind, at: at(20), event: 'evt_1', endpoint: 'crm', cause: 'operator', digest: 'dig_1' }]);
  });

  test('tells only the attempts of a delivery that waits', () => {
    const kinds = lifeOf({ ...life, deliveries: [{ ...delivery, status: 'PENDING' }] }).map(({ kind }) => kind);
    expect(kinds).toEqual(['seen', 'event', 'fanned_out', 'attempt', 'attempt']);
  });

  test('tells what one instant brought in the order of cause and consequence', () => {
    const instant = { ...event, at: at(10), fannedOutAt: at(10) };
    const taken = { ...delivery, changedAt: Date.parse(at(10)), lastAttempt: { ...earlier, startedAt: at(10) } };
    const collected = { ...taken, endpoint: 'team', status: 'COLLECTED' as const, lastAttempt: undefined };
    const told = lifeOf({ ...life, events: [instant], deliveries: [taken, collected], attempts: [] });
    expect(told.map(({ kind }) => kind)).toEqual(['seen', 'event', 'fanned_out', 'digest', 'attempt', 'delivered']);
  });
});

describe('fannedOutAt', () => {
  const day = 86_400_000;
  const now = Date.parse(at(100));
  const stored = (seconds: number, changed?: number) => ({
    eventAt: at(10),
    expiresAt: Math.floor((Date.parse(at(seconds)) + 30 * day) / 1000),
    ...(changed !== undefined && { changedAt: Date.parse(at(changed)) }),
  });

  test('finds the time in the end of the first row', () => {
    expect(fannedOutAt([stored(13, 14), stored(12, 90)], 30 * day, now)).toBe(at(12));
    expect(fannedOutAt([stored(12)], 30 * day, now)).toBe(at(12));
  });

  test('puts it not before the event, though the end is in whole seconds', () => {
    expect(fannedOutAt([{ ...stored(10.9), eventAt: at(10.8) }], 30 * day, now)).toBe(at(10.8));
  });

  test('says nothing once events are kept for a longer or a shorter time', () => {
    expect(fannedOutAt([stored(12, 12)], 31 * day, now)).toBeUndefined();
    expect(fannedOutAt([stored(12, 12)], 29 * day, now)).toBeUndefined();
    expect(fannedOutAt([stored(12)], 29 * day, now)).toBeUndefined();
    expect(fannedOutAt([{ eventAt: at(10) }], 30 * day, now)).toBeUndefined();
  });
});
