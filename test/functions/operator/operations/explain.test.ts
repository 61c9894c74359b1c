import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { Partition } from '#functions/dynamodb/partition.ts';
import { type TransferEvent, transferEvent } from '#functions/events/transfer-event.ts';
import { transferKey } from '#functions/snapshot/snapshot-rows.ts';
import { declareEndpoints } from '#functions/webhooks/endpoints/declared.ts';
import type { Answers } from '#infra/api/answers.ts';
import { UnitsMeter } from '#test/bench/units/units-meter.ts';
import { mailReader } from '#test/functions/webhooks/digests/told-once.ts';
import { type OperatorWorld, startOperatorWorld, transfersTable } from '#test/support/operator-world.ts';
import { clientId } from '#test/support/poll-world.ts';
import { exampleEvents } from '#test/support/webhook-world.ts';

type Explanation = Answers['explainTransfer'];

let world: OperatorWorld;
beforeEach(async () => {
  world = await startOperatorWorld();
  world.cryptshare.verifications.registerClientId(clientId);
  return () => world.close();
});

const alice = 'alice@example.com';

async function explain(trackingId: string, query: Record<string, string> = {}): Promise<Explanation> {
  const { status, body } = await world.ask('GET', `/transfers/${encodeURIComponent(trackingId)}/explanation`, {
    query,
  });
  expect(status).toBe(200);
  return body as unknown as Explanation;
}

const addEndpoint = (name: string, settings: object = {}) =>
  world.ask('POST', '/endpoints', { body: { name, url: world.urlOf(name), ...settings } });

/** An event of the transfer `one`, some seconds after the others. */
function eventOf(state: string, sequence: number, mailbox = alice): TransferEvent {
  const at = new Date(world.clock.now().getTime()).toISOString();
  const change = { trackingId: 'one', state, previousState: sequence === 1 ? null : 'ACTIVE', sequence };
  return transferEvent('https://cryptshare.example.com', { mailbox, direction: 'sent' }, change, at);
}

/** Verdicts in words such as `crm transfer.failed delivered`. */
const wordsOf = ({ subscribers }: Explanation): string[] =>
  subscribers.flatMap(({ name, verdicts }) => verdicts.map(({ type, verdict }) => `${name} ${type} ${verdict}`));

const kindsOf = ({ timeline }: Explanation): string[] => timeline.map(({ kind }) => kind);

