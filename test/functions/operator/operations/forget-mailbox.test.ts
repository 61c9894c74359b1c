import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { putRows } from '#functions/dynamodb/batch.ts';
import type { Item } from '#functions/dynamodb/row.ts';
import { Watches } from '#functions/watches/watches.ts';
import { FaultPlan, faultKinds, someFaultsAt } from '#test/support/aws-faults.ts';
import { transfersTable } from '#test/support/operator-world.ts';
import { webhooksTable } from '#test/support/webhook-world.ts';
import {
  alice,
  eventOf,
  forget,
  naming,
  neighbours,
  restore,
  rowsOf,
  runOnce,
  size,
  startForgottenWorld,
  tickOf,
} from './forgotten-world.ts';

const world = await startForgottenWorld();
afterAll(() => world.close());

let before: Readonly<Record<'transfers' | 'webhooks', readonly Item[]>>;
beforeAll(async () => {
  before = { transfers: await rowsOf(world, 'transfers'), webhooks: await rowsOf(world, 'webhooks') };
});
beforeEach(() => restore(world, before));

const path = `/mailboxes/${encodeURIComponent(alice)}/forget`;
const all = async () => [...(await rowsOf(world, 'transfers')), ...(await rowsOf(world, 'webhooks'))];

/** Rows of the mailbox's neighbours alone: what the tests compare byte by byte. */
const ofNeighbours = (rows: readonly Item[]) =>
  rows
    .filter((row) => neighbours.some((mailbox) => JSON.stringify(row).includes(mailbox)) && naming([row]).length === 0)
    // Rows about many mailboxes change, and ticks change others.
    .filter(
      ({ pk, sk, body = '' }) => !/many_failing|WATCHES|SHARDS|VERIFICATIONS|ROOT|DIGEST/.test(`${pk} ${sk} ${body}`),
    )
    .map((row) => JSON.stringify(row, Object.keys(row).toSorted()))
    .toSorted();

