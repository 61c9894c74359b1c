import { expect, test } from 'vitest';
import type { CryptshareClient } from '#functions/cryptshare/client.ts';
import { CryptshareFailure } from '#functions/cryptshare/failure.ts';
import { confirmDeparted } from '#functions/poll/missing-transfers.ts';
import type { TransferRow } from '#functions/snapshot/diff.ts';

const at = '2026-11-24T00:00:00Z';
const context = {
  server: 'https://cryptshare.example.com',
  watch: { mailbox: 'alice@example.com', direction: 'sent' },
  rev: 2,
  observedAt: at,
  silent: false,
  source: 'listing',
} as const;
const rows = (count: number): TransferRow[] =>
  Array.from({ length: count }, (_, number) => ({
    trackingId: `transfer-${number}`,
    state: 'ACTIVE',
    sequence: 1,
    firstSeenAt: at,
    observedAt: at,
    rev: 1,
  }));

/** Asks a server that answers as given, and counts the questions. */
async function confirm(missing: readonly TransferRow[], status: CryptshareClient['status']) {
  let questions = 0;
  const server = {
    status: (...question: Parameters<typeof status>) => {
      questions += 1;
      return status(...question);
    },
  } as CryptshareClient;
  return { ...(await confirmDeparted(server, missing, context, Date.parse(at))), questions: () => questions };
}

test('of many departures a hundred are asked about, the others are left to a full listing', async () => {
  const { changes, unclear, questions } = await confirm(rows(150), async () => 'FAILED');
  expect(questions()).toBe(100);
  expect([changes.length, unclear.length]).toEqual([100, 50]);
});

test('once the server does not answer, it is not asked about the others', async () => {
  const { changes, unclear, failure, questions } = await confirm(rows(50), async () => {
    throw new CryptshareFailure('forbidden');
  });
  expect(failure?.kind).toBe('forbidden');
  expect([changes.length, unclear.length]).toEqual([0, 50]);
  // Those that were under way.
  expect(questions()).toBeLessThanOrEqual(4);
});
