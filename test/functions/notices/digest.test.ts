import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EventType, entryOf, eventTypes, severities } from '#functions/events/catalogue.ts';
import { type DigestCount, digestOf, mostCounts, mostTold, type ToldEvent } from '#functions/notices/digest.ts';

const period = { id: 'dig_1', since: '2026-11-25T06:30:00.000Z', until: '2026-11-26T06:30:00.000Z' };

/** A type that another version knows. */
const newType = 'transfer.printed' as EventType;

const anyWatch = fc.record({
  mailbox: fc.nat(40).map((number) => `mailbox${number}@example.com`),
  direction: fc.constantFrom('sent', 'received'),
});
const anyEvent: fc.Arbitrary<ToldEvent> = fc
  .record({
    type: fc.constantFrom(...eventTypes, newType),
    watch: anyWatch,
    transfer: fc.nat(60),
    sequence: fc.nat(3),
    minute: fc.nat(59),
  })
  .map(({ type, watch, transfer, sequence, minute }) => ({
    id: `evt_${type}_${watch.mailbox}_${watch.direction}_${transfer}_${sequence}_${minute}`,
    type,
    timestamp: `2026-11-25T08:${String(minute).padStart(2, '0')}:00.000Z`,
    data: {
      ...(type.startsWith('endpoint.') ? { endpoint: 'crm' } : watch),
      ...(type.startsWith('transfer.') && { trackingId: `t-${transfer}`, sequence }),
    },
  }));
const anyEvents = fc.oneof(
  fc.array(anyEvent, { maxLength: 30 }),
  fc.array(anyEvent, { minLength: 100, maxLength: 400, size: 'max' }),
);
const anyBefore: fc.Arbitrary<readonly DigestCount[] | undefined> = fc.option(
  anyEvents.map((events) => digestOf(events, period).counts),
  { nil: undefined },
);

const failed = (number: number, data: object = {}): ToldEvent => ({
  id: `evt_${number}`,
  type: 'transfer.failed',
  timestamp: '2026-11-25T08:00:00.000Z',
  data: { trackingId: `t-${number}`, mailbox: 'anna@example.com', direction: 'sent', sequence: 1, ...data },
});

const severityOf = (type: string) => severities.indexOf(entryOf(type).severity ?? 'info');
const sum = (counts: readonly { readonly count: number }[]) => counts.reduce((total, { count }) => total + count, 0);

