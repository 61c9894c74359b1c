import { describe, expect, it, test } from 'vitest';
import { createSimulation } from '#infra/simulator/simulation.ts';
import { FinalStateError, UnknownTransferError } from '#infra/simulator/transfers.ts';
import { alice, bob } from './client.ts';

const now = () => new Date('2030-01-31T12:00:00Z');
const newStore = (switches = {}, seed = 1) => createSimulation({ now, seed, switches }).transfers;
const everything = { page: 1, pageSize: 100 };
const sent = { mailbox: alice, direction: 'sent' } as const;

describe('TransferStore', () => {
  it('makes the same tracking ids from the same seed, and others from another', () => {
    const idsFrom = (seed: number) =>
      newStore({}, seed)
        .seed({ count: 3, sender: alice, to: [bob], state: 'ACTIVE' })
        .map(({ trackingId }) => trackingId);
    expect(idsFrom(1)).toEqual(idsFrom(1));
    expect(idsFrom(1)).not.toEqual(idsFrom(2));
    expect(new Set(idsFrom(1)).size).toBe(3);
  });

  it("shows the server's local time in the tracking id", () => {
    const { trackingId } = newStore({ utcOffsetMinutes: -150 }).create({ sender: alice, to: [bob] });
    expect(trackingId).toMatch(/^20300131-093000-/);
  });

  it('lists what was seeded as older than what was created before', () => {
    const store = newStore();
    const created = store.create({ sender: alice, to: [bob] });
    const [oldest, newest] = store.seed({ count: 2, sender: alice, to: [bob], state: 'ACTIVE' });
    expect(store.page(sent, everything)).toEqual([created, newest, oldest]);
  });

  it('takes a transfer out of every listing and brings it back to its place', () => {
    const store = newStore();
    const [first, second, third] = store.seed({ count: 3, sender: alice, to: [bob], state: 'ACTIVE' }).toReversed();
    store.purge(second?.trackingId ?? '');
    expect(store.page(sent, everything)).toEqual([first, third]);
    expect(store.page({ mailbox: bob, direction: 'received' }, everything)).toEqual([first, third]);
    store.restore(second?.trackingId ?? '');
    expect(store.page(sent, everything)).toEqual([first, second, third]);
  });

  it('takes any text for a state', () => {
    const store = newStore();
    const transfer = store.create({ sender: alice, to: [bob] });
    store.setState(transfer.trackingId, 'Gone Fishing');
    expect(transfer.state).toBe('Gone Fishing');
  });

  test.each(['FAILED', 'DELETED_BY_EXPIRATION', 'DELETED_BY_REVOCATION', 'DELETED_BY_ADMIN', 'DELETED_BY_SECURITY'])(
    'lets nothing follow %s',
    (state) => {
      const store = newStore();
      const { trackingId } = store.create({ sender: alice, to: [bob] });
      store.setState(trackingId, state);
      expect(() => store.setState(trackingId, 'ACTIVE')).toThrow(FinalStateError);
    },
  );

  it('refuses to change a transfer that never existed', () => {
    expect(() => newStore().purge('20300101-000000-00000000')).toThrow(UnknownTransferError);
  });

  it('replaces the address of a person whose user data is deleted, and hands the log over to the proxy address', () => {
    const store = newStore();
    const transfer = store.create({ sender: alice, to: [alice, bob] });
    const proxy = store.deleteUserData(alice);
    expect(transfer.sender).toBe(proxy);
    expect(transfer.recipients.map(({ mail }) => mail)).toEqual([proxy, bob]);
    expect(store.page(sent, everything)).toEqual([]);
    expect(store.page({ mailbox: proxy, direction: 'sent' }, everything)).toEqual([transfer]);
  });

  it('cleans up the log once a day', () => {
    let time = now().getTime();
    const switches = { purgeAfterDays: 7 };
    const { transfers: store } = createSimulation({ now: () => new Date(time), switches });
    const transfer = store.create({ sender: alice, to: [bob] });
    time += 37 * 24 * 60 * 60 * 1000;
    expect(store.page(sent, everything)).toEqual([transfer]);
    time += 24 * 60 * 60 * 1000;
    expect(store.page(sent, everything)).toEqual([]);
    expect(store.find(transfer.trackingId)).toBeUndefined();
  });
});
