import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { transferEvent } from '#functions/events/transfer-event.ts';
import { transferKey } from '#functions/snapshot/snapshot-rows.ts';
import { declareEndpoints } from '#functions/webhooks/endpoints/declared.ts';
import type { Answers } from '#infra/api/answers.ts';
import { UnitsMeter } from '#test/bench/units/units-meter.ts';
import { mailReader } from '#test/functions/webhooks/digests/told-once.ts';
import { type OperatorWorld, startOperatorWorld, transfersTable } from '#test/support/operator-world.ts';

type Explanation = Answers['explainTransfer'];

let world: OperatorWorld;
let meter: UnitsMeter;
beforeEach(async () => {
  world = await startOperatorWorld();
  meter = new UnitsMeter(world.dynamo, world.dynamo);
  return () => world.close();
});

const alice = { mailbox: 'alice@example.com', direction: 'sent' } as const;

function eventOf(sequence: number, watch: typeof alice | { mailbox: string; direction: 'received' } = alice) {
  const change = { trackingId: 'one', state: 'ACTIVE', previousState: sequence === 1 ? null : 'ACTIVE', sequence };
  const at = new Date(world.clock.now().getTime() + 1000 * sequence).toISOString();
  return transferEvent('https://cryptshare.example.com', watch, change, at);
}

async function explain(query: Record<string, string> = {}) {
  let told: Explanation | undefined;
  const { read } = await meter.of(async () => {
    const { status, body } = await world.ask('GET', '/transfers/one/explanation', { query });
    expect(status).toBe(200);
    told = body as unknown as Explanation;
  });
  return { told: told!, read };
}

const verdictsOf = ({ subscribers }: Explanation) =>
  new Map(subscribers.flatMap(({ name, verdicts }) => verdicts.map((one) => [`${name} ${one.event}`, one] as const)));

/** Endpoints that answer as `answer` says, and a row of the snapshot, with `events` fanned out to all of them. */
async function livedThrough(events: number, endpoints: number, answer: 'taken' | 'failing' | 'unanswered') {
  const names = Array.from({ length: endpoints }, (_, index) => `endpoint-${String(index).padStart(2, '0')}`);
  for (const name of names) await world.ask('POST', '/endpoints', { body: { name, url: world.urlOf(name) } });
  await declareEndpoints(world.deps, [mailReader('team')]);
  world.setAnswer(() => (answer === 'failing' ? { status: 500, body: 'no '.repeat(500) } : { status: 204 }));
  for (let sequence = 1; sequence <= events; sequence += 1) await world.fanOut(eventOf(sequence));
  if (answer !== 'unanswered') await world.answerWakeUps();
  const row = { pk: 'sent#alice@example.com', sk: transferKey('one'), state: 'ACTIVE', sequence: events, rev: 9 };
  const seen = { ...row, firstSeenAt: '2026-11-24T00:00:00.000Z', observedAt: '2026-11-24T00:00:00.000Z' };
  await world.dynamo.send(new PutItemCommand({ TableName: transfersTable, Item: marshall(seen) }));
}

describe('an explanation for at most five read units', () => {
  it.each([
    [2, 1, 'taken'],
    [4, 3, 'failing'],
    [4, 3, 'unanswered'],
    [2, 25, 'taken'],
    [2, 25, 'failing'],
    [20, 1, 'failing'],
    [12, 12, 'unanswered'],
    [12, 12, 'failing'],
  ] as const)(
    'says of %i events and %i endpoints (%s) what a whole one says, or that it does not know',
    async (events, endpoints, answer) => {
      await livedThrough(events, endpoints, answer);
      const part = await explain();
      const whole = await explain({ all: 'true' });
      expect(part.read).toBeLessThanOrEqual(5);
      expect(whole.told).not.toHaveProperty('hasMore');
      const known = verdictsOf(whole.told);
      expect(known.size).toBe(events * (endpoints + 1));
      let unknown = 0;
      for (const [of, verdict] of verdictsOf(part.told)) {
        if (verdict.verdict === 'unknown') unknown += 1;
        else expect(verdict, of).toEqual(known.get(of));
      }
      expect(part.told.finding).toBe('told');
      const isWhole = unknown === 0 && verdictsOf(part.told).size === known.size;
      expect(part.told.hasMore ?? false).toBe(part.read < whole.read || !isWhole);
      if (endpoints < 20) expect(verdictsOf(part.told).size - unknown).toBeGreaterThan(0);
    },
  );

  it.each([
    [6, 12],
    [12, 12],
    [16, 12],
    [6, 20],
  ])(
    'costs no more where %i events without an endpoint come first, whose rows are short',
    async (unwanted, endpoints) => {
      for (let count = 1; count <= unwanted; count += 1) await world.fanOut(eventOf(12 + count));
      await livedThrough(12, endpoints, 'failing');
      const { told, read } = await explain();
      expect(read).toBeLessThanOrEqual(5);
      expect(told).toMatchObject({ finding: 'told', hasMore: true });
    },
  );

  it('tells all of a usual transfer, also while its receivers fail', async () => {
    await livedThrough(4, 3, 'unanswered');
    world.setAnswer(() => ({ status: 500, body: 'the database is down' }));
    await world.answerWakeUps();
    const { told } = await explain();
    expect(told).not.toHaveProperty('hasMore');
    expect(told.subscribers).toHaveLength(4);
  });

  it('costs no more for a transfer without an event, which is looked up in watches, beside many endpoints', async () => {
    await livedThrough(0, 20, 'taken');
    const watches = Array.from({ length: 5 }, (_, index) => ({ mailbox: `user-${index}@example.com` }));
    await world.ask('POST', '/watches/batch', { body: { watches } });
    const { told, read } = await explain();
    expect(told).toMatchObject({ looked: { isMore: true }, hasMore: true });
    expect(read).toBeLessThanOrEqual(5);
  });

  it('takes no unread event for one that is not published or not handed out', async () => {
    await livedThrough(12, 12, 'taken');
    const events = Array.from({ length: 12 }, (_, index) => JSON.stringify(eventOf(index + 1)));
    const row = { pk: 'sent#alice@example.com', sk: transferKey('one'), state: 'ACTIVE', sequence: 12, rev: 10 };
    const times = { firstSeenAt: '2026-11-24T00:00:00.000Z', observedAt: '2026-11-24T00:00:00.000Z' };
    const claimed = marshall({ ...row, ...times, pending: events });
    await world.dynamo.send(new PutItemCommand({ TableName: transfersTable, Item: claimed }));
    const { told } = await explain();
    const verdicts = [...verdictsOf(told).values()].map(({ verdict }) => verdict);
    expect(verdicts).toHaveLength(12 * 13);
    expect(new Set(verdicts)).toEqual(new Set(['delivered', 'waits_for_digest', 'unknown']));
  });

  it('finds the events of a mailbox that it did not read, and does not call its subscribers strangers', async () => {
    await livedThrough(12, 12, 'taken');
    const asked = { mailbox: 'dora@example.com', subscriber: 'stranger' };
    expect((await explain(asked)).told).toMatchObject({ finding: 'told', hasMore: true, subscribers: [] });
    const { status } = await world.ask('GET', '/transfers/one/explanation', { query: { ...asked, all: 'true' } });
    expect(status).toBe(404);
  });
});
