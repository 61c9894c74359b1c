import { describe, expect, it, onTestFinished } from 'vitest';
import { pollRepositories } from '#functions/poll/dependencies.ts';
import type { TransferRow } from '#functions/snapshot/diff.ts';
import { startWorld } from '#test/support/poll-world.ts';

const observedAt = '2026-11-24T00:00:00.000Z';
const at = { firstSeenAt: observedAt, observedAt };
const gone: TransferRow = { trackingId: 'gone', state: 'ACTIVE', sequence: 1, ...at, rev: 1, isUnlisted: true };

describe.each([1, 30, 365])('row of an unlisted transfer, kept for %i days', (days) => {
  const expiresAt = Date.parse(observedAt) / 1000 + days * 86_400;

  /** The snapshot of a watch, with a way to look at its only row. */
  async function start() {
    const { deps, watch, close } = await startWorld();
    onTestFinished(close);
    const { snapshotOf } = pollRepositories(deps, 1, days * 86_400_000);
    const snapshot = snapshotOf(watch('alice@example.com'));
    const row = async () => (await snapshot.readBuckets(new Set([0]), 0)).get('gone');
    return { snapshot, row };
  }

  it('expires that long after it was found, but not before its event is published', async () => {
    const { snapshot, row } = await start();
    const told = { ...gone, pending: ['{}'] };
    expect(await snapshot.commit(undefined, told)).toBe(true);
    expect(await row()).not.toHaveProperty('expiresAt');
    expect(await snapshot.clearPending(told)).toBe(true);
    expect(await row()).toMatchObject({ isUnlisted: true, expiresAt });
  });

  it('expires at the same time if it has no event', async () => {
    const { snapshot, row } = await start();
    await snapshot.commit(undefined, gone);
    expect(await row()).toMatchObject({ expiresAt });
    await snapshot.store([gone], { deadline: Number.POSITIVE_INFINITY } as never);
    expect(await row()).toMatchObject({ expiresAt });
  });

  it('does not expire once the transfer is listed again', async () => {
    const { snapshot, row } = await start();
    await snapshot.commit(undefined, gone);
    const { isUnlisted, ...back } = (await row())!;
    const { expiresAt: _, ...listed } = back;
    await snapshot.commit(gone, { ...listed, rev: 2 });
    expect(await row()).not.toHaveProperty('expiresAt');
  });
});