describe('POST /mailboxes/{mailbox}/forget', () => {
  it('counts by kind in a dry run, and changes nothing', async () => {
    const { found, unremovable, scanned } = await runOnce(world, { dryRun: true });
    expect(found).toEqual({
      watches: 2,
      snapshots: expect.any(Number),
      transfers: 3,
      verifications: 2,
      deliveries: expect.any(Number),
      mentions: expect.any(Number),
    });
    expect(unremovable).toEqual([]);
    expect(scanned).toBe(before.transfers.length + before.webhooks.length);
    expect(await all()).toEqual([...before.transfers, ...before.webhooks]);
  });

  it('removes what is kept about the mailbox in any spelling, and nothing about its neighbours', async () => {
    expect(naming(before.transfers).length).toBeGreaterThan(10);
    expect(naming(before.webhooks).length).toBeGreaterThan(10);
    // A task may come before the deliveries that it names, so that the second run finds it without them.
    expect(await forget(world)).toBeLessThanOrEqual(3);
    const left = await all();
    expect(naming(left)).toEqual([]);
    expect(left.filter(({ sk }) => `${sk}`.startsWith('TASK#'))).toEqual([]);
    expect(ofNeighbours(left)).toEqual(ofNeighbours([...before.transfers, ...before.webhooks]));
    const { items } = (await world.ask('GET', '/watches')).body;
    expect(items.map(({ mailbox }) => mailbox).toSorted()).toEqual([...neighbours, ...neighbours].toSorted());
  });

  it('finds the mailbox by another spelling', async () => {
    for (let runs = 0; runs < 2; runs += 1) await runOnce(world, {}, 'ALICE@Example.COM');
    expect(naming(await all())).toEqual([]);
  });

  it('leaves incidents consistent: numbers as they were told, and the other examples', async () => {
    await forget(world);
    const rows = await all();
    const incident = rows.find(({ sk }) => sk === 'server#incident#outage')!;
    const message = 'the server does not know a forgotten mailbox';
    const told = { ...size, message, examples: [neighbours[0]] };
    expect(incident).toMatchObject({ rev: 4, told });
    expect(rows.find(({ sk }) => sk === 'shard#7')).toMatchObject({
      rev: 5,
      failing: { outage: { all: { ...size, examples: [neighbours[0]] } } },
    });
    const bodies = rows.flatMap(({ body }) => (body?.includes('many_failing') ? [JSON.parse(body)] : []));
    expect(bodies.find(({ data }) => data)).toMatchObject({ data: told });
    // Ticks go on with them.
    await tickOf(world);
  });

  it('takes the mailbox out of digests, and leaves its neighbours and the numbers in them', async () => {
    const isDigest = ({ sk }: Item) => `${sk}`.startsWith('DELIVERY#dig_') || sk === 'DIGEST';
    const digestsIn = (rows: readonly Item[]) => rows.filter(isDigest);
    expect(naming(digestsIn(before.webhooks)).length).toBeGreaterThan(2);
    await forget(world);
    const left = digestsIn(await rowsOf(world, 'webhooks'));
    expect(left.map(({ sk }) => sk).toSorted()).toEqual(
      digestsIn(before.webhooks)
        .map(({ sk }) => sk)
        .toSorted(),
    );
    expect(naming(left)).toEqual([]);
    const bodies = left.flatMap(({ body, open }) => ((body ?? open?.body) ? [JSON.parse(body ?? open.body)] : []));
    for (const mailbox of neighbours) expect(JSON.stringify(bodies)).toContain(`"mailbox":"${mailbox}"`);
    expect(bodies.find(({ id }) => id === 'dig_left')).toMatchObject({
      events: 2,
      counts: [{ mailbox: neighbours[1] }],
    });
  });

  it('lets no process that has read the plan of a digest before write it back', async () => {
    const { plans } = world.deps;
    const read = await plans.read('left');
    await forget(world);
    expect(
      await plans.replace('left', read, { ...read, open: undefined }, world.clock.now().getTime()),
    ).toBeUndefined();
    expect(naming(await all())).toEqual([]);
  });

  it('refuses a mailbox that the configuration file declares, until it leaves the file', async () => {
    const declared = (mailboxes: readonly string[]) =>
      new Watches({ dynamo: world.dynamo, table: transfersTable }).declare(
        mailboxes.map((mailbox) => ({ mailbox, direction: 'sent' as const })),
        false,
        world.clock.now().toISOString(),
      );
    await world.ask('DELETE', `/watches/sent/${encodeURIComponent(alice)}`);
    await declared([alice]);
    const refused = await world.ask('POST', path, { body: { dryRun: true } });
    expect(refused).toMatchObject({ status: 409, body: { detail: expect.stringContaining('take it out') } });
    expect((await world.ask('POST', path)).status).toBe(409);
    await declared([]);
    await forget(world);
    expect(naming(await all())).toEqual([]);
  });

  it('names an endpoint whose filter names the mailbox, and leaves the filter as it is', async () => {
    await world.ask('PATCH', '/endpoints/crm', { body: { mailboxes: ['Alice@example.com'] } });
    expect(await runOnce(world)).toMatchObject({ unremovable: ['endpoint crm'] });
    expect(await runOnce(world)).toMatchObject({ found: {}, unremovable: ['endpoint crm'] });
    expect((await world.ask('GET', '/endpoints/crm')).body).toMatchObject({ mailboxes: ['Alice@example.com'] });
  });

  it.each<[string, string, Item]>([
    ['a key', transfersTable, { pk: 'received#Alice@EXAMPLE.com', sk: 'ROOT' }],
    ['a key of another kind', webhooksTable, { pk: 'OTHER', sk: 'was Alice@EXAMPLE.com' }],
    ['an attribute', transfersTable, { pk: 'OTHER', sk: 'x', deep: [{ text: 'it was "ALICE@example.com".' }] }],
    [
      'an event',
      webhooksTable,
      { pk: 'EVENT#x', sk: 'EVENT#x', body: JSON.stringify(eventOf('ALICE@example.com', 'x')) },
    ],
  ])('reports and removes a left-over in %s', async (_, table, row) => {
    await forget(world);
    await putRows(world.dynamo, table, [row]);
    expect(Object.values((await runOnce(world)).found)).toEqual([1]);
    expect((await runOnce(world)).found).toEqual({});
    expect(naming(await all())).toEqual([]);
  });

  it('refuses the cursor of another list', async () => {
    for (const place of [{ of: 'other' }, { of: 'transfers', pk: 1, sk: 'x' }, { of: 'webhooks', pk: '' }]) {
      await restore(world, { transfers: [], webhooks: [] });
      const cursor = Buffer.from(JSON.stringify(place)).toString('base64url');
      expect((await world.ask('POST', path, { body: { cursor } })).status).toBe(400);
    }
  });

  it('logs no address', async () => {
    world.lines.length = 0;
    await runOnce(world);
    expect(world.lines.length).toBeGreaterThan(0);
    expect(JSON.stringify(world.lines)).not.toMatch(/alice/i);
  });
});

