import { beforeEach, describe, expect, it } from 'vitest';
import { Partition } from '#functions/dynamodb/partition.ts';
import { transferKey } from '#functions/snapshot/snapshot-rows.ts';
import { type OperatorWorld, startOperatorWorld, transfersTable } from '#test/support/operator-world.ts';
import { clientId } from '#test/support/poll-world.ts';

const alice = { mailbox: 'alice@example.com', direction: 'sent' } as const;
const path = '/watches/sent/alice%40example.com/transfers';

let world: OperatorWorld;
beforeEach(async () => {
  world = await startOperatorWorld();
  world.cryptshare.verifications.registerClientId(clientId);
  await world.ask('POST', '/watches', { body: alice });
  return () => world.close();
});

const poll = () => world.ask('POST', '/watches/sent/alice%40example.com/poll');
const seed = (count: number, state: string) =>
  world.cryptshare.transfers.seed({ sender: alice.mailbox, to: ['bob@example.com'], count, state });

const pages = (limit: number, query: Record<string, string> = {}) =>
  world.pages(path, { ...query, limit: String(limit) });

const [then, later] = ['2026-11-24T00:00:00.000Z', '2026-11-25T00:00:00.000Z'] as const;
const partition = () => new Partition({ dynamo: world.dynamo, table: transfersTable }, 'sent#alice@example.com');

describe('GET /watches/{direction}/{mailbox}/transfers', () => {
  it('lists none before the first poll', async () => {
    expect(await world.ask('GET', path)).toMatchObject({ status: 200, body: { items: [] } });
  });

  it('lists transfers with their states and times page by page, each once', async () => {
    seed(23, 'ACTIVE');
    const baseline = world.clock.now().toISOString();
    await poll();
    world.clock.advance(60_000);
    const changed = world.clock.now().toISOString();
    seed(2, 'FAILED');
    await poll();
    const all = (await pages(7)).flat();
    expect(new Set(all.map(({ trackingId }) => trackingId)).size).toBe(25);
    expect(all.filter(({ since, state }) => since === baseline && state === 'ACTIVE')).toHaveLength(23);
    expect(all.filter(({ since, state }) => since === changed && state === 'FAILED')).toHaveLength(2);
    for (const read of await pages(7)) expect(read.length).toBeLessThanOrEqual(7);
    expect(Object.keys(all[0]!).toSorted()).toEqual(['firstSeenAt', 'isListed', 'since', 'state', 'trackingId']);
  });

  it('lists transfers by state, in any spelling', async () => {
    seed(3, 'ACTIVE');
    seed(2, 'DELETED_BY_EXPIRATION');
    await poll();
    expect((await pages(1, { state: 'deleted-by-expiration' })).flat()).toHaveLength(2);
    expect((await pages(50, { state: 'ACTIVE' })).flat()).toHaveLength(3);
    expect((await pages(50, { state: 'PROCESSING' })).flat()).toEqual([]);
  });

  it('lists transfers by the time since which they are in their state', async () => {
    const [one] = seed(3, 'ACTIVE');
    const baseline = world.clock.now().toISOString();
    await poll();
    world.clock.advance(60_000);
    world.cryptshare.transfers.setState(one!.trackingId, 'FAILED');
    const changed = world.clock.now().toISOString();
    await poll();
    const ids = async (query: Record<string, string>) =>
      (await pages(2, query)).flat().map(({ trackingId }) => trackingId);
    expect(await ids({ from: changed })).toEqual([one!.trackingId]);
    expect(await ids({ until: changed })).toHaveLength(2);
    expect(await ids({ from: baseline, until: changed, state: 'FAILED' })).toEqual([]);
  });

  it('tells how many recipients have downloaded where the watch follows it', async () => {
    const downloads = { recipients: 3, downloadedBy: 2, numbers: {}, fetched: [1, 2], isByAll: false };
    const row = { state: 'ACTIVE', sequence: 1, firstSeenAt: then, observedAt: later, rev: 1, followed: { downloads } };
    await partition().put(transferKey('one'), row, {});
    const { items } = (await world.ask('GET', path)).body;
    expect(items).toMatchObject([{ trackingId: 'one', recipients: 3, downloadedBy: 2 }]);
  });

  it('marks transfers that the server no longer lists', async () => {
    const row = { state: 'ACTIVE', sequence: 1, firstSeenAt: then, observedAt: later, rev: 1, isUnlisted: true };
    await partition().put(transferKey('one'), row, {});
    expect((await world.ask('GET', path)).body.items).toEqual([
      { trackingId: 'one', state: 'ACTIVE', since: later, firstSeenAt: then, isListed: false },
    ]);
  });

  it('answers 404 for a mailbox that is not watched', async () => {
    expect((await world.ask('GET', '/watches/received/alice%40example.com/transfers')).status).toBe(404);
  });

  it.each(['{}', '{"after":7}', '{"after":"ROOT"}', '{"after":"U"}', 'no JSON'])(
    'refuses the malformed cursor %s',
    async (place) => {
      const query = { cursor: Buffer.from(place).toString('base64url') };
      expect(await world.ask('GET', path, { query })).toMatchObject({
        status: 400,
        body: { problems: [{ path: 'cursor' }] },
      });
    },
  );
});
