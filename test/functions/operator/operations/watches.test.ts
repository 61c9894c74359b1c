import { beforeEach, describe, expect, it } from 'vitest';
import { Partition } from '#functions/dynamodb/partition.ts';
import { watchName } from '#functions/poll/report.ts';
import { registryKey } from '#functions/watches/places.ts';
import { Watches } from '#functions/watches/watches.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import { type OperatorWorld, operatorArn, startOperatorWorld, transfersTable } from '#test/support/operator-world.ts';
import { clientId } from '#test/support/poll-world.ts';

const alice = { mailbox: 'alice@example.com', direction: 'sent' } as const;
const path = '/watches/sent/alice%40example.com';

let world: OperatorWorld;
beforeEach(async () => {
  world = await startOperatorWorld();
  world.cryptshare.verifications.registerClientId(clientId);
  return () => world.close();
});

const at = '2026-11-24T00:00:00.000Z';
const registry = () => new Watches({ dynamo: world.dynamo, table: transfersTable });

describe('operations of a watch', () => {
  it('add a watch that is not declared', async () => {
    const added = await world.ask('POST', '/watches', { body: { mailbox: alice.mailbox } });
    expect(added).toMatchObject({ status: 201, body: { ...alice, isDeclared: false, isDisabled: false } });
    expect(await world.ask('GET', path)).toEqual({ ...added, status: 200 });
    expect(await registry().list()).toEqual([{ ...alice, scheduledFrom: world.clock.now().toISOString() }]);
  });

  it('set the poll interval of a watch, and reset it by null', async () => {
    const added = await world.ask('POST', '/watches', { body: { ...alice, pollIntervalMs: 300_000 } });
    expect(added).toMatchObject({ status: 201, body: { pollIntervalMs: 300_000 } });
    world.clock.advance(60_000);
    expect(await world.ask('PATCH', path, { body: { pollIntervalMs: 900_000 } })).toMatchObject({
      body: { pollIntervalMs: 900_000 },
    });
    const since = world.clock.now().toISOString();
    expect(await registry().list()).toEqual([{ ...alice, pollIntervalMs: 900_000, scheduledFrom: since }]);
    const reset = await world.ask('PATCH', path, { body: { pollIntervalMs: null } });
    expect(reset.body).not.toHaveProperty('pollIntervalMs');
    expect(await registry().list()).toEqual([{ ...alice, scheduledFrom: since }]);
  });

  it.each([0, 999, 86_400_001, 1500.5, '5m'])('refuse the poll interval %j', async (pollIntervalMs) => {
    await world.ask('POST', '/watches', { body: alice });
    expect(await world.ask('PATCH', path, { body: { pollIntervalMs } })).toMatchObject({
      status: 400,
      body: { problems: [{ path: 'pollIntervalMs', message: 'expected milliseconds from 1000 to 86400000, a day' }] },
    });
    expect((await world.ask('GET', path)).body).not.toHaveProperty('pollIntervalMs');
  });

  it('add no watch twice, also in another case', async () => {
    await world.ask('POST', '/watches', { body: alice });
    expect((await world.ask('POST', '/watches', { body: alice })).status).toBe(409);
    expect((await world.ask('POST', '/watches', { body: { mailbox: 'Alice@Example.com' } })).status).toBe(409);
    expect((await world.ask('POST', '/watches', { body: { ...alice, direction: 'received' } })).status).toBe(201);
  });

  it.each(['sales/emea@example.com', 'user%2Fhost@example.com', 'r&d#1?=+@example.com', 'jörg@münchen.de'])(
    'find and poll a watch of %s by its path',
    async (mailbox) => {
      await world.ask('POST', '/watches', { body: { mailbox } });
      world.cryptshare.transfers.create({ sender: mailbox, to: ['bob@example.com'] });
      const itsPath = `/watches/sent/${encodeURIComponent(mailbox)}`;
      expect(await world.ask('GET', itsPath)).toMatchObject({ status: 200, body: { mailbox } });
      const polled = await world.ask('POST', `${itsPath}/poll`);
      expect(polled).toMatchObject({ status: 200, body: { outcome: 'baseline', transfers: 1 } });
      expect((await world.ask('DELETE', itsPath)).status).toBe(204);
    },
  );

  it('find a watch in any spelling of its mailbox', async () => {
    await world.ask('POST', '/watches', { body: alice });
    const inCapitals = '/watches/sent/ALICE%40Example.com';
    world.cryptshare.transfers.create({ sender: alice.mailbox, to: ['bob@example.com'] });
    expect((await world.ask('GET', inCapitals)).body).toMatchObject(alice);
    expect((await world.ask('PATCH', inCapitals, { body: { pollIntervalMs: 300_000 } })).body).toMatchObject({
      pollIntervalMs: 300_000,
    });
    expect((await world.ask('POST', `${inCapitals}/poll`)).body).toMatchObject({ outcome: 'baseline', transfers: 1 });
    expect((await world.ask('GET', `${inCapitals}/transfers`)).body.items).toHaveLength(1);
    expect((await world.ask('POST', `${inCapitals}/pause`)).body).toMatchObject({ ...alice, isDisabled: true });
    expect((await world.ask('POST', `${inCapitals}/resume`)).body).toMatchObject({ ...alice, isDisabled: false });
    expect(await registry().list()).toHaveLength(1);
    expect((await world.ask('DELETE', inCapitals)).status).toBe(204);
    expect(await registry().list()).toEqual([]);
  });

  it('find the exact spelling if two were registered', async () => {
    const row = { mailbox: 'Alice@example.com', direction: 'sent' } as const;
    await registry().addAll([alice], false, at);
    await new Partition({ dynamo: world.dynamo, table: transfersTable }, 'WATCHES').put(registryKey(row), row, {});
    for (const { mailbox } of [alice, row]) {
      expect((await world.ask('GET', `/watches/sent/${encodeURIComponent(mailbox)}`)).body).toMatchObject({ mailbox });
    }
  });

  it('add a watch once when operators add it at the same time', async () => {
    const add = () => world.ask('POST', '/watches', { body: alice });
    const all = await Promise.all([add(), add(), add()]);
    expect(all.map(({ status }) => status).toSorted()).toEqual([201, 409, 409]);
  });

  it('pause a watch until it is resumed, whatever is declared', async () => {
    await registry().declare([alice], false, at);
    expect(await world.ask('POST', `${path}/pause`)).toMatchObject({ status: 200, body: { isDisabled: true } });
    expect((await world.ask('POST', `${path}/pause`)).status).toBe(409);
    await registry().declare([alice], false, at);
    expect((await world.ask('GET', path)).body).toMatchObject({ isDeclared: true, isDisabled: true });
    const resumed = await world.ask('POST', `${path}/resume`);
    expect(resumed).toMatchObject({ status: 200, body: { isDeclared: true, isDisabled: false } });
    expect((await world.ask('POST', `${path}/resume`)).status).toBe(409);
  });

  it('resume a watch that is no longer declared as the operator’s own', async () => {
    await registry().declare([alice], false, at);
    await registry().declare([], false, at);
    expect((await world.ask('POST', `${path}/pause`)).status).toBe(409);
    expect((await world.ask('POST', `${path}/resume`)).body).toMatchObject({ isDeclared: false, isDisabled: false });
    await registry().declare([], false, at);
    expect((await world.ask('GET', path)).body).toMatchObject({ isDisabled: false });
  });

  it('remove a watch, and keep its snapshot for when it is added again', async () => {
    await world.ask('POST', '/watches', { body: alice });
    await world.ask('POST', `${path}/poll`);
    expect(await world.ask('DELETE', path)).toEqual({ status: 204, type: undefined, body: undefined });
    expect((await world.ask('GET', path)).status).toBe(404);
    expect((await world.ask('POST', '/watches', { body: alice })).body).toMatchObject({
      baselineAt: world.clock.now().toISOString(),
    });
  });

  it('remove a watch for good, also during a poll', async () => {
    await registry().addAll([alice], false, at);
    await registry().remove(alice, at);
    const problem = { cause: 'timeout', message: '' } as const;
    const health = { failingSince: 'then', failures: 1, problem, isAnnounced: false };
    expect(await registry().commitHealth(alice, { health, event: undefined })).toBeUndefined();
    expect(await registry().list()).toEqual([]);
  });

  it('show the progress of a baseline', async () => {
    await registry().addAll([alice], false, at);
    const baselineProgress = { stored: 712, transfers: 10_000 };
    await new Partition({ dynamo: world.dynamo, table: transfersTable }, 'sent#alice@example.com').put(
      'ROOT',
      { baselineProgress },
      {},
    );
    expect((await world.ask('GET', path)).body).toMatchObject({ baselineProgress });
  });

  it.each(['GET', 'PATCH', 'DELETE', 'POST /pause', 'POST /resume', 'POST /poll'])(
    'answer 404 for an unknown watch: %s',
    async (request) => {
      const [method = '', verb = ''] = request.split(' ');
      const body = method === 'PATCH' ? { pollIntervalMs: 60_000 } : undefined;
      expect((await world.ask(method, `${path}${verb}`, { body })).status).toBe(404);
      expect(await registry().list()).toEqual([]);
    },
  );
});

