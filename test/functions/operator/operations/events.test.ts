import { beforeEach, describe, expect, it } from 'vitest';
import { eventBody, type TransferEvent, transferEvent } from '#functions/events/transfer-event.ts';
import { type OperatorWorld, startOperatorWorld } from '#test/support/operator-world.ts';
import { exampleEvent } from '#test/support/webhook-world.ts';

let world: OperatorWorld;
beforeEach(async () => {
  world = await startOperatorWorld();
  world.clock.advance(12 * 3_600_000);
  return () => world.close();
});

/** An event at a time, about the transfer `one`. */
function eventAt(at: string, state = 'FAILED', trackingId = 'one'): TransferEvent {
  const change = { trackingId, state, previousState: 'ACTIVE', sequence: Date.parse(at) };
  const watch = { mailbox: 'alice@example.com', direction: 'sent' } as const;
  return transferEvent('https://cryptshare.example.com', watch, change, at);
}

const days = [
  eventAt('2026-11-22T23:59:59.999Z'),
  eventAt('2026-11-23T00:00:00.000Z', 'ACTIVE', 'two'),
  eventAt('2026-11-23T12:00:00.000Z'),
  eventAt('2026-11-24T11:00:00.000Z', 'ACTIVE'),
];
const times = days.map(({ timestamp }) => timestamp);

const list = (query: Record<string, string> = {}) => world.ask('GET', '/events', { query });
const listed = async (query: Record<string, string> = {}) =>
  (await list(query)).body.items.map(({ timestamp }) => timestamp);

