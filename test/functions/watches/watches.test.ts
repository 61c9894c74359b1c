import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import { type Watch, watchKey } from '#functions/transfers/transfer.ts';
import { registryKey } from '#functions/watches/places.ts';
import type { RegisteredWatch } from '#functions/watches/polled-watches.ts';
import { nextHealth, toldAlone } from '#functions/watches/watch-health.ts';
import { type WantedWatch, Watches } from '#functions/watches/watches.ts';
import { createTransfersTable } from '#infra/local/services/embedded-services.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import { startWorld, type World } from '#test/support/poll-world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

let tables = 0;
let table: string;
let watches: Watches;
beforeEach(async () => {
  tables += 1;
  table = `watches-${tables}`;
  await createTransfersTable(world.deps.dynamo, table);
  watches = new Watches(world.deps.dynamo, table);
});

const at = '2026-11-24T00:00:00.000Z';

const sentBy = (name: string): Watch => ({ mailbox: `${name}@example.com`, direction: 'sent' });
const receivedBy = (name: string): Watch => ({ mailbox: `${name}@example.com`, direction: 'received' });
const list = async () => (await watches.list()).toSorted((a, b) => (watchKey(a) < watchKey(b) ? -1 : 1));
const polled = async () => (await list()).filter((watch) => !watch.isDisabled).map(watchKey);
const find = async (watch: Watch) => (await watches.list()).find((other) => watchKey(other) === watchKey(watch));

/** Writes the row of a watch as the operator's tool would. */
const addByOperator = (watch: RegisteredWatch) =>
  world.deps.dynamo.send(
    new PutItemCommand({ TableName: table, Item: marshall({ pk: 'WATCHES', sk: registryKey(watch), ...watch }) }),
  );

describe.each([
  ['beside others', false],
  ['alone', true],
] as const)('the configuration file, declared %s,', (_, isAlone) => {
  const declare = (declared: readonly WantedWatch[], notifyExisting: boolean, since: string) =>
    watches.declare(declared, notifyExisting, since, isAlone);

  it('changes the interval of a watch with what it says, and only then', async () => {
    const later = '2026-11-25T00:00:00.000Z';
    await declare([{ ...sentBy('alice'), pollIntervalMs: 300_000 }], false, at);
    expect(await find(sentBy('alice'))).toMatchObject({ pollIntervalMs: 300_000, scheduledFrom: at });
    await declare([{ ...sentBy('alice'), pollIntervalMs: 300_000 }], false, later);
    expect(await find(sentBy('alice'))).toMatchObject({ pollIntervalMs: 300_000, scheduledFrom: at });
    await declare([{ ...sentBy('alice'), pollIntervalMs: 900_000 }], false, later);
    expect(await find(sentBy('alice'))).toMatchObject({ pollIntervalMs: 900_000, scheduledFrom: later });
    await declare([sentBy('alice')], false, later);
    expect(await find(sentBy('alice'))).not.toHaveProperty('pollIntervalMs');
  });

  it('changes the interval of a paused watch, and leaves it paused', async () => {
    await declare([sentBy('alice')], false, at);
    await watches.pause(sentBy('alice'));
    await declare([{ ...sentBy('alice'), pollIntervalMs: 300_000 }], false, at);
    expect(await find(sentBy('alice'))).toMatchObject({ pollIntervalMs: 300_000, isDisabled: true, isPaused: true });
  });

  it('leaves the interval of a watch that an operator added as it is', async () => {
    await watches.addAll([{ ...sentBy('alice'), pollIntervalMs: 300_000 }], false, at);
    await declare([{ ...sentBy('alice'), pollIntervalMs: 900_000 }], false, at);
    expect(await find(sentBy('alice'))).toMatchObject({ pollIntervalMs: 300_000 });
  });

  const inCapitals: Watch = { mailbox: 'Alice@Example.com', direction: 'sent' };

  it('adds no second watch of a mailbox that an operator has added in another spelling', async () => {
    await watches.addAll([sentBy('alice')], false, at);
    await declare([{ ...inCapitals, pollIntervalMs: 900_000 }], false, at);
    await declare([], false, at);
    expect(await list()).toEqual([{ ...sentBy('alice'), scheduledFrom: at }]);
  });

  it('lets a watch go on, with its history, where it spells its mailbox anew', async () => {
    await declare([sentBy('alice')], false, at);
    const before = await list();
    await declare([inCapitals, { ...inCapitals, direction: 'received' }], false, at);
    // Of both directions: their verification is one.
    expect(await list()).toEqual([{ ...before[0], direction: 'received' }, ...before]);
    await declare([{ ...inCapitals, pollIntervalMs: 900_000 }], false, at);
    expect(await find(sentBy('alice'))).toEqual({ ...before[0], pollIntervalMs: 900_000 });
    await declare([], false, at);
    expect(await polled()).toEqual([]);
  });

  it('leaves a watch paused whose mailbox it spells anew', async () => {
    await declare([sentBy('alice')], false, at);
    await watches.pause(sentBy('alice'));
    await declare([inCapitals], false, at);
    expect(await list()).toMatchObject([{ ...sentBy('alice'), isPaused: true, isDisabled: true }]);
  });

  it('takes up a watch again that it declared in another spelling', async () => {
    await declare([sentBy('alice')], false, at);
    await declare([], false, at);
    await declare([inCapitals], false, at);
    expect(await polled()).toEqual(['sent#alice@example.com']);
    expect(await list()).toHaveLength(1);
  });

  it('spells a mailbox anew whose watch was removed', async () => {
    await declare([sentBy('alice')], false, at);
    await watches.remove(sentBy('alice'), at);
    await declare([inCapitals], false, at);
    expect(await polled()).toEqual(['sent#Alice@Example.com']);
  });

  it('adds the watches it declares, in either direction', async () => {
    await declare([sentBy('alice'), receivedBy('alice'), sentBy('bob')], false, at);
    expect(await list()).toEqual([
      { ...receivedBy('alice'), isDeclared: true, notifyExisting: false, scheduledFrom: at },
      { ...sentBy('alice'), isDeclared: true, notifyExisting: false, scheduledFrom: at },
      { ...sentBy('bob'), isDeclared: true, notifyExisting: false, scheduledFrom: at },
    ]);
  });

  it('disables a watch that it no longer declares, and enables it when it does again', async () => {
    await declare([sentBy('alice'), sentBy('bob')], false, at);
    await declare([sentBy('bob')], false, at);
    expect(await polled()).toEqual(['sent#bob@example.com']);
    await declare([sentBy('alice'), sentBy('bob')], false, at);
    expect(await polled()).toEqual(['sent#alice@example.com', 'sent#bob@example.com']);
  });

  it('leaves alone what an operator added, even if it once declared the same', async () => {
    await addByOperator(sentBy('carol'));
    await declare([sentBy('carol')], false, at);
    await declare([], false, at);
    expect(await find(sentBy('carol'))).toEqual(sentBy('carol'));
  });

  it('does not mistake one direction for the other', async () => {
    await declare([sentBy('alice'), receivedBy('alice')], false, at);
    await declare([receivedBy('alice')], false, at);
    expect(await polled()).toEqual(['received#alice@example.com']);
  });

  it('leaves alone what operators added, enabled or not', async () => {
    const added: RegisteredWatch = { ...sentBy('added'), notifyExisting: true };
    const paused: RegisteredWatch = { ...sentBy('paused'), isDisabled: true };
    await addByOperator(added);
    await addByOperator(paused);
    await declare([sentBy('alice')], false, at);
    await declare([], false, at);
    expect(await find(added)).toEqual(added);
    expect(await find(paused)).toEqual(paused);
    expect(await polled()).toEqual(['sent#added@example.com']);
  });

  it('lets a watch keep how it began when it is declared once more', async () => {
    await declare([sentBy('alice')], true, at);
    await declare([sentBy('alice'), sentBy('bob')], false, at);
    expect(await find(sentBy('alice'))).toMatchObject({ notifyExisting: true });
    expect(await find(sentBy('bob'))).toMatchObject({ notifyExisting: false });
  });

  it('lets a watch keep its health', async () => {
    await declare([sentBy('alice')], false, at);
    await commit((await find(sentBy('alice')))!);
    const before = await find(sentBy('alice'));
    await declare([sentBy('alice')], false, at);
    expect(await find(sentBy('alice'))).toEqual(before);
  });
});