describe('POST /watches/batch', () => {
  const addAll = (watches: readonly object[], more: object = {}) =>
    world.ask('POST', '/watches/batch', { body: { watches, ...more } });

  it('adds watches, and leaves known and repeated ones as they are', async () => {
    await world.ask('POST', '/watches', { body: { ...alice, pollIntervalMs: 300_000 } });
    const bob = { mailbox: 'bob@example.com', direction: 'received', pollIntervalMs: 60_000 };
    const { status, body } = await addAll([{ mailbox: 'Alice@example.com' }, bob, bob, { mailbox: bob.mailbox }]);
    expect(status).toBe(200);
    expect(body.items.map(({ mailbox, direction, isAdded }) => [mailbox, direction, isAdded])).toEqual([
      ['Alice@example.com', 'sent', false],
      [bob.mailbox, 'received', true],
      [bob.mailbox, 'received', false],
      [bob.mailbox, 'sent', true],
    ]);
    const all = (await registry().list()).map(({ mailbox, direction, pollIntervalMs }) => [
      direction,
      mailbox,
      pollIntervalMs,
    ]);
    expect(all.toSorted()).toEqual([
      ['received', bob.mailbox, 60_000],
      ['sent', alice.mailbox, 300_000],
      ['sent', bob.mailbox, undefined],
    ]);
  });

  it('reads one key for each mailbox', async () => {
    const plan = new FaultPlan();
    const watches = Array.from({ length: 100 }, (_, index) => ({ mailbox: `person-${index}@example.com` }));
    await world.faults.run(plan, () => addAll(watches));
    expect(plan.calls.filter((command) => command === 'QueryCommand')).toHaveLength(100);
    expect(await registry().list()).toHaveLength(100);
  });

  it('has existing transfers announced on request', async () => {
    await addAll([alice], { notifyExisting: true });
    expect(await registry().list()).toMatchObject([{ ...alice, notifyExisting: true }]);
  });

  it('adds no watch of a refused batch, and names the place of each mistake', async () => {
    const refused = await addAll([alice, { mailbox: 'plain' }, { ...alice, direction: 'both' }]);
    expect(refused).toMatchObject({
      status: 400,
      body: { problems: [{ path: 'watches.1.mailbox' }, { path: 'watches.2.direction' }] },
    });
    const tooMany = Array.from({ length: 101 }, (_, index) => ({ mailbox: `person-${index}@example.com` }));
    expect((await addAll(tooMany)).status).toBe(400);
    expect((await addAll([])).status).toBe(400);
    expect(await registry().list()).toEqual([]);
  });

  it('logs the number of watches', async () => {
    await addAll([alice]);
    expect(world.lines.at(-1)).toMatchObject(['operator', { operation: 'addWatches', target: '1 watches' }]);
  });
});

