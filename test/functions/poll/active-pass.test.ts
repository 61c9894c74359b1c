import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import type { TransferEvent } from '#functions/events/transfer-event.ts';
import type { Watch } from '#functions/transfers/transfer.ts';
import { defaultSwitches } from '#infra/simulator/switches.ts';
import { type FaultKind, FaultPlan } from '#test/support/aws-faults.ts';
import { startWorld, type World } from '#test/support/poll-world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());
beforeEach(() => {
  Object.assign(world.cryptshare.switches, defaultSwitches);
  world.cryptshare.faults.clear();
  world.setDrift(() => {});
});

let mailboxes = 0;

/** A mailbox with a baseline of 110 expired transfers, more than a page, and some active ones. */
async function mailbox(active = 3, direction: Watch['direction'] = 'sent') {
  mailboxes += 1;
  const address = `active-${mailboxes}@example.com`;
  const watch = world.watch(address, direction);
  const people =
    direction === 'sent' ? { sender: address, to: ['bob@example.com'] } : { sender: 'bob@example.com', to: [address] };
  const { transfers, requests } = world.cryptshare;
  transfers.seed({ ...people, count: 110, state: 'DELETED_BY_EXPIRATION' });
  const ids = transfers.seed({ ...people, count: active, state: 'ACTIVE' }).map(({ trackingId }) => trackingId);
  await world.poll(watch);
  await world.takeEvents();
  requests.reset();
  return { watch, people, ids, transfers, requests };
}

/** Polls a minute later, active transfers being enough. */
async function poll(watch: Watch) {
  world.clock.advance(60_000);
  world.cryptshare.requests.reset();
  return world.poll(watch, { scope: 'active' });
}

async function told() {
  const events = (await world.takeEvents()).map(({ event }) => event as TransferEvent);
  return events.map(({ data }) => [data.trackingId, data.previousState, data.state]);
}
const asked = () => world.cryptshare.requests.report().recent.map(({ url }) => url);
const statusRequests = () => asked().filter((url) => /\/transfers\/\d{8}-/.test(url)).length;

