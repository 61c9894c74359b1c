import { beforeEach, describe, expect, it } from 'vitest';
import { acquire, leaseDurationMs, newLease } from '#functions/webhooks/endpoints/lease.ts';
import { type OperatorWorld, startOperatorWorld } from '#test/support/operator-world.ts';
import { clientId } from '#test/support/poll-world.ts';
import { exampleEvent } from '#test/support/webhook-world.ts';

let world: OperatorWorld;
beforeEach(async () => {
  world = await startOperatorWorld();
  return () => world.close();
});

const status = async () => (await world.ask('GET', '/status')).body;
const addEndpoint = (name: string) => world.ask('POST', '/endpoints', { body: { name, url: world.urlOf(name) } });

describe('GET /status', () => {
  it('is all zeros for a notifier without work', async () => {
    expect(await status()).toEqual({
      version: world.operatorDeps.version,
      server: world.cryptshare.url,
      watches: { all: 0, failing: 0, disabled: 0 },
      polls: { lastAt: undefined, late: 0, incomplete: 0, incompleteSince: undefined },
      causes: [],
      endpoints: { active: 0, paused: 0, disabled: 0, failing: 0 },
      deliveries: {
        waiting: { count: 0, more: false },
        held: { count: 0, more: false },
        oldestOverdueMs: 0,
      },
    });
  });

  it('counts watches, endpoints and deliveries, and measures the longest delay', async () => {
    for (const mailbox of ['alice@example.com', 'bob@example.com'])
      await world.ask('POST', '/watches', { body: { mailbox } });
    await world.ask('POST', '/watches/sent/alice%40example.com/pause');
    await world.cryptshare.close();
    for (let polls = 0; polls < 3; polls += 1) await world.ask('POST', '/watches/sent/bob%40example.com/poll');
    for (const name of ['crm', 'archive']) await addEndpoint(name);
    await world.ask('POST', '/endpoints/archive/pause');
    world.setAnswer(() => ({ status: 500 }));
    await world.fanOut(exampleEvent('one'), exampleEvent('two'));
    await world.answerWakeUps();
    const { nextAttemptAt } = (await world.trace(exampleEvent('one').id)).deliveries.find(
      ({ endpoint }) => endpoint === 'crm',
    )!;
    world.clock.advance(90_000);
    expect(await status()).toMatchObject({
      watches: { all: 2, failing: 1, disabled: 1 },
      causes: [{ cause: 'unreachable', watches: 1, since: expect.any(String), isAnnounced: true }],
      polls: { incomplete: 1, incompleteSince: expect.any(String) },
      endpoints: { active: 1, paused: 1, disabled: 0, failing: 0 },
      deliveries: {
        waiting: { count: 2, more: false },
        held: { count: 2, more: false },
        oldestOverdueMs: world.clock.now().getTime() - nextAttemptAt,
      },
    });
  });

  it('tells the last tick, and counts the watches that were not polled since', async () => {
    world.cryptshare.verifications.registerClientId(clientId);
    await world.ask('POST', '/watches', { body: { mailbox: 'alice@example.com' } });
    const at = world.clock.now().toISOString();
    await world.functions.get('poll')!({ shard: 0, at });
    expect(await status()).toMatchObject({ polls: { lastAt: at, late: 0 }, causes: [] });
    world.clock.advance(600_000);
    expect(await status()).toMatchObject({ polls: { lastAt: at, late: 1 } });
    await world.functions.get('poll')!({ shard: 0, at: world.clock.now().toISOString() });
    expect(await status()).toMatchObject({ polls: { late: 0 } });
  });

  describe('with tasks that were left to the holder of a lease', () => {
    const now = () => world.clock.now().getTime();
    beforeEach(async () => {
      await addEndpoint('crm');
      await world.otherLeases().leaveTask('crm', ['evt_one', 'evt_two'], now());
    });

    it('counts them as overdue without a holder', async () => {
      world.clock.advance(30_000);
      expect((await status()).deliveries).toMatchObject({
        waiting: { count: 2, more: false },
        oldestOverdueMs: 30_000,
      });
    });

    it('counts none as overdue while a process drains the endpoint', async () => {
      world.clock.advance(30_000);
      const progress = { inFlight: {}, observations: [] };
      await world.otherLeases().change('crm', newLease, (lease) => acquire(lease, 'other', progress, 0, now()));
      expect((await status()).deliveries).toMatchObject({ waiting: { count: 2 }, oldestOverdueMs: 0 });
      world.clock.advance(leaseDurationMs);
      expect((await status()).deliveries).toMatchObject({ oldestOverdueMs: 30_000 + leaseDurationMs });
    });

    it('counts none as overdue while the circuit breaker is open', async () => {
      world.clock.advance(30_000);
      const open = { failures: 5, failingSince: now(), openUntil: now() + 60_000, rev: 1, changedAt: now() };
      await world.otherLeases().change('crm', newLease, (lease) => ({ ...lease, ...open }));
      expect((await status()).deliveries).toMatchObject({ waiting: { count: 2 }, oldestOverdueMs: 0 });
      world.clock.advance(60_000);
      expect((await status()).deliveries).toMatchObject({ oldestOverdueMs: 90_000 });
    });
  });

  it('counts up to 1,000 waiting deliveries, and says that there are more', async () => {
    for (const name of ['archive', 'crm']) await addEndpoint(name);
    const ids = Array.from({ length: 501 }, (_, index) => `evt_${index}`);
    for (const name of ['archive', 'crm']) await world.otherLeases().leaveTask(name, ids, 0);
    expect((await status()).deliveries).toMatchObject({ waiting: { count: 1000, more: true } });
  });

  // Fan-out leaves tasks of ten events while a process holds the lease.
  it('does not count 100 deliveries, and no more, where 1,000 wait in 100 tasks', async () => {
    await addEndpoint('crm');
    const now = world.clock.now().getTime();
    for (let task = 0; task < 100; task += 1) {
      const events = Array.from({ length: 10 }, (_, index) => `evt_${task}_${index}`);
      await world.otherLeases().leaveTask('crm', events, now + task);
    }
    expect((await status()).deliveries).not.toMatchObject({ waiting: { count: 100, more: false } });
  });
});
