import { beforeEach, describe, expect, it } from 'vitest';
import { Watches } from '#functions/watches/watches.ts';
import { type OperatorWorld, startOperatorWorld, transfersTable } from '#test/support/operator-world.ts';

const alice = { mailbox: 'alice@example.com', direction: 'sent' } as const;
const path = '/watches/sent/alice%40example.com';
const hour = 3_600_000;
const day = 24 * hour;

let world: OperatorWorld;
beforeEach(async () => {
  world = await startOperatorWorld();
  return () => world.close();
});

const registry = () => new Watches({ dynamo: world.dynamo, table: transfersTable });
const add = (settings: object) => world.ask('POST', '/watches', { body: { ...alice, ...settings } });
const change = (body: object) => world.ask('PATCH', path, { body });

const onlyWithOverdue = { path: 'overdueBeforeMs', message: 'expected only where follow has overdue' };
const refused = (...problems: object[]) => ({ status: 400, body: { problems } });

describe('what a watch follows', () => {
  it('is nothing unless an operator says so', async () => {
    const { body } = await add({});
    expect(body).not.toHaveProperty('follow');
    expect(body).not.toHaveProperty('overdueBeforeMs');
  });

  it('is stored once and in one order with a new watch, and shown', async () => {
    const added = await add({ follow: ['problems', 'overdue'], overdueBeforeMs: 3 * day });
    expect(added).toMatchObject({ status: 201, body: { follow: ['overdue', 'problems'], overdueBeforeMs: 3 * day } });
    expect((await world.ask('GET', path)).body).toEqual(added.body);
    expect((await world.ask('GET', '/watches')).body.items).toEqual([added.body]);
  });

  it('is stored with each watch of a batch', async () => {
    const bob = { mailbox: 'bob@example.com', follow: ['downloads'] };
    await world.ask('POST', '/watches/batch', { body: { watches: [{ ...alice, follow: ['overdue'] }, bob] } });
    const follows = (await registry().list()).map(({ mailbox, follow }) => [mailbox, follow]);
    expect(follows.toSorted()).toEqual([
      ['alice@example.com', ['overdue']],
      ['bob@example.com', ['downloads']],
    ]);
  });

  it('changes while the other settings stay, and null makes it nothing', async () => {
    await add({ pollIntervalMs: 300_000, follow: ['downloads'] });
    world.clock.advance(60_000);
    expect((await change({ follow: ['overdue'] })).body).toMatchObject({
      pollIntervalMs: 300_000,
      follow: ['overdue'],
    });
    expect((await change({ overdueBeforeMs: hour })).body).toMatchObject({
      follow: ['overdue'],
      overdueBeforeMs: hour,
    });
    expect((await change({ pollIntervalMs: null })).body).toMatchObject({ follow: ['overdue'], overdueBeforeMs: hour });
    expect((await change({ overdueBeforeMs: null })).body).not.toHaveProperty('overdueBeforeMs');
    await change({ follow: null });
    expect(await registry().list()).toEqual([{ ...alice, scheduledFrom: world.clock.now().toISOString() }]);
  });

  it('takes the time of overdue transfers with it when they are no longer followed', async () => {
    await add({ follow: ['overdue', 'problems'], overdueBeforeMs: hour });
    await change({ follow: ['problems'] });
    await change({ follow: ['problems', 'overdue'] });
    expect((await registry().list())[0]).not.toHaveProperty('overdueBeforeMs');
  });

  it.each<[settings: object, path: string, message: string]>([
    [{ follow: [] }, 'follow', 'expected at least one'],
    [{ follow: ['downloads', 'downloads'] }, 'follow', 'expected each once'],
    [{ follow: ['uploads'] }, 'follow.0', 'expected downloads, overdue, problems'],
    ...[hour - 1, 30 * day + 1, 1.5 * hour + 0.5, '2d'].map((overdueBeforeMs): [object, string, string] => [
      { follow: ['overdue'], overdueBeforeMs },
      'overdueBeforeMs',
      'expected milliseconds from 3600000, an hour, to 2592000000, 30 days',
    ]),
  ])('refuses %j in a new watch and a change', async (settings, field, message) => {
    const refusal = refused({ path: field, message });
    expect(await add(settings)).toMatchObject(refusal);
    await add({});
    expect(await change(settings)).toMatchObject(refusal);
  });

  it('refuses a time of overdue transfers that are not followed, wherever it is given', async () => {
    expect(await add({ follow: ['downloads'], overdueBeforeMs: day })).toMatchObject(refused(onlyWithOverdue));
    const watches = [alice, { mailbox: 'bob@example.com', overdueBeforeMs: day }];
    const batch = await world.ask('POST', '/watches/batch', { body: { watches } });
    expect(batch).toMatchObject(refused({ ...onlyWithOverdue, path: 'watches.1.overdueBeforeMs' }));
    await add({});
    expect(await change({ overdueBeforeMs: day })).toMatchObject(refused(onlyWithOverdue));
    await change({ follow: ['overdue'] });
    expect(await change({ follow: ['problems'], overdueBeforeMs: day })).toMatchObject(refused(onlyWithOverdue));
    expect(await change({ follow: null, overdueBeforeMs: day })).toMatchObject(refused(onlyWithOverdue));
    expect((await world.ask('GET', path)).body).toMatchObject({ follow: ['overdue'] });
  });

  it('stays ended when another operator changes the time of overdue transfers at the same time', async () => {
    await add({ follow: ['downloads', 'overdue'] });
    const read = (await registry().find(alice))!;
    await change({ follow: null });
    await registry().configure(read, { overdueBeforeMs: 2 * hour }, new Date().toISOString());
    const { body } = await world.ask('GET', path);
    expect(body).not.toHaveProperty('follow');
    expect(body).not.toHaveProperty('overdueBeforeMs');
  });
});