describe('a poll for which the active transfers will do', () => {
  it('asks for these alone, and neither reads nor writes more than any poll when nothing has changed', async () => {
    const { watch } = await mailbox();
    expect(await poll(watch)).toMatchObject({
      outcome: 'unchanged',
      scope: 'active',
      isComplete: true,
      requests: 1,
      transfers: 3,
      units: { read: 1, write: 0 },
    });
    expect(asked()).toEqual([expect.stringContaining('active=true')]);
  });

  it('announces a transfer that is new', async () => {
    const { watch, people, transfers } = await mailbox();
    const [created] = transfers.seed({ ...people, count: 1, state: 'ACTIVE' });
    expect(await poll(watch)).toMatchObject({ outcome: 'changed', scope: 'active', changed: 1 });
    expect(await told()).toEqual([[created!.trackingId, null, 'ACTIVE']]);
    expect(await poll(watch)).toMatchObject({ outcome: 'unchanged', scope: 'active' });
  });

  test.each(['DELETED_BY_EXPIRATION', 'DELETED_BY_SECURITY', 'Quarantined'])(
    'has the server say what became of one that is active no more: %s',
    async (state) => {
      const { watch, ids, transfers } = await mailbox();
      transfers.setState(ids[1]!, state);
      expect(await poll(watch)).toMatchObject({ outcome: 'changed', scope: 'active', changed: 1 });
      expect(statusRequests()).toBe(1);
      expect(await told()).toEqual([[ids[1], 'ACTIVE', state]]);
      expect(await poll(watch)).toMatchObject({ outcome: 'unchanged', scope: 'active' });
    },
  );

  it('finds out more about a transfer that was known in another state', async () => {
    const { watch, people, transfers } = await mailbox();
    const created = transfers.create(people);
    world.clock.advance(60_000);
    await world.poll(watch);
    transfers.setState(created.trackingId, 'ACTIVE');
    await poll(watch);
    expect(await told()).toEqual([
      [created.trackingId, null, 'PROCESSING'],
      [created.trackingId, 'PROCESSING', 'ACTIVE'],
    ]);
  });

  it('leaves what is never active to the next full listing, which announces it', async () => {
    const { watch, people, transfers } = await mailbox();
    const created = transfers.create(people);
    transfers.setState(created.trackingId, 'FAILED');
    expect(await poll(watch)).toMatchObject({ outcome: 'unchanged', scope: 'active' });
    expect(await told()).toEqual([]);
    expect(await world.poll(watch)).toMatchObject({ outcome: 'changed', scope: 'all' });
    expect(await told()).toEqual([[created.trackingId, null, 'FAILED']]);
  });

  it('is the same when the server takes transfers in preparation for active ones', async () => {
    world.cryptshare.switches.activeIncludesProcessing = true;
    const { watch, people, ids, transfers } = await mailbox();
    const created = transfers.create(people);
    await poll(watch);
    transfers.setState(ids[0]!, 'DELETED_BY_ADMIN');
    transfers.setState(created.trackingId, 'ACTIVE');
    await poll(watch);
    const events = await told();
    expect(events.filter(([trackingId]) => trackingId === ids[0])).toEqual([[ids[0], 'ACTIVE', 'DELETED_BY_ADMIN']]);
    expect(events.at(-1)).toEqual(expect.arrayContaining(['ACTIVE']));
    await world.poll(watch);
    expect(await told()).toEqual([]);
  });

  it('lists all where that takes no more requests', async () => {
    mailboxes += 1;
    const small = world.watch(`active-${mailboxes}@example.com`);
    world.cryptshare.transfers.seed({ sender: small.mailbox, to: ['bob@example.com'], count: 20, state: 'ACTIVE' });
    expect(await poll(small)).toMatchObject({ outcome: 'baseline', scope: 'all' });
    expect(await poll(small)).toMatchObject({ outcome: 'unchanged', scope: 'all' });
  });

  it('lists all on a server that has no such filter', async () => {
    world.cryptshare.switches.minor = 8;
    const { watch } = await mailbox();
    const deps = { ...world.deps, server: world.client() };
    await deps.server.minorVersion(world.terms().deadline);
    const { pollWatch } = await import('#functions/poll/poll-watch.ts');
    const result = await pollWatch(deps, watch, world.terms({ scope: 'active' }));
    expect(result).toMatchObject({ scope: 'all', transfers: 113 });
    deps.server.close();
  });
});

describe('a full listing follows at once', () => {
  it('when more have left the active ones than it has pages', async () => {
    const { watch, ids, transfers } = await mailbox(30);
    for (const trackingId of ids.slice(0, 20)) transfers.setState(trackingId, 'DELETED_BY_EXPIRATION');
    expect(await poll(watch)).toMatchObject({ outcome: 'changed', scope: 'all', changed: 20 });
    expect(statusRequests()).toBe(0);
    expect(await told()).toHaveLength(20);
    expect(await poll(watch)).toMatchObject({ outcome: 'unchanged', scope: 'active' });
  });

  it('for received transfers, of which nobody may ask after a single one', async () => {
    const { watch, ids, transfers } = await mailbox(3, 'received');
    expect(await poll(watch)).toMatchObject({ outcome: 'unchanged', scope: 'active' });
    transfers.setState(ids[0]!, 'DELETED_BY_REVOCATION');
    expect(await poll(watch)).toMatchObject({ outcome: 'changed', scope: 'all' });
    expect(statusRequests()).toBe(0);
    expect(await told()).toEqual([[ids[0], 'ACTIVE', 'DELETED_BY_REVOCATION']]);
  });
});