describe('POST /watches/{direction}/{mailbox}/poll', () => {
  it('answers what the poll found, and the watch shows snapshot and verification', async () => {
    world.cryptshare.transfers.seed({ sender: alice.mailbox, to: ['bob@example.com'], count: 3, state: 'ACTIVE' });
    await world.ask('POST', '/watches', { body: alice });
    expect(await world.ask('POST', `${path}/poll`)).toEqual({
      status: 200,
      type: 'application/json',
      body: { outcome: 'baseline', isComplete: true, transfers: 3, changed: 0, published: 0 },
    });
    world.cryptshare.transfers.create({ sender: alice.mailbox, to: ['bob@example.com'] });
    expect((await world.ask('POST', `${path}/poll`)).body).toMatchObject({ outcome: 'changed', published: 1 });
    expect((await world.ask('GET', path)).body).toMatchObject({
      count: 4,
      baselineAt: expect.any(String),
      verification: { method: 'client_id', validUntil: expect.any(String) },
    });
    expect(JSON.stringify(await world.ask('GET', path))).not.toContain('encrypted');
  });

  it('answers 200 to a failed poll, which counts for the health of the watch', async () => {
    await world.ask('POST', '/watches', { body: alice });
    await world.cryptshare.close();
    expect(await world.ask('POST', `${path}/poll`)).toMatchObject({
      status: 200,
      body: { outcome: 'failed', problem: { cause: 'unreachable' } },
    });
    expect((await world.ask('GET', path)).body.health).toMatchObject({ failures: 1, isAnnounced: false });
  });

  it('answers 502 when the poll function fails', async () => {
    await world.ask('POST', '/watches', { body: alice });
    const events: unknown[] = [];
    world.functions.set('poll', async (event) => {
      events.push(event);
      throw new RangeError('hidden');
    });
    expect(await world.ask('POST', `${path}/poll`)).toMatchObject({
      status: 502,
      type: 'application/problem+json',
      body: { detail: 'the poll function has failed (RangeError): its log tells why' },
    });
    expect(events).toEqual([alice]);
    expect(world.lines.at(-1)).toMatchObject(['operator', { operation: 'pollWatch', status: 502 }]);
  });
});

