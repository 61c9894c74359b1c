import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TransferEvent } from '#functions/events/transfer-event.ts';
import {
  countMiss,
  type DiffContext,
  diff,
  hasMissedEnough,
  isListed,
  markUnlisted,
  type RowChange,
  type TransferRow,
} from '#functions/snapshot/diff.ts';

const context: DiffContext = {
  server: 'https://cryptshare.example.com',
  watch: { mailbox: 'alice@example.com', direction: 'sent' },
  rev: 7,
  observedAt: '2026-11-24T00:01:00.000Z',
  silent: false,
  source: 'listing',
};
const silent = { ...context, silent: true };
const earlier = '2026-11-23T00:00:00.000Z';

const row = (trackingId: string, state: string, rest: Partial<TransferRow> = {}): TransferRow => ({
  trackingId,
  state,
  sequence: 2,
  firstSeenAt: earlier,
  observedAt: earlier,
  rev: 6,
  ...rest,
});
const snapshotOf = (...rows: readonly TransferRow[]) => new Map(rows.map((row) => [row.trackingId, row]));
const eventsOf = (pending: readonly string[] = []): TransferEvent[] => pending.map((body) => JSON.parse(body));
const newEvents = ({ before, after }: RowChange) => eventsOf(after.pending).slice(before?.pending?.length ?? 0);
const only = <T>(items: readonly T[]): T => {
  expect(items).toHaveLength(1);
  return items[0]!;
};

const state = fc.constantFrom('PROCESSING', 'ACTIVE', 'FAILED', 'DELETED_BY_ADMIN', 'Quarantined');
const listingOf = (states: fc.Arbitrary<string>) =>
  fc.array(fc.tuple(fc.stringMatching(/^[a-f]{1,2}$/), states), { maxLength: 30 }).map((pairs) => new Map(pairs));
const listing = listingOf(state);
const snapshot = fc
  .tuple(
    listingOf(fc.constantFrom('PROCESSING', 'ACTIVE', 'Quarantined')),
    fc.nat(5),
    fc.constantFrom<Partial<TransferRow>>({}, { missedPasses: 1 }, { pending: ['"old"'] }),
  )
  .map(([states, sequence, rest]) =>
    snapshotOf(...[...states].map(([id, state]) => row(id, state, { sequence, ...rest }))),
  );