describe('GET /transfers/{trackingId}/explanation', () => {
  it('tells the life of a transfer, and what came of each event for each subscriber', async () => {
    await addEndpoint('archive', { types: ['transfer.failed'] });
    await addEndpoint('crm');
    await declareEndpoints(world.deps, [mailReader('team')]);
    const begin = eventOf('ACTIVE', 1);
    await world.fanOut(begin);
    await world.answerWakeUps();
    world.clock.advance(60_000);
    await world.sweep();
    await world.answerWakeUps();
    world.clock.advance(1000);
    world.setAnswer(({ path }) => ({ status: path === '/crm' ? 500 : 204 }));
    const end = eventOf('FAILED', 2);
    await world.fanOut(end);
    await world.answerWakeUps();
    const told = await explain('one');
    expect(told).toMatchObject({ trackingId: 'one', finding: 'told', seen: [] });
    expect(told).not.toHaveProperty('looked');
    expect(told).not.toHaveProperty('hasMore');
    expect(told.subscribers.map(({ name, isReader, status }) => `${name} ${isReader} ${status}`)).toEqual([
      'archive false active',
      'crm false active',
      'team true active',
    ]);
    expect(wordsOf(told)).toEqual([
      'archive transfer.active not_wanted_type',
      'archive transfer.failed delivered',
      'crm transfer.active delivered',
      'crm transfer.failed waits_for_retry',
      'team transfer.active in_digest',
      'team transfer.failed waits_for_digest',
    ]);
    const [digest] = world.mails.map(({ id }) => id);
    expect(told.subscribers[2]!.verdicts[0]).toMatchObject({ event: begin.id, digest, attempts: 1 });
    expect(kindsOf(told)).toEqual([
      ...['event', 'fanned_out', 'attempt', 'delivered', 'digest', 'attempt', 'delivered'],
      ...['event', 'fanned_out', 'attempt', 'attempt', 'delivered'],
    ]);
    expect(told.timeline.find(({ status }) => status === 500)).toMatchObject({ kind: 'attempt', endpoint: 'crm' });
  });

  it('says when the next attempt is, and all attempts before', async () => {
    await addEndpoint('crm');
    world.setAnswer(() => ({ status: 500 }));
    const event = eventOf('FAILED', 1);
    await world.fanOut(event);
    await world.answerWakeUps();
    for (let attempt = 2; attempt <= 3; attempt += 1) {
      world.clock.advance(3_600_000);
      await world.sweep();
      await world.answerWakeUps();
    }
    const told = await explain('one');
    const { nextAttemptAt } = (await world.ask('GET', `/deliveries/${event.id}/crm`)).body;
    expect(told.subscribers[0]!.verdicts).toMatchObject([{ verdict: 'waits_for_retry', attempts: 3, nextAttemptAt }]);
    expect(told.timeline.flatMap(({ attempt = [] }) => attempt)).toEqual([1, 2, 3]);
  });

  it('tells of what is held, and of what a removed subscriber has not got', async () => {
    for (const name of ['crm', 'erp']) await addEndpoint(name);
    for (const name of ['crm', 'erp']) await world.ask('POST', `/endpoints/${name}/pause`);
    await world.fanOut(eventOf('FAILED', 1));
    expect(wordsOf(await explain('one'))).toEqual([
      'crm transfer.failed held_paused',
      'erp transfer.failed held_paused',
    ]);
    await world.answerWakeUps();
    await world.ask('DELETE', '/endpoints/erp');
    const told = await explain('one');
    expect(wordsOf(told)).toEqual(['crm transfer.failed held_paused', 'erp transfer.failed endpoint_removed']);
    expect(told.subscribers[1]).toMatchObject({ name: 'erp', status: 'removed' });
    expect(told.subscribers[1]).not.toHaveProperty('isReader');
  });

  it('tells that an earlier subscriber of the same name got an event, and the present one did not', async () => {
    await addEndpoint('crm');
    await world.fanOut(eventOf('FAILED', 1));
    await world.answerWakeUps();
    const of = async () => (await explain('one')).subscribers[0]!.verdicts[0];
    expect(await of()).not.toHaveProperty('reason');
    await world.ask('DELETE', '/endpoints/crm');
    world.clock.advance(1000);
    await addEndpoint('crm');
    expect(await of()).toMatchObject({ verdict: 'delivered', reason: 'earlier_subscriber' });
  });

  it('tells of an attempt in flight', async () => {
    await addEndpoint('crm');
    let during: Explanation | undefined;
    world.setAnswer(async () => {
      during = await explain('one');
      return { status: 204 };
    });
    await world.fanOut(eventOf('FAILED', 1));
    await world.answerWakeUps();
    expect(wordsOf(during!)).toEqual(['crm transfer.failed in_flight']);
    expect(wordsOf(await explain('one'))).toEqual(['crm transfer.failed delivered']);
  });

  it('tells that an event was there before its subscriber, whose row would have the event otherwise', async () => {
    await world.fanOut(eventOf('FAILED', 1));
    world.clock.advance(1000);
    await addEndpoint('crm');
    const told = await explain('one');
    expect(wordsOf(told)).toEqual(['crm transfer.failed before_endpoint']);
    expect(kindsOf(told)).toEqual(['event', 'fanned_out']);
  });

  it('asks about one subscriber, and answers 404 for one that never was', async () => {
    for (const name of ['crm', 'erp']) await addEndpoint(name);
    world.setAnswer(({ path }) => ({ status: path === '/crm' ? 500 : 204 }));
    await world.fanOut(eventOf('FAILED', 1));
    await world.answerWakeUps();
    // The first attempt at crm has a row of its own from now on.
    world.clock.advance(3_600_000);
    await world.sweep();
    await world.answerWakeUps();
    const told = await explain('one', { subscriber: 'erp' });
    expect(wordsOf(told)).toEqual(['erp transfer.failed delivered']);
    expect(told.timeline.flatMap(({ endpoint = [] }) => endpoint)).toEqual(['erp', 'erp']);
    await world.ask('DELETE', '/endpoints/erp');
    expect(wordsOf(await explain('one', { subscriber: 'erp' }))).toEqual(['erp transfer.failed delivered']);
    const path = '/transfers/one/explanation';
    expect(await world.ask('GET', path, { query: { subscriber: 'stranger' } })).toMatchObject({
      status: 404,
      body: { detail: 'there is no endpoint or reader stranger' },
    });
  });

  it('asks about the watches of one mailbox, in any spelling, or of one direction', async () => {
    await addEndpoint('crm');
    await world.fanOut(eventOf('ACTIVE', 1), eventOf('FAILED', 1, 'bob@example.com'));
    expect(wordsOf(await explain('one'))).toHaveLength(2);
    expect(wordsOf(await explain('one', { mailbox: 'Bob@Example.com' }))).toHaveLength(1);
    expect(wordsOf(await explain('one', { direction: 'sent' }))).toHaveLength(2);
    expect(await explain('one', { direction: 'received' })).toMatchObject({ finding: 'not_watched', timeline: [] });
  });

  it('answers 500 for a subscriber whose row is damaged, by the key of that row, and not as if there were none', async () => {
    await addEndpoint('crm');
    await world.fanOut(eventOf('FAILED', 1));
    const damaged = { pk: 'ENDPOINTS', sk: 'erp', name: 'erp' };
    await world.dynamo.send(new PutItemCommand({ TableName: 'webhooks', Item: marshall(damaged) }));
    expect(await world.ask('GET', '/transfers/one/explanation')).toMatchObject({
      status: 500,
      body: { detail: expect.stringMatching(/^the row ENDPOINTS erp is not as expected/) },
    });
    expect(wordsOf(await explain('one', { subscriber: 'crm' }))).toHaveLength(1);
  });

  it('mixes in no other transfer whose events share the partition', async () => {
    await addEndpoint('crm');
    await world.fanOut(eventOf('FAILED', 1));
    const { pk, sk, ...row } = (await world.dump()).find(({ sk: key }) => key.startsWith('DELIVERY#'))!;
    const stranger = { ...row, pk, sk: sk.replace('#crm', 'x#crm'), body: row.body.replace('"one"', '"two"') };
    await world.dynamo.send(new PutItemCommand({ TableName: 'webhooks', Item: marshall(stranger) }));
    expect(wordsOf(await explain('one'))).toEqual(['crm transfer.failed waits_for_first_attempt']);
  });
});

