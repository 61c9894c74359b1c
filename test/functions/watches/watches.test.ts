import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Watch, watchKey } from '#functions/transfers/transfer.ts';
import { registryKey } from '#functions/watches/places.ts';
import type { RegisteredWatch } from '#functions/watches/polled-watches.ts';
import { nextHealth, toldAlone } from '#functions/watches/watch-health.ts';
import type { WantedWatch, Watches } from '#functions/watches/watches.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import { deps, registry, startShards, startShardWorld, world } from '#test/support/shard-world.ts';

let watches: Watches;
beforeAll(startShardWorld);
beforeEach(async () => {
  await startShards();
  watches = registry();
});

const at = '2026-11-24T00:00:00.000Z';
const later = '2026-11-25T00:00:00.000Z';

const alice: Watch = { mailbox: 'alice@example.com', direction: 'sent' };
const aliceReceived: Watch = { ...alice, direction: 'received' };
const inCapitals: Watch = { mailbox: 'Alice@Example.com', direction: 'sent' };
const bob: Watch = { mailbox: 'bob@example.com', direction: 'sent' };
const list = async () => (await watches.list()).toSorted((a, b) => (watchKey(a) < watchKey(b) ? -1 : 1));
const polled = async () => (await list()).filter((watch) => !watch.isDisabled).map(watchKey);
const find = async (watch: Watch) => (await list()).find((other) => watchKey(other) === watchKey(watch));

/** Stores the row of a watch that no configuration file declares. */
const store = (watch: RegisteredWatch) =>
  deps.dynamo.send(
    new PutItemCommand({ TableName: deps.table, Item: marshall({ pk: 'WATCHES', sk: registryKey(watch), ...watch }) }),
  );

/** Stores the result of a poll. */
function commit(watch: RegisteredWatch, hasProblem = true) {
  const problem = hasProblem ? { cause: 'timeout', message: 'no answer' } : undefined;
  const origin = 'https://cryptshare.example.com';
  const { health, event } = nextHealth(origin, watch, watch.health, problem, !hasProblem, at)!;
  return watches.commitHealth(watch, health?.sharedAt ? toldAlone(origin, watch, health, at) : { health, event });
}

