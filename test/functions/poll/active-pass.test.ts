import { beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import { pollWatch } from '#functions/poll/poll-watch.ts';
import type { Direction, Watch } from '#functions/transfers/transfer.ts';
import { FaultPlan, faultKinds, faultsAt } from '#test/support/aws-faults.ts';
import {
  newMailbox,
  pollLater,
  resetServer,
  startMailboxWorld,
  takeTransferEvents,
  world,
} from '#test/support/mailbox-world.ts';

beforeAll(startMailboxWorld);
beforeEach(resetServer);

/** A mailbox with a baseline of 110 expired transfers, more than a page, and some active ones. */
async function mailbox(active = 3, direction?: Direction) {
  const { watch, people, ids } = newMailbox(active, direction);
  const { transfers } = world.cryptshare;
  transfers.seed({ ...people, count: 110, state: 'DELETED_BY_EXPIRATION' });
  await world.poll(watch);
  await world.takeEvents();
  return { watch, people, ids, transfers };
}

/** Polls a minute later, for which the active transfers suffice. */
function poll(watch: Watch) {
  world.cryptshare.requests.reset();
  return pollLater(watch, { scope: 'active' });
}

const told = async () =>
  (await takeTransferEvents()).map(({ data }) => [data.trackingId, data.previousState, data.state]);
const urls = () => world.cryptshare.requests.report().recent.map(({ url }) => url);
const statusRequests = () => urls().filter((url) => /\/transfers\/\d{8}-/.test(url)).length;

describe('an active pass', () => {
  it('requests active transfers alone, and writes nothing when nothing has changed', async () => {
    const { watch } = await mailbox();
    expect(await poll(watch)).toMatchObject({
      outcome: 'unchanged',
      scope: 'active',
      isComplete: true,
      requests: 1,
      transfers: 3,
      units: { read: 1, write: 0 },
    });
    expect(urls()).toEqual([expect.stringContaining('active=true')]);
  });

  it.each([100, 200])('needs no empty page behind the last of %i known transfers, newest first', async (active) => {
    const { watch } = await mailbox(active);
    const result = { outcome: 'unchanged', scope: 'active', transfers: active, requests: active / 100 };
    expect(await poll(watch)).toMatchObject(result);
  });

  it.each(['newest-first', 'shuffled'] as const)(
    'finds a new transfer and the one it moves behind a full page: %s',
    async (order) => {
      world.cryptshare.switches.order = order;
      const { watch, people, transfers } = await mailbox(100);
      const [created] = transfers.seed({ ...people, count: 1, state: 'ACTIVE' });
      expect(await poll(watch)).toMatchObject({ scope: 'active', changed: 1, transfers: 101, requests: 2 });
      expect(await told()).toEqual([[created!.trackingId, null, 'ACTIVE']]);
    },
  );

  it('reads the page behind a full one where it follows no order, or shows a change', async () => {
    const { watch, people, ids, transfers } = await mailbox(100);
    world.cryptshare.switches.order = 'shuffled';
    expect(await poll(watch)).toMatchObject({ outcome: 'unchanged', scope: 'active', requests: 2 });
    world.cryptshare.switches.order = 'newest-first';
    transfers.setState(ids[0]!, 'DELETED_BY_ADMIN');
    const [created] = transfers.seed({ ...people, count: 1, state: 'ACTIVE' });
    expect(await poll(watch)).toMatchObject({ scope: 'active', changed: 2, transfers: 100 });
    expect(await told()).toEqual(
      expect.arrayContaining([
        [created!.trackingId, null, 'ACTIVE'],
        [ids[0], 'ACTIVE', 'DELETED_BY_ADMIN'],
      ]),
    );
  });

  it('announces a transfer that becomes active behind a full page of newer ones', async () => {
    const { watch, people } = newMailbox(0);
    const { transfers } = world.cryptshare;
    transfers.seed({ ...people, count: 400, state: 'DELETED_BY_ADMIN' });
    const { trackingId } = transfers.seed({ ...people, count: 1, state: 'PROCESSING' })[0]!;
    world.clock.advance(86_400_000);
    const newer = transfers.seed({ ...people, count: 100, state: 'ACTIVE' });
    await world.poll(watch);
    // An active pass with news knows nothing of transfers in preparation.
    transfers.setState(newer[0]!.trackingId, 'DELETED_BY_ADMIN');
    transfers.seed({ ...people, count: 1, state: 'ACTIVE' });
    await poll(watch);
    await takeTransferEvents();
    transfers.setState(trackingId, 'ACTIVE');
    expect(await poll(watch)).toMatchObject({ scope: 'active', changed: 1 });
    expect(await told()).toEqual([[trackingId, 'PROCESSING', 'ACTIVE']]);
  });

  it('announces a new transfer', async () => {
    const { watch, people, transfers } = await mailbox();
    const [created] = transfers.seed({ ...people, count: 1, state: 'ACTIVE' });
    expect(await poll(watch)).toMatchObject({ outcome: 'changed', scope: 'active', changed: 1 });
    expect(await told()).toEqual([[created!.trackingId, null, 'ACTIVE']]);
    expect(await poll(watch)).toMatchObject({ outcome: 'unchanged', scope: 'active' });
  });

  test.each(['DELETED_BY_EXPIRATION', 'DELETED_BY_SECURITY', 'Quarantined'])(
    'requests the state of a transfer that is no longer active: %s',
    async (state) => {
      const { watch, ids, transfers } = await mailbox();
      transfers.setState(ids[1]!, state);
      expect(await poll(watch)).toMatchObject({ outcome: 'changed', scope: 'active', changed: 1 });
      expect(statusRequests()).toBe(1);
      expect(await told()).toEqual([[ids[1], 'ACTIVE', state]]);
      expect(await poll(watch)).toMatchObject({ outcome: 'unchanged', scope: 'active' });
    },
  );

  it('announces the further state of a transfer that a full listing has found', async () => {
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

  it('leaves a transfer that never was active to the next full listing', async () => {
    const { watch, people, transfers } = await mailbox();
    const created = transfers.create(people);
    transfers.setState(created.trackingId, 'FAILED');
    expect(await poll(watch)).toMatchObject({ outcome: 'unchanged', scope: 'active' });
    expect(await told()).toEqual([]);
    expect(await world.poll(watch)).toMatchObject({ outcome: 'changed', scope: 'all' });
    expect(await told()).toEqual([[created.trackingId, null, 'FAILED']]);
  });

  it('announces the same from a server that counts transfers in preparation as active', async () => {
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

  it('lists all transfers where that takes no more requests', async () => {
    const { watch } = newMailbox(20);
    expect(await poll(watch)).toMatchObject({ outcome: 'baseline', scope: 'all' });
    expect(await poll(watch)).toMatchObject({ outcome: 'unchanged', scope: 'all' });
  });

  it('lists all transfers of a server without that filter', async () => {
    world.cryptshare.switches.minor = 8;
    const { watch } = await mailbox();
    const deps = { ...world.deps, server: world.client() };
    await deps.server.minorVersion(world.terms().deadline);
    const result = await pollWatch(deps, watch, world.terms({ scope: 'active' }));
    expect(result).toMatchObject({ scope: 'all', transfers: 113 });
    deps.server.calls.close();
  });

  it('continues with a full listing when more transfers have left it than that has pages', async () => {
    const { watch, ids, transfers } = await mailbox(30);
    for (const trackingId of ids.slice(0, 20)) transfers.setState(trackingId, 'DELETED_BY_EXPIRATION');
    expect(await poll(watch)).toMatchObject({ outcome: 'changed', scope: 'all', changed: 20 });
    expect(statusRequests()).toBe(0);
    expect(await told()).toHaveLength(20);
    expect(await poll(watch)).toMatchObject({ outcome: 'unchanged', scope: 'active' });
  });

  it('continues with a full listing when a received transfer has left it', async () => {
    const { watch, ids, transfers } = await mailbox(3, 'received');
    expect(await poll(watch)).toMatchObject({ outcome: 'unchanged', scope: 'active' });
    transfers.setState(ids[0]!, 'DELETED_BY_REVOCATION');
    expect(await poll(watch)).toMatchObject({ outcome: 'changed', scope: 'all' });
    expect(statusRequests()).toBe(0);
    expect(await told()).toEqual([[ids[0], 'ACTIVE', 'DELETED_BY_REVOCATION']]);
  });

  it('concludes nothing when the server still calls a transfer active that its filter lacked', async () => {
    const { watch } = await mailbox(1);
    const answer = { kind: 'response', status: 200, body: '{"data":[]}' } as const;
    world.cryptshare.faults.inject({ path: 'sent-transfers', times: 2, answer });
    expect(await poll(watch)).toMatchObject({ scope: 'active', changed: 0, problem: undefined });
    expect(statusRequests()).toBe(1);
    expect(await poll(watch)).toMatchObject({ scope: 'all', changed: 0 });
    expect(await poll(watch)).toMatchObject({ scope: 'active', outcome: 'unchanged', units: { write: 0 } });
    expect(await told()).toEqual([]);
  });

  it('leaves a transfer that the server does not know to three full listings', async () => {
    const { watch, ids, transfers } = await mailbox();
    transfers.purge(ids[0]!);
    const scopes: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      scopes.push((await poll(watch)).scope);
      if (index < 3) expect(await told()).toEqual([]);
    }
    expect(scopes).toEqual(['active', 'all', 'all', 'all', 'active']);
    expect((await takeTransferEvents()).map(({ type }) => type)).toEqual(['transfer.unlisted']);
  });

  it('concludes nothing when the server refuses a status request, and reports that', async () => {
    const { watch, ids, transfers } = await mailbox();
    transfers.setState(ids[0]!, 'DELETED_BY_ADMIN');
    const answer = { kind: 'response', status: 403, body: '{"errorCode":3010}' } as const;
    world.cryptshare.faults.inject({ path: encodeURIComponent(ids[0]!), times: 1, answer });
    expect(await poll(watch)).toMatchObject({ scope: 'active', changed: 0, problem: { cause: 'forbidden' } });
    expect(await poll(watch)).toMatchObject({ scope: 'all', changed: 1 });
    expect(await told()).toEqual([[ids[0], 'ACTIVE', 'DELETED_BY_ADMIN']]);
  });

  it('announces what the other pages show when one is missing, and concludes nothing else (P11)', async () => {
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

describe('an active pass hit at a call', () => {
  // One more than there are calls, so that the last one is hit, too.
  const hits = faultsAt(12, faultKinds, 2);
  let busy: Awaited<ReturnType<typeof mailbox>>;
  beforeAll(async () => {
    busy = await mailbox(20 + hits.length);
  });

  test.each(hits.map((hit, at) => ({ ...hit, at })))(
    'loses no event and repeats none under another id: call $call, $kind',
    async ({ call, kind, at }) => {
      const { watch, people, ids, transfers } = busy;
      transfers.setState(ids[at]!, 'DELETED_BY_SECURITY');
      const [created] = transfers.seed({ ...people, count: 1, state: 'ACTIVE' });
      await world.faults
        .run(new FaultPlan([[call, kind]]), () => world.poll(watch, { scope: 'active' }))
        .catch(() => undefined);
      await poll(watch);
      await poll(watch);
      const last = await poll(watch);

      const published = await takeTransferEvents();
      const told = new Set(published.map(({ data }) => data.trackingId));
      expect(told).toEqual(new Set([ids[at], created!.trackingId]));
      expect(new Set(published.map(({ body }) => body)).size).toBe(2);
      expect(last).toMatchObject({ outcome: 'unchanged', units: { write: 0 } });
    },
  );
});