describe('crash of a run', () => {
  it('leaves nothing behind once the run is repeated, at whichever call and however it fails', async () => {
    const counting = new FaultPlan();
    await world.faults.run(counting, () => forget(world));
    expect(counting.calls.length).toBeGreaterThan(50);
    for (const { call, kind } of someFaultsAt(counting.calls.length, faultKinds, 3)) {
      await restore(world, before);
      await world.faults.run(new FaultPlan([[call, kind]]), () => forget(world)).catch(() => undefined);
      world.clock.advance(700_000);
      await forget(world);
      expect(naming(await all()), `${kind} at call ${call}`).toEqual([]);
    }
  }, 120_000);
});

describe('poll in progress', () => {
  it('writes no row back, at whichever call it is when the mailbox is forgotten', async () => {
    const poll = async (plan: FaultPlan) => {
      world.cryptshare.transfers.seed({ sender: alice, to: ['bob@example.org'], count: 1, state: 'ACTIVE' });
      const invoked = world.functions.get('poll')!;
      await world.faults.run(plan, () => invoked({ mailbox: alice, direction: 'sent' })).catch(() => undefined);
    };
    const counting = new FaultPlan();
    await poll(counting);
    expect(counting.calls.length).toBeGreaterThan(8);
    for (const { call, kind } of someFaultsAt(counting.calls.length, ['pause'], 2)) {
      await restore(world, before);
      const plan = new FaultPlan([[call, kind]]);
      const polling = poll(plan);
      await Promise.race([plan.reachedPause, polling]);
      let isForgotten = false;
      for (let steps = 0; steps < 6 && !isForgotten; steps += 1) {
        const { found, isWaiting } = (await world.ask('POST', path)).body;
        // The poll's lease lasts longer than these ticks.
        if (isWaiting) await tickOf(world, 1000);
        else isForgotten = Object.keys(found as object).length === 0;
      }
      plan.resume();
      await polling;
      if (!isForgotten) await forget(world);
      await tickOf(world);
      expect(naming(await all()), `call ${call}`).toEqual([]);
    }
  }, 60_000);
});

describe('attempt in flight', () => {
  it('brings no delivery back, and a run removes the record that it leaves', async () => {
    const event = eventOf(alice, 'in-flight');
    await world.fanOut(event);
    const asked = Promise.withResolvers<void>();
    const answered = Promise.withResolvers<void>();
    world.setAnswer(async () => {
      asked.resolve();
      await answered.promise;
      return { status: 500 };
    });
    const delivering = world.answerWakeUps();
    await asked.promise;
    await forget(world);
    answered.resolve();
    await delivering;
    world.clock.advance(25_000);
    await forget(world);
    expect(await world.trace(event.id)).toEqual({ deliveries: [], attempts: [] });
    // The lease forgets the attempt as well.
    for (let round = 0; round < 3; round += 1) {
      await world.sweep();
      await world.answerWakeUps();
      world.clock.advance(60_000);
    }
    expect((await runOnce(world)).found).toEqual({});
  });
});

// The last one: to take its rows away again would take long.
describe('POST /mailboxes/{mailbox}/forget over thousands of rows', () => {
  it('ends each step after 5,000 rows, and continues with the next', async () => {
    const rows = Array.from({ length: 6000 }, (_, row) => ({ pk: `FILL#${row % 7}`, sk: `${row}` }));
    await putRows(world.dynamo, webhooksTable, rows);
    const first = await world.ask('POST', path, { body: { dryRun: true } });
    expect(first.body).toMatchObject({ scanned: expect.any(Number), next: expect.any(String) });
    expect(first.body.scanned).toBeLessThanOrEqual(5000);
    expect((await runOnce(world, { dryRun: true })).scanned).toBe(
      before.transfers.length + before.webhooks.length + 6000,
    );
  });
});