describe('GET /events', () => {
  beforeEach(async () => {
    await world.fanOut(...days);
  });

  it('lists the newest event first, over the days', async () => {
    expect(await listed()).toEqual(times.toReversed());
    const [newest] = (await list()).body.items;
    expect(newest).toEqual(days[3]);
  });

  it('lists events of a range of time', async () => {
    expect(await listed({ from: times[1]!, until: times[3]! })).toEqual([times[2], times[1]]);
    expect(await listed({ from: '2026-11-23T01:00:00+01:00', until: times[3]! })).toEqual([times[2], times[1]]);
    expect(await listed({ from: times[3]!, until: times[1]! })).toEqual([]);
  });

  it('lists events of a type, or of a group of types', async () => {
    expect(await listed({ type: 'transfer.active' })).toEqual([times[3], times[1]]);
    expect(await listed({ type: 'transfer.*' })).toHaveLength(4);
    expect(await listed({ type: 'watch.*' })).toEqual([]);
    expect(await listed({ type: 'watch.*,transfer.active' })).toEqual([times[3], times[1]]);
    for (const type of ['', ',', 'transfer.active,', ',watch.*', 'transfer', 'transfer.a*']) {
      expect((await list({ type })).status).toBe(400);
    }
  });

  it('lists events of a mailbox, in any case, and of a direction', async () => {
    const watch = { mailbox: 'bob@example.com', direction: 'received' } as const;
    const change = { trackingId: 'three', state: 'FAILED', previousState: null, sequence: 1 };
    const at = '2026-11-24T11:30:00.000Z';
    await world.fanOut(transferEvent('https://cryptshare.example.com', watch, change, at));
    expect(await listed({ mailbox: 'Bob@example.com' })).toEqual([at]);
    expect(await listed({ mailbox: 'alice@example.com' })).toEqual(times.toReversed());
    expect(await listed({ direction: 'received' })).toEqual([at]);
    expect(await listed({ mailbox: 'bob@example.com', direction: 'sent' })).toEqual([]);
  });

  it('lists events of a transfer', async () => {
    expect(await listed({ trackingId: 'two' })).toEqual([times[1]]);
    expect(await listed({ trackingId: 'one', from: times[1]!, type: 'transfer.failed' })).toEqual([times[2]]);
  });

  it.each<[string, Record<string, string>, number]>([
    ['', {}, 4],
    [' of a transfer', { trackingId: 'one' }, 3],
  ])('lists events%s page by page, each once', async (_, query, count) => {
    const pages = await world.pages('/events', { ...query, limit: '2' });
    expect(pages).toHaveLength(2);
    const read = pages.flat().map(({ timestamp }) => timestamp);
    expect(read).toEqual(await listed(query));
    expect(read).toHaveLength(count);
  });

  it('lists many events of the same time, each once', async () => {
    const same = Array.from({ length: 7 }, (_, index) => exampleEvent(`same-${index}`));
    await world.fanOut(...same);
    const pages = await world.pages('/events', { from: '2026-11-24T00:00:00Z', limit: '2' });
    const read = pages.flat().map(({ id }) => id);
    expect(read.toSorted()).toEqual([...same, days[3]!].map(({ id }) => id).toSorted());
  });

  it('lists an event once that a crash has left in the index twice', async () => {
    const [body, at] = [eventBody(days[2]!), times[2]!];
    const event = { id: days[2]!.id, body, at, kind: 'event' } as const;
    for (const name of ['crm', 'archive']) {
      await world.deps.deliveries.create(event, { name, createdAt: at }, world.clock.now().getTime(), true);
    }
    expect(await listed()).toEqual(times.toReversed());
    const pages = await world.pages('/events', { limit: '2' });
    expect(pages.flat().map(({ timestamp }) => timestamp)).toEqual(times.toReversed());
  });

  it('lists events of a transfer, with and without endpoints for them', async () => {
    await world.ask('POST', '/endpoints', { body: { name: 'crm', url: world.urlOf('crm') } });
    const later = eventAt('2026-11-24T11:30:00.000Z');
    await world.fanOut(later);
    expect(await listed({ trackingId: 'one' })).toEqual([later.timestamp, times[3], times[2], times[0]]);
  });

  it('refuses malformed cursors, and the cursor of another list', async () => {
    const { body } = await list({ limit: '1' });
    const ofTransfer = await list({ limit: '1', trackingId: 'one' });
    const madeUp = (place: unknown) => Buffer.from(JSON.stringify(place)).toString('base64url');
    for (const query of [
      { cursor: body.next, trackingId: 'one' },
      { cursor: body.next, until: times[0]! },
      { cursor: '' },
      { cursor: '%%%' },
      { cursor: madeUp(null) },
      { cursor: madeUp({ pk: 'EVENT#one' }) },
      { cursor: madeUp({ pk: '', sk: '', day: '2026-11-24', listedAt: times[3] }) },
      { cursor: madeUp({ pk: 'EVENT#one', sk: 'EVENT#one', day: '2026-11-24', listedAt: 7 }) },
      { cursor: ofTransfer.body.next },
      { cursor: ofTransfer.body.next, trackingId: 'two' },
      { cursor: ofTransfer.body.next, trackingId: 'one', until: times[0]! },
      { cursor: madeUp({ transfer: 'one', listedAt: 7 }), trackingId: 'one' },
      { cursor: madeUp({ transfer: 'one', listedAt: times[3], more: 1 }), trackingId: 'one' },
    ]) {
      expect(await list(query)).toMatchObject({ status: 400, body: { problems: [{ path: 'cursor' }] } });
    }
  });
});

describe('GET /events/{id}', () => {
  it('shows an event with its deliveries and their attempts', async () => {
    await world.ask('POST', '/endpoints', { body: { name: 'crm', url: world.urlOf('crm') } });
    const event = exampleEvent('one');
    await world.fanOut(event);
    await world.answerWakeUps();
    expect(await world.ask('GET', `/events/${event.id}`)).toMatchObject({
      status: 200,
      body: { ...event, deliveries: [{ endpoint: 'crm', status: 'DELIVERED', attempts: [{ status: 204 }] }] },
    });
  });

  it('answers 404 for an unknown event', async () => {
    expect((await world.ask('GET', '/events/evt_unknown')).status).toBe(404);
  });

  it('shows a digest for people, which no list has', async () => {
    await world.ask('POST', '/endpoints', { body: { name: 'ops', url: world.urlOf('ops'), format: 'slack' } });
    const { body } = await world.ask('POST', '/endpoints/ops/test');
    expect((await world.ask('GET', `/events/${body.event}`)).body).toMatchObject({ id: body.event, type: 'digest' });
    expect(await listed()).toEqual([]);
  });
});