describe('diff', () => {
  it('leads from any snapshot to any listing, and then finds nothing more', () => {
    fc.assert(
      fc.property(snapshot, listing, fc.boolean(), (rows, listed, isSilent) => {
        const { changes, missing } = diff(rows, listed, { ...context, silent: isSilent });
        const after = new Map(rows);
        for (const change of changes) {
          expect(change.before).toEqual(rows.get(change.after.trackingId));
          after.set(change.after.trackingId, change.after);
        }
        for (const { trackingId } of missing) after.delete(trackingId);
        expect(new Map([...after].map(([id, { state }]) => [id, state]))).toEqual(listed);
        expect(diff(after, listed, context)).toEqual({ changes: [], missing: [] });
      }),
    );
  });

  it('makes one event for each new state, with the next sequence', () => {
    fc.assert(
      fc.property(snapshot, listing, (rows, listed) => {
        for (const change of diff(rows, listed, context).changes) {
          const { before, after } = change;
          if (before?.state === after.state) {
            expect(newEvents(change)).toEqual([]);
            expect(after.sequence).toBe(before.sequence);
          } else {
            const sequence = (before?.sequence ?? 0) + 1;
            expect(after.sequence).toBe(sequence);
            expect(only(newEvents(change)).data).toEqual({
              ...context.watch,
              trackingId: after.trackingId,
              state: after.state,
              previousState: before?.state ?? null,
              sequence,
            });
          }
          expect(after.rev).toBe(context.rev);
        }
      }),
    );
  });

  it('keeps unpublished events before the new one', () => {
    const rows = snapshotOf(row('a', 'PROCESSING', { pending: ['"first"', '"second"'] }));
    const { after } = only(diff(rows, new Map([['a', 'ACTIVE']]), context).changes);
    expect(after.pending?.slice(0, 2)).toEqual(['"first"', '"second"']);
    expect(after.pending).toHaveLength(3);
  });

  it('stores a baseline without any event', () => {
    const listed = new Map([
      ['new', 'FAILED'],
      ['changed', 'DELETED_BY_ADMIN'],
    ]);
    const { changes } = diff(snapshotOf(row('changed', 'ACTIVE')), listed, silent);
    expect(changes.map(({ after }) => [after.trackingId, after.state, after.sequence, after.pending])).toEqual([
      ['new', 'FAILED', 0, undefined],
      ['changed', 'DELETED_BY_ADMIN', 2, undefined],
    ]);
  });

  it('dates a change by the poll that saw it, and keeps when the transfer was first seen', () => {
    const listed = new Map([
      ['new', 'ACTIVE'],
      ['old', 'FAILED'],
    ]);
    const [first, second] = diff(snapshotOf(row('old', 'ACTIVE')), listed, context).changes;
    expect(first?.after).toMatchObject({ firstSeenAt: context.observedAt, observedAt: context.observedAt });
    expect(second?.after).toMatchObject({ firstSeenAt: earlier, observedAt: context.observedAt });
    expect(newEvents(second!)[0]).toMatchObject({ type: 'transfer.failed', timestamp: context.observedAt });
  });

  it('finds no change in another spelling of an undocumented state', () => {
    expect(diff(snapshotOf(row('a', 'On hold')), new Map([['a', 'ON-HOLD']]), context).changes).toEqual([]);
  });

  it('returns missing transfers that are not unlisted yet', () => {
    const rows = snapshotOf(row('here', 'ACTIVE'), row('gone', 'ACTIVE'), row('told', 'ACTIVE', { isUnlisted: true }));
    const { missing } = diff(rows, new Map([['here', 'ACTIVE']]), context);
    expect(missing.map(({ trackingId }) => trackingId)).toEqual(['gone']);
  });
});

/** Returns the events of complete listings, one after the other. A listing of `undefined` lacks the transfer. */
function told(from: TransferRow, states: readonly (string | undefined)[], source: DiffContext['source'] = 'listing') {
  let current = from;
  const events = states.map((state, index) => {
    const listed = new Map(state === undefined ? [] : [[current.trackingId, state]]);
    const { changes, missing } = diff(snapshotOf(current), listed, { ...context, rev: 10 + index, source });
    const change = changes[0] ?? (missing[0] && countMiss(missing[0], { ...context, rev: 10 + index }));
    if (!change) return [];
    current = change.after;
    return newEvents(change).map(({ type, data }) => `${type} ${data.previousState} ${data.state} ${data.sequence}`);
  });
  return { events, row: current };
}
const again = (times: number, ...states: (string | undefined)[]) => Array.from({ length: times }, () => states).flat();

