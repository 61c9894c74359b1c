import { beforeEach, describe, expect, test } from 'vitest';
import { eventBody, transferEvent } from '#functions/events/transfer-event.ts';
import { eventKey } from '#functions/webhooks/deliveries/delivery.ts';
import { addEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import type { EndpointSettingsInput } from '#functions/webhooks/endpoints/settings.ts';
import { fanOut } from '#functions/webhooks/engine/fan-out.ts';
import { FaultPlan } from '#test/support/aws-faults.ts';
import { crm, first as event, startEndpointWorld, world } from '#test/support/endpoint-world.ts';
import { exampleEvents } from '#test/support/webhook-world.ts';

beforeEach(startEndpointWorld);

const watch = { mailbox: event.data.mailbox, direction: event.data.direction };
const followed = [
  'transfer.downloaded',
  'transfer.downloaded_by_all',
  'transfer.overdue',
  'transfer.problem',
  'transfer.problem_resolved',
] as const;
const receivers = async (id: string) => (await world.trace(id)).deliveries.map(({ endpoint }) => endpoint);

describe('fanOut of an event', () => {
  test.each<{ what: string; filter: Partial<EndpointSettingsInput>; isWanted: boolean }>([
    { what: 'by default', filter: {}, isWanted: true },
    { what: 'of its exact type', filter: { types: ['transfer.failed'] }, isWanted: true },
    { what: 'of other types', filter: { types: ['transfer.active', 'watch.*'] }, isWanted: false },
    { what: 'of its mailbox, whatever the case', filter: { mailboxes: ['Alice@example.com'] }, isWanted: true },
    { what: 'of another mailbox', filter: { mailboxes: ['bob@example.com'] }, isWanted: false },
    { what: 'of its direction', filter: { directions: ['sent'] }, isWanted: true },
    { what: 'of the other direction', filter: { directions: ['received'] }, isWanted: false },
    { what: 'in a chat', filter: { format: 'slack' }, isWanted: true },
  ])('creates a delivery for an endpoint that wants events $what: $isWanted', async ({ filter, isWanted }) => {
    await crm.add({ ...filter });
    expect(await world.fanOut(event)).toEqual({
      ...{ deliveries: isWanted ? 1 : 0, handedOn: 0, unhandled: [] },
    });
    expect(await receivers(event.id)).toEqual(isWanted ? ['crm'] : []);
  });

  test.each([
    { types: ['transfer.overdue'], wanted: ['transfer.overdue'] },
    { types: ['transfer.downloaded', 'transfer.problem'], wanted: ['transfer.downloaded', 'transfer.problem'] },
    { types: ['transfer.*'], wanted: followed },
    { types: ['transfer.failed', 'watch.*'], wanted: [] },
  ])('sends of what a watch follows only $types', async ({ types, wanted }) => {
    await crm.add({ types });
    const change = { trackingId: 't-1', state: 'ACTIVE', previousState: 'ACTIVE' };
    const events = followed.map((news, index) =>
      transferEvent('https://a.example', watch, { ...change, sequence: index + 1, news }, event.timestamp),
    );
    await world.fanOut(...events);
    await world.settleAll();
    expect(world.received.map(({ body }) => JSON.parse(body).type)).toEqual(wanted);
  });

  test('stores the bytes that arrived for 30 days, and creates no delivery for an endpoint that is added later', async () => {
    await world.fanOut(event);
    await addEndpoint(world.deps, 'late', { url: world.urlOf('late') });
    expect(await receivers(event.id)).toEqual([]);
    const { pk, sk } = eventKey(event.id);
    const [stored] = await world.rows(pk);
    expect(stored).toMatchObject({ sk, body: eventBody(event), eventAt: event.timestamp });
    expect(stored!.expiresAt).toBe(world.now() / 1000 + 30 * 86_400);
  });

  test('changes nothing of a delivery when the event arrives again', async () => {
    await crm.add();
    await world.fanOut(event, event);
    await world.settleAll();
    await world.fanOut(event);
    await world.settleAll();
    expect(world.received).toHaveLength(1);
    expect((await world.trace(event.id)).deliveries).toMatchObject([{ status: 'DELIVERED' }]);
  });

  test('keeps the bytes that arrived first', async () => {
    await world.fanOut(event);
    world.clock.advance(1000);
    await world.fanOut({ ...event, timestamp: world.clock.now().toISOString() });
    const [stored] = await world.rows(eventKey(event.id).pk);
    expect(stored).toMatchObject({ body: eventBody(event), eventAt: event.timestamp });
  });
});

describe('fanOut of a batch of events', () => {
  const batch = exampleEvents('batch', 10);

  test('wakes each endpoint once with the ids of all its events, and no endpoint without any', async () => {
    for (const name of ['crm', 'erp']) await addEndpoint(world.deps, name, { url: world.urlOf(name) });
    await addEndpoint(world.deps, 'other', { url: world.urlOf('other'), types: ['watch.*'] });
    await world.fanOut(...batch);
    const wakeUps = await world.takeWakeUps();
    expect(wakeUps.map(({ endpoint }) => endpoint).toSorted()).toEqual(['crm', 'erp']);
    for (const { events } of wakeUps) expect(events.toSorted()).toEqual(batch.map(({ id }) => id).toSorted());
  });

  test('puts no delivery into the index of what waits, since their wake-up is durable', async () => {
    await crm.add();
    await world.fanOut(...batch);
    expect((await world.dump()).filter(({ due }) => due !== undefined)).toEqual([]);
  });

  test.each(['refused', 'partial'] as const)(
    'fails for messages whose wake-up SQS does not take (%s), so that the queue brings them again, once delivered',
    async (kind) => {
      for (const name of ['crm', 'erp']) await addEndpoint(world.deps, name, { url: world.urlOf(name) });
      const plan = new FaultPlan([['SendMessageBatchCommand', kind]]);
      const { unhandled } = await world.faults.run(plan, () => world.fanOut(...batch));
      expect(unhandled.map(({ message }) => message)).toEqual([...batch.keys()]);
      await world.answerWakeUps();
      expect(world.received).toHaveLength(kind === 'partial' ? 10 : 0);
      await world.fanOut(...batch);
      await world.answerWakeUps();
      expect(world.received).toHaveLength(20);
    },
  );
});

describe('fanOut of a message that no index or no header takes', () => {
  test.each([
    ['an event without a time', { ...event, timestamp: '' }],
    ['an event at a time that is none', { ...event, timestamp: 'yesterday' }],
    ['an event of a transfer without an id', { ...event, data: { ...event.data, trackingId: '' } }],
    ['an event of a transfer whose id is a number', { ...event, data: { ...event.data, trackingId: 7 } }],
    ['an event without an id', { ...event, id: '' }],
    ['an event whose id no HTTP header can carry', { ...event, id: 'evt_\n' }],
    ['an event without a type', { ...event, type: '' }],
  ])('refuses %s before it is stored', async (_, message) => {
    await crm.add();
    await addEndpoint(world.deps, 'chat', { url: world.urlOf('chat'), format: 'slack', types: ['transfer.*'] });
    const before = await world.dump();
    const { unhandled } = await fanOut(world.deps, [{ body: JSON.stringify(message) }]);
    expect(unhandled).toMatchObject([{ message: 0, error: { name: 'MalformedEventError' } }]);
    expect(await world.dump()).toEqual(before);
  });
});

describe('fanOut of a message that is no event', () => {
  test.each(['', '{', 'null', '{}', '{"id":"x"}', '[]', '{"data":{}}'])('harms no other message: %s', async (body) => {
    await crm.add();
    const { unhandled, deliveries } = await fanOut(world.deps, [{ body }, { body: eventBody(event) }]);
    expect(unhandled).toMatchObject([{ message: 0 }]);
    expect(deliveries).toBe(1);
    const events = new Set((await world.dump()).map(({ eventAt }) => eventAt));
    expect(events).toEqual(new Set([undefined, event.timestamp]));
  });
});