describe.each([
  ['beside other processes', false],
  ['alone', true],
] as const)('Watches.declare %s', (_, isAlone) => {
  const declare = (declared: readonly WantedWatch[], notifyExisting = false, since = at) =>
    watches.declare(declared, notifyExisting, since, isAlone);

  it('adds watches in either direction', async () => {
    await declare([alice, aliceReceived, bob]);
    const added = { isDeclared: true, notifyExisting: false, scheduledFrom: at };
    expect(await list()).toEqual([aliceReceived, alice, bob].map((watch) => ({ ...watch, ...added })));
  });

  it('changes the interval of a watch, and its start only then', async () => {
    await declare([{ ...alice, pollIntervalMs: 300_000 }]);
    await declare([{ ...alice, pollIntervalMs: 300_000 }], false, later);
    expect(await find(alice)).toMatchObject({ pollIntervalMs: 300_000, scheduledFrom: at });
    await declare([{ ...alice, pollIntervalMs: 900_000 }], false, later);
    expect(await find(alice)).toMatchObject({ pollIntervalMs: 900_000, scheduledFrom: later });
    await declare([alice], false, later);
    expect(await find(alice)).not.toHaveProperty('pollIntervalMs');
  });

  it('changes what a watch follows, and the start of its polls only then', async () => {
    const followed = { ...alice, follow: ['overdue', 'downloads'], overdueBeforeMs: 86_400_000 } as const;
    await declare([alice]);
    await declare([followed], false, later);
    const row = { follow: ['downloads', 'overdue'], overdueBeforeMs: 86_400_000, scheduledFrom: later };
    expect(await find(alice)).toMatchObject(row);
    await declare([{ ...followed, follow: ['downloads', 'overdue'] }]);
    expect(await find(alice)).toMatchObject(row);
    await declare([{ ...followed, overdueBeforeMs: undefined }]);
    expect(await find(alice)).not.toHaveProperty('overdueBeforeMs');
    await declare([alice]);
    expect(await find(alice)).toEqual({ ...alice, isDeclared: true, notifyExisting: false, scheduledFrom: at });
    await declare([followed]);
    await declare([{ ...alice, follow: ['problems'] }], false, later);
    const { overdueBeforeMs: _, ...rest } = row;
    expect(await find(alice)).toEqual({
      ...alice,
      ...rest,
      follow: ['problems'],
      isDeclared: true,
      notifyExisting: false,
    });
  });

  it('stores what a new watch follows', async () => {
    await declare([{ ...alice, follow: ['overdue'], overdueBeforeMs: 3_600_000 }]);
    expect(await find(alice)).toMatchObject({ follow: ['overdue'], overdueBeforeMs: 3_600_000 });
  });

  it('leaves a paused watch paused when its interval changes', async () => {
    await declare([alice]);
    await watches.pause(alice);
    await declare([{ ...alice, pollIntervalMs: 300_000 }]);
    expect(await find(alice)).toMatchObject({ pollIntervalMs: 300_000, isDisabled: true, isPaused: true });
  });

  it('disables a watch that it no longer declares, in its direction alone, and enables it when it does again', async () => {
    await declare([alice, aliceReceived]);
    await declare([aliceReceived]);
    expect(await polled()).toEqual(['received#alice@example.com']);
    await declare([alice, aliceReceived]);
    expect(await polled()).toEqual(['received#alice@example.com', 'sent#alice@example.com']);
  });

  it('changes no watch that an operator added, though it once declared the same in any spelling', async () => {
    const added: RegisteredWatch = { ...alice, notifyExisting: true, pollIntervalMs: 300_000, follow: ['problems'] };
    const disabled: RegisteredWatch = { ...bob, isDisabled: true };
    await store(added);
    await store(disabled);
    await declare([{ ...inCapitals, pollIntervalMs: 900_000 }, bob]);
    await declare([{ ...alice, pollIntervalMs: 900_000, follow: ['overdue'] }]);
    await declare([]);
    expect(await list()).toEqual([added, disabled]);
  });

  it('keeps a watch with its history where it spells its mailbox anew', async () => {
    await declare([alice]);
    const before = await list();
    await declare([inCapitals, { ...inCapitals, direction: 'received' }]);
    // Of both directions: their verification is one.
    expect(await list()).toEqual([{ ...before[0], direction: 'received' }, ...before]);
    await declare([{ ...inCapitals, pollIntervalMs: 900_000 }]);
    expect(await find(alice)).toEqual({ ...before[0], pollIntervalMs: 900_000 });
    await declare([]);
    expect(await polled()).toEqual([]);
    await declare([inCapitals]);
    expect(await polled()).toEqual(['sent#alice@example.com']);
    await watches.pause(alice);
    await declare([inCapitals]);
    expect(await find(alice)).toMatchObject({ isPaused: true, isDisabled: true });
  });

  it('spells a mailbox anew whose watch was removed', async () => {
    await declare([alice]);
    await watches.remove(alice, at);
    await declare([inCapitals]);
    expect(await polled()).toEqual(['sent#Alice@Example.com']);
  });

  it('keeps the health and notifyExisting of a watch', async () => {
    await declare([alice], true);
    await commit((await find(alice))!);
    const before = await find(alice);
    await declare([alice, bob]);
    expect(await find(alice)).toEqual(before);
    expect(before).toMatchObject({ notifyExisting: true, health: { failures: 1 } });
    expect(await find(bob)).toMatchObject({ notifyExisting: false });
  });
});

describe('Watches.declare', () => {
  it('stores 25 new watches in a call when no other process writes', async () => {
    const plan = new FaultPlan();
    const names = Array.from({ length: 60 }, (_, number): Watch => ({ ...alice, mailbox: `m${number}@example.com` }));
    await world.faults.run(plan, () => watches.declare(names, false, at, true));
    expect(plan.calls).toEqual(['QueryCommand', ...Array(3).fill('BatchWriteItemCommand')]);
    expect(await watches.list()).toHaveLength(60);
  });
});

describe('Watches.commitHealth', () => {
  beforeEach(() => watches.declare([alice], false, at));

  it('stores health with its event, which stays until it is published', async () => {
    for (const events of [0, 0, 1]) {
      const stored = await commit((await find(alice))!);
      expect(stored?.pending ?? []).toHaveLength(events);
      expect(await find(alice)).toEqual(stored);
    }
    const failing = (await find(alice))!;
    const recovered = (await commit(failing, false))!;
    expect(recovered.pending!.map((body) => JSON.parse(body).type)).toEqual(['watch.failing', 'watch.recovered']);
    await watches.clearPending(recovered);
    const declared = { isDeclared: true, notifyExisting: false, scheduledFrom: at, healthRev: 4 };
    expect(await find(alice)).toEqual({ ...alice, ...declared });
  });

  it('stores the result of one of two polls that overlap, and tells the other', async () => {
    for (let failures = 1; failures <= 2; failures += 1) {
      const read = (await find(alice))!;
      expect(await commit(read)).toBeDefined();
      expect(await commit(read)).toBeUndefined();
      expect(await find(alice)).toMatchObject({ health: { failures } });
    }
  });

  it('keeps an event that another poll has added since it was read', async () => {
    for (let poll = 0; poll < 3; poll += 1) await commit((await find(alice))!);
    const failing = (await find(alice))!;
    await commit(failing, false);
    await watches.clearPending(failing);
    expect((await find(alice))?.pending).toHaveLength(2);
  });
});