describe('diff of a transfer that returns', () => {
  it('makes an event after missed passes only if the state is another', () => {
    const row1 = row('a', 'ACTIVE', { missedPasses: 2 });
    expect(told(row1, ['ACTIVE'])).toEqual({ events: [[]], row: row('a', 'ACTIVE', { rev: 10 }) });
    const { events, row: after } = told(row1, ['FAILED']);
    expect(events).toEqual([['transfer.failed ACTIVE FAILED 3']]);
    expect(after).not.toHaveProperty('missedPasses');
  });

  const gone = row('a', 'ACTIVE', { isUnlisted: true, expiresAt: 1_800_000_000 });

  it('makes listed_again once, by the second complete listing in a row with an unlisted transfer', () => {
    const { events, row: after } = told(gone, again(4, 'ACTIVE'));
    expect(events).toEqual([[], ['transfer.listed_again ACTIVE ACTIVE 3'], [], []]);
    expect(after).toMatchObject({ state: 'ACTIVE', sequence: 3 });
    for (const field of ['isUnlisted', 'expiresAt', 'returning']) expect(after).not.toHaveProperty(field);
  });

  it('makes a further event for the new state of an unlisted transfer', () => {
    expect(told(gone, again(3, 'FAILED')).events).toEqual([
      [],
      ['transfer.listed_again ACTIVE ACTIVE 3', 'transfer.failed ACTIVE FAILED 4'],
      [],
    ]);
  });

  it('leaves a transfer unlisted, and its expiry, when single listings have it', () => {
    const { events, row: after } = told(gone, again(5, 'ACTIVE', undefined));
    expect(events.flat()).toEqual([]);
    expect(after).toEqual({ ...gone, rev: 19 });
  });

  it('makes no event when the transfer was unlisted without one', () => {
    const { events, row: after } = told({ ...gone, sequence: 0 }, again(2, 'ACTIVE'));
    expect(events.flat()).toEqual([]);
    expect(isListed(after)).toBe(true);
  });
});

describe.each(['FAILED', 'DELETED_BY_EXPIRATION', 'Deleted by quota'])(
  'diff of a transfer that has ended as %s',
  (ended) => {
    const over = row('a', ended);

    it.each(['ACTIVE', 'Quarantined'])(
      'makes one event of %s by the second complete listing in a row that says so',
      (state) => {
        const { events, row: after } = told(over, again(4, state));
        expect(events).toEqual([[], [expect.stringContaining(`${ended} ${state} 3`)], [], []]);
        expect(after).not.toHaveProperty('returning');
      },
    );

    it('makes no event while the server alternates between states', () => {
      expect(told(over, again(10, 'ACTIVE', ended)).events.flat()).toEqual([]);
      expect(told(over, again(10, 'ACTIVE', undefined)).events.flat()).toEqual([]);
      expect(told(over, again(10, 'ACTIVE', 'PROCESSING')).events.flat()).toEqual([]);
      expect(told(over, again(40, 'ACTIVE', 'ACTIVE', ended, ended)).events.flat()).toHaveLength(2);
    });

    it('keeps the end in a partial listing, and leaves it at once by a status request', () => {
      expect(told(over, again(3, 'ACTIVE'), 'partial')).toEqual({ events: [[], [], []], row: over });
      expect(told(over, ['ACTIVE'], 'status').events).toEqual([[`transfer.active ${ended} ACTIVE 3`]]);
    });
  },
);

describe('isGone', () => {
  it('is true at the third complete listing in a row without the transfer', () => {
    let current = row('a', 'ACTIVE');
    const verdicts = [1, 2, 3].map((pass) => {
      const gone = hasMissedEnough(current);
      const change = countMiss(current, { ...context, rev: 10 + pass });
      expect(newEvents(change)).toEqual([]);
      expect(change.after.rev).toBe(10 + pass);
      current = change.after;
      return gone;
    });
    expect(verdicts).toEqual([false, false, true]);
  });
});

describe('markUnlisted', () => {
  it('makes an event in the last state', () => {
    const change = markUnlisted(row('a', 'ACTIVE', { missedPasses: 2, pending: ['"old"'] }), context);
    expect(change.after.pending?.[0]).toBe('"old"');
    expect(only(newEvents(change))).toMatchObject({
      type: 'transfer.unlisted',
      data: { state: 'ACTIVE', previousState: 'ACTIVE', sequence: 3 },
    });
    expect(change.after).toMatchObject({ state: 'ACTIVE', sequence: 3 });
    expect(change.after).not.toHaveProperty('missedPasses');
    expect(isListed(change.after)).toBe(false);
  });

  it('makes no event before the baseline is complete', () => {
    const { after } = markUnlisted(row('a', 'ACTIVE', { missedPasses: 2 }), silent);
    expect(after).toMatchObject({ sequence: 2, isUnlisted: true });
    expect(after.pending).toBeUndefined();
  });
});