describe('GET /transfers/{trackingId}/explanation for a transfer without an event', () => {
  const poll = () => world.ask('POST', `/watches/sent/${encodeURIComponent(alice)}/poll`);
  const seed = () =>
    world.cryptshare.transfers.seed({ sender: alice, to: ['bob@example.com'], count: 1, state: 'ACTIVE' })[0]!
      .trackingId;

  it('says that none is watched, that none was listed yet, and that none has it', async () => {
    expect(await explain('one')).toMatchObject({ finding: 'not_watched', looked: { watches: 0 } });
    await world.ask('POST', '/watches', { body: { mailbox: alice } });
    expect(await explain('one')).toMatchObject({ finding: 'not_listed_yet', looked: { watches: 1, unfinished: 1 } });
    expect(await explain('one', { mailbox: 'bob@example.com' })).toMatchObject({ finding: 'not_watched' });
    expect(await explain('one', { mailbox: alice, direction: 'received' })).toMatchObject({ finding: 'not_watched' });
    await poll();
    const unknown = { watches: 1, unfinished: 0, failing: 0, disabled: 0, isMore: false };
    for (const query of [{}, { mailbox: 'ALICE@example.com' }]) {
      const told = await explain('one', query);
      expect(told).toEqual({
        ...{ trackingId: 'one', finding: 'unknown', looked: unknown, seen: [], timeline: [], subscribers: [] },
      });
    }
  });

  it('says that the baseline stored it in silence', async () => {
    const trackingId = seed();
    await world.ask('POST', '/watches', { body: { mailbox: alice } });
    await poll();
    await addEndpoint('crm');
    const told = await explain(trackingId);
    expect(told).toMatchObject({
      finding: 'baseline',
      seen: [{ trackingId, mailbox: alice, direction: 'sent', state: 'ACTIVE', isListed: true }],
      timeline: [{ kind: 'seen', mailbox: alice, direction: 'sent' }],
      subscribers: [{ name: 'crm', verdicts: [] }],
    });
  });

  it('tells of events from their row, from the queue and until they are deleted', async () => {
    const trackingId = seed();
    await world.ask('POST', '/watches', { body: { mailbox: alice, notifyExisting: true } });
    await addEndpoint('crm');
    await poll();
    const [row] = await rowsOfTransfer(trackingId);
    expect(await explain(trackingId)).toMatchObject({ finding: 'not_fanned_out_yet', subscribers: [{ verdicts: [] }] });
    // As a poll leaves it that dies before it has published the event.
    const event = transferEvent(
      world.cryptshare.url,
      { mailbox: alice, direction: 'sent' },
      { trackingId, state: 'ACTIVE', previousState: null, sequence: 1 },
      row!.observedAt,
    );
    const pending = { ...row, pending: [JSON.stringify(event)] };
    await world.dynamo.send(new PutItemCommand({ TableName: transfersTable, Item: marshall(pending) }));
    const unpublished = await explain(trackingId);
    expect(unpublished).toMatchObject({ finding: 'not_published_yet', looked: { watches: 1 } });
    expect(wordsOf(unpublished)).toEqual(['crm transfer.active not_fanned_out_yet']);
    expect(unpublished.subscribers[0]!.verdicts[0]!.proof).toEqual({ row: `${row!.pk} ${row!.sk}` });
    // The row keeps the event until the poll has heard that it is published.
    await world.fanOut(event);
    const both = await explain(trackingId);
    expect(both).toMatchObject({ finding: 'told', seen: [{ mailbox: alice }] });
    expect(wordsOf(both)).toEqual(['crm transfer.active waits_for_first_attempt']);
  });

  it('finds events expired once they are older than they are kept', async () => {
    const trackingId = seed();
    await world.ask('POST', '/watches', { body: { mailbox: alice, notifyExisting: true } });
    await poll();
    world.clock.advance(world.deps.deliveries.keptForMs + 1);
    expect((await explain(trackingId)).finding).toBe('expired');
  });

  it('counts the watches that fail or are paused, and looks up in removed ones, without counting them', async () => {
    const trackingId = seed();
    await world.ask('POST', '/watches', { body: { mailbox: alice } });
    await poll();
    await world.ask('POST', '/watches', { body: { mailbox: 'carol@example.com' } });
    await world.ask('POST', '/watches/sent/carol%40example.com/pause');
    const counts = { watches: 2, disabled: 1, unfinished: 1, failing: 0 };
    expect(await explain('another')).toMatchObject({ finding: 'not_listed_yet', looked: counts });
    await world.ask('DELETE', '/watches/sent/carol%40example.com');
    expect(await explain('another')).toMatchObject({ finding: 'unknown', looked: { watches: 1, unfinished: 0 } });
    await world.ask('DELETE', `/watches/sent/${encodeURIComponent(alice)}`);
    expect(await explain(trackingId)).toMatchObject({ finding: 'baseline', looked: { watches: 0 } });
  });

  it('looks in two watches, or in 100, unless the mailbox is named, and says that there are more', async () => {
    const watches = Array.from({ length: 101 }, (_, index) => ({ mailbox: `user-${index}@example.com` }));
    for (const some of [watches.slice(0, 100), watches.slice(100)])
      await world.ask('POST', '/watches/batch', { body: { watches: some } });
    expect(await explain('one')).toMatchObject({ looked: { watches: 2, isMore: true }, hasMore: true });
    expect((await explain('one', { all: 'true' })).looked).toMatchObject({ watches: 100, isMore: true });
    expect((await explain('one', { mailbox: 'user-7@example.com' })).looked).toMatchObject({
      watches: 1,
      isMore: false,
    });
  });

  const rowsOfTransfer = async (trackingId: string) => {
    const all = await new Partition(world.operatorDeps.tables.transfers, `sent#${alice}`).range('T#', 'T$');
    return all.filter(({ sk }) => sk.endsWith(`#${trackingId}`));
  };
});

