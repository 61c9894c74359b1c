import { describe, expect, it } from 'vitest';
import type { CryptshareClient } from '#functions/cryptshare/client.ts';
import { CryptshareFailure } from '#functions/cryptshare/failure.ts';
import { confirmDeparted, hasLasted, nextAbsence } from '#functions/poll/missing-transfers.ts';
import type { TransferRow } from '#functions/snapshot/diff.ts';

const start = Date.parse('2026-11-24T00:00:00Z');
const hour = 3_600_000;

/** Both clocks, where they agree. */
const both = (time: number) => ({ here: time, server: time });

describe('nextAbsence', () => {
  it.each([
    { missing: 0, count: 0, isSudden: false },
    { missing: 0, count: 5, isSudden: false },
    { missing: 1, count: 1, isSudden: true },
    { missing: 1, count: 2, isSudden: false },
    { missing: 2, count: 3, isSudden: true },
    { missing: 2, count: 10, isSudden: false },
    { missing: 3, count: 10, isSudden: true },
    { missing: 20, count: 100, isSudden: false },
    // The count is read before the rows, so it may be too small.
    { missing: 5, count: 3, isSudden: true },
  ])('takes the absence of $missing of $count for sudden: $isSudden', ({ missing, count, isSudden }) => {
    expect(nextAbsence(undefined, missing, count, both(start)) !== undefined).toBe(isSudden);
  });

  it('begins anew when many more vanish, and not when single ones do', () => {
    const hold = nextAbsence(undefined, 30, 100, both(start))!;
    const later = both(start + hour);
    expect(nextAbsence(hold, 31, 100, later)).toEqual({ since: both(start), listings: 2, missing: 30 });
    expect(nextAbsence(hold, 60, 100, later)).toEqual({ since: later, listings: 1, missing: 60 });
    expect(nextAbsence(hold, 100, 100, later)).toMatchObject({ listings: 1 });
  });

  it('begins anew when some had come back before they vanished again', () => {
    const fewer = nextAbsence({ since: both(start), listings: 5, missing: 50 }, 25, 100, both(start + hour));
    expect(fewer).toEqual({ since: both(start), listings: 6, missing: 25 });
    const later = both(start + 2 * hour);
    expect(nextAbsence(fewer, 50, 100, later)).toMatchObject({ since: later, listings: 1 });
  });

  it('begins anew when it began in the future', () => {
    const hold = { since: both(start + 1), listings: 9, missing: 5 };
    expect(nextAbsence(hold, 5, 5, both(start))).toEqual({ since: both(start), listings: 1, missing: 5 });
  });
});

describe('hasLasted', () => {
  it('waits for a day by both clocks and for ten listings (P8, P20)', () => {
    const hold = { since: both(start), listings: 10, missing: 5 };
    const [before, after] = [start + 24 * hour - 1, start + 24 * hour];
    expect(hasLasted(hold, both(after))).toBe(true);
    expect(hasLasted(hold, { here: before, server: after })).toBe(false);
    expect(hasLasted(hold, { here: after, server: before })).toBe(false);
    expect(hasLasted({ ...hold, listings: 9 }, both(start + 900 * hour))).toBe(false);
  });
});

describe('confirmDeparted', () => {
  const at = '2026-11-24T00:00:00Z';
  const context = {
    server: 'https://cryptshare.example.com',
    watch: { mailbox: 'alice@example.com', direction: 'sent' },
    ...({ rev: 2, observedAt: at, silent: false, source: 'listing' } as const),
  } as const;

  /** Requests states from a server that answers as given, and counts the requests. */
  async function confirm(count: number, status: CryptshareClient['status']) {
    let requests = 0;
    const counted: typeof status = (...call) => {
      requests += 1;
      return status(...call);
    };
    const missing = Array.from(
      { length: count },
      (_, number): TransferRow => ({
        ...{ trackingId: `transfer-${number}`, state: 'ACTIVE', sequence: 1, firstSeenAt: at, observedAt: at, rev: 1 },
      }),
    );
    const server = { status: counted } as CryptshareClient;
    const concluded = await confirmDeparted({ server, context, deadline: start }, missing);
    return { ...concluded, requests };
  }

  it('requests a hundred states at most, and leaves the others to a full listing', async () => {
    const { changes, unclear, requests } = await confirm(150, async () => ({ state: 'FAILED', facts: undefined }));
    expect([requests, changes.length, unclear.length]).toEqual([100, 100, 50]);
  });

  it('requests no further state after a failure', async () => {
    const { changes, unclear, problem, requests } = await confirm(50, async () => {
      throw new CryptshareFailure('forbidden');
    });
    expect(problem?.cause).toBe('forbidden');
    expect([changes.length, unclear.length]).toEqual([0, 50]);
    // Those that were in flight.
    expect(requests).toBeLessThanOrEqual(4);
  });
});