describe('nothing is concluded, and the next poll lists all,', () => {
  const nothingActive = { kind: 'response', status: 200, body: '{"data":[]}' } as const;

  it('when the server still calls active what its filter lacked', async () => {
    const { watch } = await mailbox(1);
    world.cryptshare.faults.inject({ path: 'sent-transfers', times: 2, answer: nothingActive });
    expect(await poll(watch)).toMatchObject({ scope: 'active', changed: 0, problem: undefined });
    expect(statusRequests()).toBe(1);
    expect(await poll(watch)).toMatchObject({ scope: 'all', changed: 0 });
    expect(await poll(watch)).toMatchObject({ scope: 'active', outcome: 'unchanged', units: { write: 0 } });
    expect(await told()).toEqual([]);
  });

  it('when the server does not know it: that is for three full listings to say', async () => {
    const { watch, ids, transfers } = await mailbox();
    transfers.purge(ids[0]!);
    const scopes: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      scopes.push((await poll(watch)).scope);
      if (index < 3) expect(await told()).toEqual([]);
    }
    expect(scopes).toEqual(['active', 'all', 'all', 'all', 'active']);
    const events = await world.takeEvents();
    expect(events.map(({ event }) => event.type)).toEqual(['transfer.unlisted']);
  });

  it('when the server does not answer, which is told', async () => {
    const { watch, ids, transfers } = await mailbox();
    transfers.setState(ids[0]!, 'DELETED_BY_ADMIN');
    const answer = { kind: 'response', status: 403, body: '{"errorCode":3010}' } as const;
    world.cryptshare.faults.inject({ path: encodeURIComponent(ids[0]!), times: 1, answer });
    expect(await poll(watch)).toMatchObject({ scope: 'active', changed: 0, problem: { cause: 'forbidden' } });
    expect(await poll(watch)).toMatchObject({ scope: 'all', changed: 1 });
    expect(await told()).toEqual([[ids[0], 'ACTIVE', 'DELETED_BY_ADMIN']]);
  });

  it('when a page is missing: what the others show is announced', async () => {
    const { watch, people, ids, transfers } = await mailbox(120);
    transfers.setState(ids[0]!, 'DELETED_BY_ADMIN');
    const [created] = transfers.seed({ ...people, count: 1, state: 'ACTIVE' });
    const answer = { kind: 'response', status: 500, body: '' } as const;
    world.cryptshare.faults.inject({ path: 'sent-transfers', page: 2, times: 3, answer });
    expect(await poll(watch)).toMatchObject({ scope: 'active', isComplete: false, changed: 1 });
    expect(statusRequests()).toBe(0);
    expect(await told()).toEqual([[created!.trackingId, null, 'ACTIVE']]);
    await poll(watch);
    expect(await told()).toEqual([[ids[0], 'ACTIVE', 'DELETED_BY_ADMIN']]);
  });
});

describe.each<FaultKind>(['refused', 'lost', 'crash before', 'crash after'])('a call that is hit by: %s', (kind) => {
  let busy: Awaited<ReturnType<typeof mailbox>>;
  beforeAll(async () => {
    busy = await mailbox(20);
  });

  // One more than there are calls, so that the last one is hit, too.
  test.each(Array.from({ length: 12 }, (_, call) => call))(
    'loses no event of an active pass and repeats none under another id: call %i',
    async (call) => {
      const { watch, people, ids, transfers } = busy;
      transfers.setState(ids[call]!, 'DELETED_BY_SECURITY');
      const [created] = transfers.seed({ ...people, count: 1, state: 'ACTIVE' });
      await world.faults
        .run(new FaultPlan([[call, kind]]), () => world.poll(watch, { scope: 'active' }))
        .catch(() => undefined);
      await poll(watch);
      await poll(watch);
      const last = await poll(watch);

      const published = await world.takeEvents();
      expect(new Set(published.map(({ event }) => (event as TransferEvent).data.trackingId))).toEqual(
        new Set([ids[call], created!.trackingId]),
      );
      expect(new Set(published.map(({ body }) => body)).size).toBe(2);
      expect(last).toMatchObject({ outcome: 'unchanged', units: { write: 0 } });
    },
  );
});