describe('digestOf', () => {
  it('counts each event once: told or more, by type, and by type and watch', () => {
    fc.assert(
      fc.property(anyEvents, anyBefore, (events, before) => {
        const { digest, counts } = digestOf(events, { ...period, before });
        expect(digest.told.length + digest.more).toBe(digest.events);
        expect(sum(digest.totals)).toBe(digest.events);
        if (digest.moreCounts === 0) expect(sum(digest.counts)).toBe(digest.events);
        // Mailboxes and types are so few here that all can be compared.
        expect(sum(counts)).toBeLessThanOrEqual(digest.events);
        if (counts.length < 100) expect(sum(counts)).toBe(digest.events);
        for (const { type, count } of digest.totals)
          expect(
            new Set(events.filter((event) => event.type === type).map(({ id }) => id)).size,
          ).toBeGreaterThanOrEqual(count);
      }),
    );
  });

  it('is the same for events in any order, and for events that come twice', () => {
    const mixed = anyEvents.chain((events) =>
      fc.tuple(fc.constant(events), fc.shuffledSubarray(events, { minLength: events.length }), fc.subarray(events)),
    );
    fc.assert(
      fc.property(mixed, anyBefore, ([events, shuffled, again], before) => {
        expect(digestOf([...again, ...shuffled], { ...period, before })).toEqual(
          digestOf(events, { ...period, before }),
        );
      }),
    );
  });

  it('tells as many events as fit into 40,000 bytes, also where letters have several', () => {
    const long = Array.from({ length: 20 }, (_, number) => failed(number, { state: '€'.repeat(2000) }));
    const { digest } = digestOf(long, period);
    expect(Buffer.byteLength(JSON.stringify(digest.told))).toBeLessThanOrEqual(40_000);
    expect(digest.told.length + digest.more).toBe(20);
  });

  it('keeps its limits, names the most urgent events and is as severe as they are', () => {
    fc.assert(
      fc.property(anyEvents, anyBefore, (events, before) => {
        const { digest, counts } = digestOf(events, { ...period, before });
        expect(digest.told.length).toBe(Math.min(mostTold, digest.events));
        expect(digest.counts.length).toBeLessThanOrEqual(mostCounts);
        expect(counts.length).toBeLessThanOrEqual(200);
        const told = digest.told.map(({ type }) => severityOf(type));
        expect(told).toEqual(told.toSorted((a, b) => b - a));
        expect(severities.indexOf(digest.severity)).toBe(Math.max(0, ...events.map(({ type }) => severityOf(type))));
        expect(JSON.parse(JSON.stringify(digest))).toEqual(JSON.parse(JSON.stringify(digest)));
      }),
    );
  });

  it('compares with the digest before, and shows what has fallen to zero', () => {
    const { counts: before } = digestOf([failed(1), failed(2), failed(3, { mailbox: 'bob@example.com' })], period);
    const { digest } = digestOf([failed(4), failed(5, { direction: 'received' })], { ...period, before });
    expect(digest.counts).toEqual([
      { type: 'transfer.failed', mailbox: 'anna@example.com', direction: 'received', count: 1, before: 0 },
      { type: 'transfer.failed', mailbox: 'anna@example.com', direction: 'sent', count: 1, before: 2 },
      { type: 'transfer.failed', mailbox: 'bob@example.com', direction: 'sent', count: 0, before: 1 },
    ]);
    expect(digestOf([failed(4)], period).digest.counts[0]).not.toHaveProperty('before');
  });

  it('compares nothing that the digest before may have left out', () => {
    const many = Array.from({ length: 300 }, (_, number) => failed(number, { mailbox: `m${number}@example.com` }));
    const { counts: before } = digestOf(many, period);
    const next = digestOf([failed(0, { mailbox: 'm299@example.com' })], { ...period, before }).digest.counts[0];
    expect(next).toMatchObject({ mailbox: 'm299@example.com', count: 1 });
    expect(next?.before ?? 'unknown').not.toBe(0);
  });

  it('counts what is there now before what was there once', () => {
    const many = Array.from({ length: 50 }, (_, number) => failed(number, { mailbox: `m${number}@example.com` }));
    const { counts: before } = digestOf(many, period);
    const { digest } = digestOf([{ ...failed(1), type: 'transfer.active' }], { ...period, before });
    expect(digest.counts[0]).toMatchObject({ type: 'transfer.active', count: 1 });
    expect(digest).toMatchObject({ severity: 'info', moreCounts: 21 });
  });

  it('counts a transfer in each watch that saw it, and once among transfers', () => {
    const { digest } = digestOf([failed(1), failed(1, { mailbox: 'bob@example.com', direction: 'received' })], period);
    expect(digest).toMatchObject({ events: 2, transfers: 1, totals: [{ type: 'transfer.failed', count: 2 }] });
  });

  it('tells of several downloads of a transfer the last', () => {
    const download = (sequence: number) => ({
      ...failed(sequence, { trackingId: 't-1', sequence, downloadedBy: sequence }),
      type: 'transfer.downloaded' as const,
    });
    const { digest } = digestOf([download(3), download(10), download(9)], period);
    expect(digest.told.map(({ data }) => data.downloadedBy)).toEqual([10]);
    expect(digest).toMatchObject({ events: 1, transfers: 1, more: 0 });
  });

  it('tells a failing watch before any number of transfers without trouble', () => {
    const active = Array.from({ length: 100 }, (_, number) => ({
      ...failed(number),
      type: 'transfer.active' as const,
    }));
    const failing = { ...failed(1, { trackingId: undefined }), id: 'evt_w', type: 'watch.failing' as const };
    expect(digestOf([...active, failing], period).digest.told[0]).toEqual(failing);
  });

  it('takes 10,000 events', () => {
    const { digest } = digestOf(
      Array.from({ length: 10_000 }, (_, number) => failed(number)),
      period,
    );
    expect(digest).toMatchObject({ events: 10_000, transfers: 10_000, more: 9_980 });
  });
});
