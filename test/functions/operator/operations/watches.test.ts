import { beforeEach, describe, expect, test } from 'vitest';
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
const registry = () => new Watches(world.dynamo, transfersTable);

describe('a watch', () => {
  test('that is added is there, is the operator’s own, and is not declared', async () => {
    const added = await world.ask('POST', '/watches', { body: { mailbox: alice.mailbox } });
    expect(added).toMatchObject({ status: 201, body: { ...alice, isDeclared: false, isDisabled: false } });
    expect(await world.ask('GET', path)).toEqual({ ...added, status: 200 });
    expect(await registry().list()).toEqual([{ ...alice, scheduledFrom: world.clock.now().toISOString() }]);
  });

  test('is polled in an interval of its own, if that is wanted, until it is to be polled as all are', async () => {
    const added = await world.ask('POST', '/watches', { body: { ...alice, pollIntervalMs: 300_000 } });
    expect(added).toMatchObject({ status: 201, body: { pollIntervalMs: 300_000 } });
    world.clock.advance(60_000);
    expect(await world.ask('PATCH', path, { body: { pollIntervalMs: 900_000 } })).toMatchObject({
      body: { pollIntervalMs: 900_000 },
    });
    const since = world.clock.now().toISOString();
    expect(await registry().list()).toEqual([{ ...alice, pollIntervalMs: 900_000, scheduledFrom: since }]);
    expect((await world.ask('PATCH', path, { body: { pollIntervalMs: null } })).body).not.toHaveProperty(
      'pollIntervalMs',
    );
    expect(await registry().list()).toEqual([{ ...alice, scheduledFrom: since }]);
  });

  test.each([0, 999, 86_400_001, 1500.5, '5m'])('is not polled every %j', async (pollIntervalMs) => {
    await world.ask('POST', '/watches', { body: alice });
    expect(await world.ask('PATCH', path, { body: { pollIntervalMs } })).toMatchObject({
      status: 400,
      body: { problems: [{ path: 'pollIntervalMs', message: 'expected milliseconds from 1000 to 86400000, a day' }] },
    });
    expect((await world.ask('GET', path)).body).not.toHaveProperty('pollIntervalMs');
  });

  test('that is not there has no interval to change', async () => {
    expect((await world.ask('PATCH', path, { body: { pollIntervalMs: 60_000 } })).status).toBe(404);
    expect(await registry().list()).toEqual([]);
  });

  test('is not added twice, in another case of letters neither', async () => {
    await world.ask('POST', '/watches', { body: alice });
    expect((await world.ask('POST', '/watches', { body: alice })).status).toBe(409);
    expect((await world.ask('POST', '/watches', { body: { mailbox: 'Alice@Example.com' } })).status).toBe(409);
    expect((await world.ask('POST', '/watches', { body: { ...alice, direction: 'received' } })).status).toBe(201);
  });

  test('is not added twice in Punycode and in its own script, nor with combining marks', async () => {
    const statusOf = async (mailbox: string) => (await world.ask('POST', '/watches', { body: { mailbox } })).status;
    expect(await statusOf('jörg@münchen.de')).toBe(201);
    expect(await statusOf('jörg@xn--mnchen-3ya.de')).toBe(409);
    expect(await statusOf('jo\u0308rg@münchen.de')).toBe(409);
  });

  test.each(['sales/emea@example.com', 'user%2Fhost@example.com', 'r&d#1?=+@example.com', 'jörg@münchen.de'])(
    'of %s is found by its path and polled, whatever its signs mean in a URL',
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

  test('is shown, changed, polled, paused, resumed and removed in whatever spelling of its mailbox', async () => {
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

  test('is found in the very spelling that is asked for, where two of them were registered', async () => {
    const row = { mailbox: 'Alice@example.com', direction: 'sent' } as const;
    await registry().addAll([alice], false, at);
    await new Partition(world.dynamo, transfersTable, 'WATCHES').put(registryKey(row), row, {});
    for (const { mailbox } of [alice, row]) {
      expect((await world.ask('GET', `/watches/sent/${encodeURIComponent(mailbox)}`)).body).toMatchObject({ mailbox });
    }
  });

  test('is added once when two operators add it at the same time', async () => {
    const add = () => world.ask('POST', '/watches', { body: alice });
    const all = await Promise.all([add(), add(), add()]);
    expect(all.map(({ status }) => status).toSorted()).toEqual([201, 409, 409]);
  });

  test('that is paused stays so whatever is declared, until it is resumed', async () => {
    await registry().declare([alice], false, at);
    expect(await world.ask('POST', `${path}/pause`)).toMatchObject({ status: 200, body: { isDisabled: true } });
    expect((await world.ask('POST', `${path}/pause`)).status).toBe(409);
    await registry().declare([alice], false, at);
    expect((await world.ask('GET', path)).body).toMatchObject({ isDeclared: true, isDisabled: true });
    const resumed = await world.ask('POST', `${path}/resume`);
    expect(resumed).toMatchObject({ status: 200, body: { isDeclared: true, isDisabled: false } });
    expect((await world.ask('POST', `${path}/resume`)).status).toBe(409);
  });

  test('that the file no longer declares is the operator’s once it is resumed', async () => {
    await registry().declare([alice], false, at);
    await registry().declare([], false, at);
    expect((await world.ask('POST', `${path}/pause`)).status).toBe(409);
    expect((await world.ask('POST', `${path}/resume`)).body).toMatchObject({ isDeclared: false, isDisabled: false });
    await registry().declare([], false, at);
    expect((await world.ask('GET', path)).body).toMatchObject({ isDisabled: false });
  });

  test('that is removed is gone, and its snapshot is there when it is added again', async () => {
    await world.ask('POST', '/watches', { body: alice });
    await world.ask('POST', `${path}/poll`);
    expect(await world.ask('DELETE', path)).toEqual({ status: 204, type: undefined, body: undefined });
    expect((await world.ask('GET', path)).status).toBe(404);
    expect((await world.ask('POST', '/watches', { body: alice })).body).toMatchObject({
      baselineAt: world.clock.now().toISOString(),
    });
  });

  test('whose baseline is being stored tells how far it is', async () => {
    await registry().addAll([alice], false, at);
    const baselineProgress = { stored: 712, transfers: 10_000 };
    await new Partition(world.dynamo, transfersTable, 'sent#alice@example.com').put('ROOT', { baselineProgress }, {});
    expect((await world.ask('GET', path)).body).toMatchObject({ baselineProgress });
  });

  test('that is removed during a poll does not come back as half a row', async () => {
    await registry().addAll([alice], false, at);
    await registry().remove(alice, at);
    const health = {
      failingSince: 'then',
      failures: 1,
      problem: { cause: 'timeout', message: '' },
      isAnnounced: false,
    };
    expect(await registry().commitHealth(alice, { health, event: undefined })).toBeUndefined();
    expect(await registry().list()).toEqual([]);
  });

  test.each(['GET', 'DELETE'])('that is none is not found: %s', async (method) => {
    expect((await world.ask(method, path)).status).toBe(404);
  });

  test.each(['pause', 'resume', 'poll'])('that is none cannot be told to %s', async (verb) => {
    expect((await world.ask('POST', `${path}/${verb}`)).status).toBe(404);
  });
});

describe('many watches', () => {
  const addAll = (watches: readonly object[], more: object = {}) =>
    world.ask('POST', '/watches/batch', { body: { watches, ...more } });

  test('are added at once, and those that are there, in whatever case, or twice in the list, stay as they are', async () => {
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

  test('are added by reading one key for each mailbox, however many watches there are', async () => {
    const plan = new FaultPlan();
    const watches = Array.from({ length: 100 }, (_, index) => ({ mailbox: `person-${index}@example.com` }));
    await world.faults.run(plan, () => addAll(watches));
    expect(plan.calls.filter((command) => command === 'QueryCommand')).toHaveLength(100);
    expect(await registry().list()).toHaveLength(100);
  });

  test('announce what is there already, if that is wanted of all', async () => {
    await addAll([alice], { notifyExisting: true });
    expect(await registry().list()).toMatchObject([{ ...alice, notifyExisting: true }]);
  });

  test('are refused together, with the place of each mistake, and none is added', async () => {
    const refused = await addAll([alice, { mailbox: 'nobody' }, { ...alice, direction: 'both' }]);
    expect(refused).toMatchObject({
      status: 400,
      body: { problems: [{ path: 'watches.1.mailbox' }, { path: 'watches.2.direction' }] },
    });
    const tooMany = Array.from({ length: 101 }, (_, index) => ({ mailbox: `person-${index}@example.com` }));
    expect((await addAll(tooMany)).status).toBe(400);
    expect((await addAll([])).status).toBe(400);
    expect(await registry().list()).toEqual([]);
  });

  test('are logged by their number', async () => {
    await addAll([alice]);
    expect(world.lines.at(-1)).toMatchObject(['operator', { operation: 'addWatches', target: '1 watches' }]);
  });
});

describe('a poll that is asked for', () => {
  test('tells what it found, and the watch tells of its snapshot and verification', async () => {
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

  test('that fails is no failure of the API, and counts for the health of the watch', async () => {
    await world.ask('POST', '/watches', { body: alice });
    await world.cryptshare.close();
    expect(await world.ask('POST', `${path}/poll`)).toMatchObject({
      status: 200,
      body: { outcome: 'failed', problem: { cause: 'unreachable' } },
    });
    expect((await world.ask('GET', path)).body.health).toMatchObject({ failures: 1, isAnnounced: false });
  });

  test('is done by the poll function, whose own failure is a bad gateway and no fault of ours', async () => {
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

test('a watch that has not changed for an hour is shown with the interval it is polled in, but not one of a longer interval', async () => {
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

test('the list of watches comes page by page, each watch once', async () => {
  const mailboxes = ['carol', 'alice', 'bob'].map((name) => `${name}@example.com`);
  for (const mailbox of mailboxes) await world.ask('POST', '/watches', { body: { mailbox } });
  await world.ask('POST', '/watches', { body: { mailbox: 'bob@example.com', direction: 'received' } });
  const first = await world.ask('GET', '/watches', { query: { limit: '2' } });
  const second = await world.ask('GET', '/watches', { query: { limit: '2', cursor: first.body.next } });
  const names = [...first.body.items, ...second.body.items].map(({ direction, mailbox }) => `${direction} ${mailbox}`);
  expect(names.toSorted()).toEqual([
    'received bob@example.com',
    'sent alice@example.com',
    'sent bob@example.com',
    'sent carol@example.com',
  ]);
  expect(second.body.next).toBeUndefined();
});

test('each change is logged with who and what, but without the mailbox', async () => {
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
