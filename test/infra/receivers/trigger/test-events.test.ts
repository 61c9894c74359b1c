import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EventType, eventTypes } from '#functions/events/catalogue.ts';
import { testIdPrefix } from '#infra/receivers/test-id.ts';
import { testEvents } from '#infra/receivers/trigger/test-events.ts';
import { assertValidEvent } from '#test/docs/event-schemas.ts';

const at = new Date('2026-11-27T12:00:00.000Z');
const usual = { times: 1, isOutOfOrder: false, seed: 1, at };

describe('testEvents', () => {
  it.each(eventTypes)('makes %s as the schema of its type describes it', (type) => {
    for (const event of testEvents({ ...usual, type, times: 3 })) assertValidEvent(event);
  });

  it('makes valid events under different ids, marked as tests, for all options', () => {
    const options = fc.record({
      type: fc.constantFrom(...eventTypes),
      trackingId: fc.stringMatching(/^[!-~]{1,200}$/),
      mailbox: fc.constantFrom('bob@example.org', 'carol@example.net'),
      times: fc.integer({ min: 1, max: 50 }),
      isOutOfOrder: fc.boolean(),
      seed: fc.integer({ min: 0, max: 2 ** 31 }),
    });
    fc.assert(
      fc.property(options, (some) => {
        const events = testEvents({ ...some, at });
        for (const event of events) assertValidEvent(event);
        expect(new Set(events.map(({ id }) => id)).size).toBe(some.times);
        expect(events.every(({ id }) => id.startsWith(testIdPrefix))).toBe(true);
      }),
    );
  });

  it('gives events about a transfer the sequences from 1, shuffled by the seed alone', () => {
    const sequences = (seed: number, isOutOfOrder: boolean) =>
      testEvents({ ...usual, type: 'transfer.active', times: 30, seed, isOutOfOrder }).map(({ data }) => data.sequence);
    const inOrder = Array.from({ length: 30 }, (_, index) => index + 1);
    expect(sequences(1, false)).toEqual(inOrder);
    expect(sequences(1, true)).not.toEqual(inOrder);
    expect(sequences(1, true)).toEqual(sequences(1, true));
    expect(sequences(1, true)).not.toEqual(sequences(2, true));
    expect(sequences(1, true).toSorted((a, b) => Number(a) - Number(b))).toEqual(inOrder);
  });

  it.each<[EventType, string]>([
    ['transfer.state_changed', 'Quarantined'],
    ['transfer.unlisted', 'ACTIVE'],
    ['transfer.listed_again', 'FAILED'],
  ])('gives %s the state %s', (type, state) => {
    const [event] = testEvents({ ...usual, type, state });
    assertValidEvent(event);
    expect(event!.data.state).toBe(state);
  });

  it.each([{ trackingId: '' }, { trackingId: 'with blank' }, { mailbox: 'nonsense' }, { mailbox: '' }])(
    'refuses %j, which no event can have',
    (wrong) => {
      expect(() => testEvents({ ...usual, type: 'transfer.active', ...wrong })).toThrow('expected');
    },
  );

  it('makes the same ids for the same seed, whatever the time, and others for another', () => {
    const ids = (seed: number, time: Date) =>
      testEvents({ ...usual, type: 'watch.failing', times: 3, seed, at: time }).map(({ id }) => id);
    expect(ids(1, at)).toEqual(ids(1, new Date(0)));
    expect(ids(1, at)).not.toEqual(ids(2, at));
  });

  it('has no previous state in the first event of a transfer that tells a state', () => {
    const states = testEvents({ ...usual, type: 'transfer.active', times: 2 }).map(({ data }) => data.previousState);
    expect(states).toEqual([null, 'PROCESSING']);
  });

  it.each<[EventType, string]>([
    ['transfer.failed', 'ACTIVE'],
    ['transfer.state_changed', 'ACTIVE'],
    ['transfer.unlisted', 'Quarantined'],
    ['watch.failing', 'ACTIVE'],
  ])('refuses for %s the state %s', (type, state) => {
    expect(() => testEvents({ ...usual, type, state })).toThrow(`got the state ${state}, expected`);
  });
});