test('a process that is alone with its registry writes 25 new watches in a call', async () => {
  const plan = new FaultPlan();
  const names = Array.from({ length: 60 }, (_, number) => sentBy(`m${number}`));
  await world.faults.run(plan, () => watches.declare(names, false, at, true));
  expect(plan.calls).toEqual(['QueryCommand', ...Array(3).fill('BatchWriteItemCommand')]);
  expect(await watches.list()).toHaveLength(60);
});

describe('the health of a watch', () => {
  it('is written down with the event it is worth, which stays until it is published', async () => {
    await watches.declare([sentBy('alice')], false, at);
    for (const expected of [0, 0, 1]) {
      const written = await commit((await find(sentBy('alice')))!);
      expect(written?.pending ?? []).toHaveLength(expected);
      expect(await find(sentBy('alice'))).toEqual(written);
    }
    const failing = (await find(sentBy('alice')))!;
    expect(JSON.parse(failing.pending![0]!)).toMatchObject({ type: 'watch.failing' });

    const recovered = (await commit(failing, false))!;
    expect(recovered.pending!.map((body) => JSON.parse(body).type)).toEqual(['watch.failing', 'watch.recovered']);
    await watches.clearPending(recovered);
    expect(await find(sentBy('alice'))).toEqual({
      ...sentBy('alice'),
      ...{ isDeclared: true, notifyExisting: false, scheduledFrom: at, healthRev: 4 },
    });
  });

  it('is written by one of two polls that overlap, and the other one learns of it', async () => {
    await watches.declare([sentBy('alice')], false, at);
    const read = (await find(sentBy('alice')))!;
    expect(await commit(read)).toBeDefined();
    expect(await commit(read)).toBeUndefined();
    const newer = (await find(sentBy('alice')))!;
    expect(await commit(newer)).toBeDefined();
    expect(await commit(newer)).toBeUndefined();
    expect(await find(sentBy('alice'))).toMatchObject({ health: { failures: 2 } });
  });

  it('keeps an event that another poll has added since', async () => {
    await watches.declare([sentBy('alice')], false, at);
    for (let poll = 0; poll < 3; poll += 1) await commit((await find(sentBy('alice')))!);
    const failing = (await find(sentBy('alice')))!;
    await commit(failing, false);
    await watches.clearPending(failing);
    expect((await find(sentBy('alice')))?.pending).toHaveLength(2);
  });
});

/** Writes down what a poll makes of a watch. */
function commit(watch: RegisteredWatch, hasProblem = true) {
  const problem = hasProblem ? { cause: 'timeout', message: 'no answer' } : undefined;
  const origin = 'https://cryptshare.example.com';
  const now = '2026-11-24T00:00:00.000Z';
  const { health, event } = nextHealth(origin, watch, watch.health, problem, !hasProblem, now)!;
  return watches.commitHealth(watch, health?.sharedAt ? toldAlone(origin, watch, health, now) : { health, event });
}