describe('the bounds of a whole explanation', () => {
  it('are 100 events and 100 subscribers, and it says when there are more', async () => {
    const events = Array.from({ length: 101 }, (_, index) => eventOf('FAILED', index + 1));
    await addEndpoint('crm');
    for (let begin = 0; begin < events.length; begin += 10) await world.fanOut(...events.slice(begin, begin + 10));
    await world.answerWakeUps();
    const told = await explain('one', { all: 'true' });
    expect(told).toMatchObject({ hasMore: true, subscribers: [{ name: 'crm' }] });
    expect(told.subscribers[0]!.verdicts.map(({ event }) => event)).toEqual(events.slice(1).map(({ id }) => id));
    expect(new Set(told.timeline.map(({ event }) => event)).size).toBe(100);
  });

  it('let it say of no subscriber beyond them that it was removed', async () => {
    const names = Array.from({ length: 101 }, (_, index) => `crm-${String(index).padStart(3, '0')}`);
    for (const name of names) await addEndpoint(name);
    const event = eventOf('FAILED', 1);
    const stored = { kind: 'event', id: event.id, body: JSON.stringify(event), at: event.timestamp } as const;
    for (const name of ['crm-000', 'crm-100'])
      await world.deps.deliveries.create(stored, { name, createdAt: event.timestamp }, 0, name === 'crm-000');
    const told = await explain('one', { all: 'true' });
    expect(told.hasMore).toBe(true);
    expect(told.subscribers.map(({ name }) => name)).toEqual(names.slice(0, 100));
    expect(told.subscribers.filter(({ status }) => status !== 'active')).toEqual([]);
  });

  it('let it say unknown of a delivery that it has not read', async () => {
    await addEndpoint('crm');
    const events = Array.from({ length: 60 }, (_, index) => eventOf('FAILED', index + 1));
    await world.fanOut(...events);
    // A page of DynamoDB ends after 1 MB: these rows are more.
    const rows = (await world.dump()).filter(({ sk }) => sk.startsWith('DELIVERY#'));
    for (const row of rows) {
      const body = JSON.stringify({ ...JSON.parse(row.body), filler: 'x'.repeat(20_000) });
      await world.dynamo.send(new PutItemCommand({ TableName: 'webhooks', Item: marshall({ ...row, body }) }));
      const unwanted = { ...row, body, sk: row.sk.replace(/^DELIVERY#(.*)#crm$/, 'EVENT#$1') };
      await world.dynamo.send(new PutItemCommand({ TableName: 'webhooks', Item: marshall(unwanted) }));
    }
    const told = await explain('one', { all: 'true' });
    expect(told.hasMore).toBe(true);
    const verdicts = told.subscribers[0]!.verdicts.map(({ verdict, reason }) => `${verdict} ${reason}`);
    expect([...new Set(verdicts)]).toEqual(['unknown too_many_rows']);
  });
});

describe('what an explanation reads and shows', () => {
  it('is at most five read units of a usual transfer: four events, three subscribers, a digest', async () => {
    const headers = { authorization: 'Bearer hush-hush' };
    await addEndpoint('crm', { headers });
    await addEndpoint('erp', { url: `${world.urlOf('erp')}?token=hush-hush` });
    await declareEndpoints(world.deps, [mailReader('team')]);
    world.setAnswer(() => ({ status: 204, body: 'hush-hush'.repeat(100) }));
    for (const [index, state] of ['PROCESSING', 'ACTIVE', 'ACTIVE', 'DELETED_BY_EXPIRATION'].entries()) {
      await world.fanOut(eventOf(state, index + 1));
      await world.answerWakeUps();
    }
    world.clock.advance(60_000);
    await world.sweep();
    await world.answerWakeUps();
    const row = { pk: `sent#${alice}`, sk: transferKey('one'), state: 'DELETED_BY_EXPIRATION', sequence: 4, rev: 9 };
    const seen = { ...row, firstSeenAt: '2026-11-24T00:00:00.000Z', observedAt: '2026-11-24T00:00:00.000Z' };
    await world.dynamo.send(new PutItemCommand({ TableName: transfersTable, Item: marshall(seen) }));
    const meter = new UnitsMeter(world.dynamo, world.dynamo);
    let told: Explanation | undefined;
    const { read, write } = await meter.of(async () => {
      told = await explain('one');
    });
    expect(told!.subscribers.flatMap(({ verdicts }) => verdicts)).toHaveLength(12);
    expect(write).toBe(0);
    expect(read).toBeGreaterThan(2);
    // Three by DynamoDB’s rules; implementations round differently. Strongly consistent, these reads take six.
    expect(read).toBeLessThanOrEqual(5);
    // Neither addresses nor answers are in it.
    expect(JSON.stringify(told)).not.toMatch(/hush|http|mailto|team@/);
  });

  it('concerns one transfer among many', async () => {
    await addEndpoint('crm');
    await world.fanOut(...exampleEvents('transfer', 8));
    for (const trackingId of ['transfer-0', 'transfer-7']) {
      const told = await explain(trackingId);
      expect(wordsOf(told)).toEqual(['crm transfer.failed waits_for_first_attempt']);
    }
  });

  it('takes a tracking id with any sign', async () => {
    await addEndpoint('crm');
    const [event] = exampleEvents('a/b?c#d%&', 1);
    await world.fanOut(event!);
    expect(await explain(event!.data.trackingId)).toMatchObject({ trackingId: 'a/b?c#d%&-0', finding: 'told' });
    expect(await world.ask('GET', '/transfers/%20/explanation')).toMatchObject({
      status: 400,
      body: { problems: [{ path: 'trackingId', message: 'expected a tracking id' }] },
    });
  });
});