describe('GET /watches', () => {
  it('shows the interval of a quiet watch, unless its own is longer', async () => {
    await world.ask('POST', '/watches', { body: alice });
    await world.ask('POST', '/watches', { body: { mailbox: 'seldom@example.com', pollIntervalMs: 3_600_000 } });
    const quiet = async () =>
      (await world.ask('GET', '/watches')).body.items.map(({ quietIntervalMs }) => quietIntervalMs);
    expect(await quiet()).toEqual([undefined, undefined]);
    world.clock.advance(3_600_000);
    expect((await quiet()).toSorted()).toEqual([300_000, undefined]);
    await world.ask('PATCH', path, { body: { pollIntervalMs: 60_000 } });
    expect(await quiet()).toEqual([undefined, undefined]);
  });
});

describe('log of the operator API', () => {
  it('has caller and operation of each change, but not the mailbox', async () => {
    await world.ask('POST', '/watches', { body: alice });
    await world.ask('GET', '/watches');
    await world.ask('POST', `${path}/pause`);
    await world.ask('POST', `${path}/pause`);
    const line = (operation: string, status: number) => [
      'operator',
      { who: operatorArn, operation, target: watchName(alice), status },
    ];
    expect(world.lines).toEqual([line('addWatch', 201), line('pauseWatch', 200), line('pauseWatch', 409)]);
    expect(JSON.stringify(world.lines)).not.toContain('example.com');
  });
});
