import { beforeEach, describe, expect, it } from 'vitest';
import { transferEvent } from '#functions/events/transfer-event.ts';
import { acquire, leaseDurationMs, newLease } from '#functions/webhooks/endpoints/lease.ts';
import { type OperatorWorld, startOperatorWorld } from '#test/support/operator-world.ts';
import { exampleEvent } from '#test/support/webhook-world.ts';

let world: OperatorWorld;
beforeEach(async () => {
  world = await startOperatorWorld();
  for (const name of ['archive', 'crm']) {
    await world.ask('POST', '/endpoints', { body: { name, url: world.urlOf(name) } });
  }
  return () => world.close();
});

const events = ['one', 'two', 'three'].map((trackingId) => exampleEvent(trackingId));
const event = events[0]!.id;
const path = `/deliveries/${event}/crm`;

/** Lists deliveries in words such as `one crm PENDING`, with the tracking id. */
async function listed(query: Record<string, string> = {}): Promise<string[]> {
  const { status, body } = await world.ask('GET', '/deliveries', { query });
  expect(status).toBe(200);
  return body.items.map(wordsOf);
}

const wordsOf = ({ event: id, endpoint, status }: Readonly<Record<string, string>>): string =>
  `${events.find((one) => one.id === id)!.data.trackingId} ${endpoint} ${status}`;

describe('GET /deliveries', () => {
  beforeEach(async () => {
    world.setAnswer(({ path: of }) => ({ status: of === '/crm' ? 500 : 204 }));
    await world.fanOut(...events);
    await world.answerWakeUps();
  });

  it('finds deliveries by their event', async () => {
    expect(await listed({ event })).toEqual(['one archive DELIVERED', 'one crm PENDING']);
    expect(await listed({ event, endpoint: 'crm' })).toEqual(['one crm PENDING']);
  });

  it('tells why a retry waits, and no cause of a delivery that was taken or is sent anew', async () => {
    const { body } = await world.ask('GET', '/deliveries', { query: { event } });
    expect(body.items.map(({ status, reason }) => [status, reason])).toEqual([
      ['DELIVERED', undefined],
      ['PENDING', 'http_error'],
    ]);
    await world.ask('POST', `${path}/cancel`);
    await world.ask('POST', `${path}/resend`);
    const anew = await world.ask('GET', path);
    expect(anew.body).toMatchObject({ status: 'PENDING', attempt: 0 });
    expect(anew.body).not.toHaveProperty('reason');
  });

  it('finds deliveries by their transfer', async () => {
    expect(await listed({ trackingId: 'two' })).toEqual(['two archive DELIVERED', 'two crm PENDING']);
    expect(await listed({ trackingId: 'two', event })).toEqual([]);
    expect(await listed({ trackingId: 'nothing' })).toEqual([]);
  });

  it('finds deliveries by endpoint, status and time', async () => {
    expect((await listed({ endpoint: 'crm' })).toSorted()).toEqual([
      'one crm PENDING',
      'three crm PENDING',
      'two crm PENDING',
    ]);
    expect(await listed({ endpoint: 'crm', status: 'DELIVERED' })).toEqual([]);
    expect(await listed({ status: 'PENDING' })).toHaveLength(3);
    expect(await listed({ status: 'DELIVERED' })).toHaveLength(3);
    expect(await listed()).toHaveLength(6);
    expect(await listed({ from: '2026-11-24T00:00:00Z', until: '2026-11-24T00:00:01Z' })).toHaveLength(6);
    expect(await listed({ from: '2026-11-24T00:00:01Z' })).toEqual([]);
    expect(await listed({ until: '2026-11-24T00:00:00Z' })).toEqual([]);
  });

  it('lists the deliveries of the newest event first, with its type', async () => {
    const change = { trackingId: 'one', state: 'ACTIVE', previousState: null, sequence: 2 };
    const watch = { mailbox: 'alice@example.com', direction: 'sent' } as const;
    await world.fanOut(transferEvent('https://cryptshare.example.com', watch, change, '2026-11-24T00:00:05.000Z'));
    for (const query of [{ trackingId: 'one', endpoint: 'crm' }, { endpoint: 'crm' }]) {
      const pages = await world.pages('/deliveries', { ...query, limit: '1' });
      const types = pages.flat().map(({ type }) => type);
      expect(types.slice(0, 2)).toEqual(['transfer.active', 'transfer.failed']);
    }
  });

  it('finds the deliveries of a removed endpoint, and of a chat', async () => {
    await world.ask('POST', '/endpoints', { body: { name: 'ops', url: world.urlOf('ops'), format: 'slack' } });
    const { body } = await world.ask('POST', '/endpoints/ops/test');
    const ofChat = async () =>
      (await world.ask('GET', '/deliveries', { query: { endpoint: 'ops' } })).body.items.map((one) => one.event);
    expect(await ofChat()).toEqual([body.event]);
    for (const name of ['ops', 'crm']) await world.ask('DELETE', `/endpoints/${name}`);
    expect(await ofChat()).toEqual([body.event]);
    expect(await listed({ endpoint: 'crm' })).toHaveLength(3);
    expect(await listed()).toHaveLength(3);
  });

  it('lists the digests of a reader, each as one message, and shows which digest tells an event', async () => {
    await world.ask('POST', '/endpoints', { body: { name: 'ops', url: world.urlOf('ops'), format: 'slack' } });
    const fresh = ['four', 'five'].map((trackingId) => exampleEvent(trackingId));
    await world.fanOut(...fresh);
    world.clock.advance(11_000);
    await world.sweep();
    await world.answerWakeUps();
    const { items } = (await world.ask('GET', '/deliveries', { query: { endpoint: 'ops' } })).body;
    expect(items).toMatchObject([{ endpoint: 'ops', status: 'DELIVERED', type: 'digest' }]);
    const [{ event: digest = '' } = {}] = items;
    const { body } = await world.ask('GET', `/events/${digest}`);
    expect(body).toMatchObject({ id: digest, type: 'digest', timestamp: world.clock.now().toISOString() });
    for (const { id } of fresh) {
      const traced = { endpoint: 'ops', status: 'COLLECTED', digest, type: 'transfer.failed' };
      expect((await world.ask('GET', `/events/${id}`)).body.deliveries).toContainEqual(expect.objectContaining(traced));
    }
  });

  it('finds held deliveries, of one endpoint or all', async () => {
    for (const name of ['archive', 'crm']) await world.ask('POST', `/endpoints/${name}/pause`);
    await world.fanOut(...events);
    await world.settleAll();
    expect(await listed({ status: 'HELD' })).toHaveLength(3);
    expect(await listed({ status: 'HELD', endpoint: 'archive' })).toEqual([]);
    expect(await listed({ status: 'HELD', endpoint: 'crm' })).toHaveLength(3);
  });

  it('refuses the cursor of another list', async () => {
    const cursors = async (query: Record<string, string>) =>
      (await world.ask('GET', '/deliveries', { query: { ...query, limit: '1' } })).body.next;
    const [all, ofCrm] = [await cursors({}), await cursors({ endpoint: 'crm' })];
    for (const query of [
      { cursor: all, endpoint: 'crm' },
      { cursor: ofCrm, endpoint: 'archive' },
      { cursor: ofCrm, event },
      { cursor: ofCrm, status: 'HELD' },
      { cursor: ofCrm, endpoint: 'crm', until: '2026-11-24T00:00:00Z' },
    ]) {
      expect(await world.ask('GET', '/deliveries', { query })).toMatchObject({
        status: 400,
        body: { problems: [{ path: 'cursor' }] },
      });
    }
    expect((await world.ask('GET', '/deliveries', { query: { cursor: ofCrm, endpoint: 'crm' } })).status).toBe(200);
  });

  it.each<[string, Record<string, string>]>([
    ['', {}],
    [' of an endpoint', { endpoint: 'crm' }],
    [' of a status', { status: 'PENDING' }],
    [' of an event', { event }],
  ])('lists deliveries%s page by page, each once', async (_, query) => {
    const pages = await world.pages('/deliveries', { ...query, limit: '1' });
    expect(pages.map((items) => items.map(wordsOf))).toEqual((await listed(query)).map((one) => [one]));
  });
});

describe('GET /deliveries/{event}/{endpoint}', () => {
  it('shows a delivery with its attempts', async () => {
    world.setAnswer(({ path: of }) => ({ status: of === '/crm' ? 500 : 204 }));
    await world.fanOut(events[0]!);
    await world.answerWakeUps();
    const { status, body } = await world.ask('GET', path);
    expect({ status, body }).toMatchObject({
      status: 200,
      body: {
        event,
        endpoint: 'crm',
        status: 'PENDING',
        attempt: 1,
        eventAt: '2026-11-24T00:00:00.000Z',
        attempts: [{ attempt: 1, outcome: 'failed', status: 500, cause: 'http_error' }],
      },
    });
    expect(Date.parse(body.nextAttemptAt as string)).toBeGreaterThan(world.clock.now().getTime());
    world.setAnswer(() => ({ status: 204 }));
    await world.settleAll();
    expect((await world.ask('GET', path)).body.attempts).toMatchObject([
      { attempt: 1, outcome: 'failed', status: 500 },
      { attempt: 2, outcome: 'delivered', status: 204 },
    ]);
  });

  it('says why an attempt brought no answer, and counts it for the endpoint', async () => {
    await world.ask('POST', '/endpoints', { body: { name: 'ops', url: 'http://127.0.0.1:9/' } });
    await world.fanOut(events[0]!);
    await world.answerWakeUps();
    const failed = { attempt: 1, outcome: 'failed', failure: 'refused', code: 'ECONNREFUSED' };
    const { body } = await world.ask('GET', `/deliveries/${event}/ops`);
    expect(body).toMatchObject({ status: 'PENDING', attempts: [failed] });
    const failures = { count: 1, since: world.clock.now().toISOString() };
    expect((await world.ask('GET', '/endpoints/ops')).body).toMatchObject({ status: 'active', failures });
    const endpoints = (await world.ask('GET', '/endpoints')).body.items;
    expect(endpoints.map((one) => one.failures)).toEqual([undefined, undefined, failures]);
  });
});

describe('POST /deliveries/{event}/{endpoint}/cancel', () => {
  it('cancels a pending delivery, which is attempted no more', async () => {
    await world.fanOut(events[0]!);
    expect(await world.ask('POST', `${path}/cancel`)).toMatchObject({
      status: 200,
      body: { status: 'CANCELLED', reason: 'operator' },
    });
    await world.settleAll();
    expect(world.received.map(({ path: of }) => of)).toEqual(['/archive']);
  });

  it('cancels a held delivery, which is not recovered', async () => {
    await world.ask('POST', '/endpoints/crm/pause');
    await world.fanOut(events[0]!);
    await world.answerWakeUps();
    expect((await world.ask('POST', `${path}/cancel`)).body.status).toBe('CANCELLED');
    await world.ask('POST', '/endpoints/crm/resume');
    expect((await world.ask('POST', '/endpoints/crm/recover')).body.count).toBe(0);
  });

  it('refuses while an attempt is in flight, unless that was interrupted', async () => {
    await world.fanOut(events[0]!);
    const now = world.clock.now().getTime();
    const inFlight = { [event]: { attempt: 1, of: 0, until: now + leaseDurationMs } };
    await world
      .otherLeases()
      .change('crm', newLease, (lease) => acquire(lease, 'dead', { inFlight, observations: [] }, 0, now));
    expect(await world.ask('POST', `${path}/cancel`)).toMatchObject({
      status: 409,
      body: { detail: 'the delivery is being attempted' },
    });
    expect((await world.ask('GET', '/endpoints/crm')).body).toMatchObject({ inFlight: 1 });
    world.clock.advance(leaseDurationMs);
    expect((await world.ask('POST', `${path}/cancel`)).status).toBe(200);
  });

  it('races an attempt, so that a delivery is either cancelled or attempted', async () => {
    for (const one of events) {
      await world.fanOut(one);
      const wakeUps = (await world.takeWakeUps()).filter(({ endpoint }) => endpoint === 'crm');
      const before = world.received.length;
      const of = `/deliveries/${one.id}/crm`;
      const [{ status }] = await Promise.all([world.ask('POST', `${of}/cancel`), world.deliver(wakeUps)]);
      const { body } = await world.ask('GET', of);
      expect([status, body.status, world.received.length - before]).toEqual(
        status === 200 ? [200, 'CANCELLED', 0] : [409, 'DELIVERED', 1],
      );
    }
  });

  it('succeeds once when two operators cancel the same delivery', async () => {
    await world.fanOut(events[0]!);
    const both = await Promise.all([world.ask('POST', `${path}/cancel`), world.ask('POST', `${path}/cancel`)]);
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 409]);
  });

  it('refuses a delivery that is over', async () => {
    await world.fanOut(events[0]!);
    await world.answerWakeUps();
    expect(await world.ask('POST', `${path}/cancel`)).toMatchObject({
      status: 409,
      body: { detail: 'the delivery is delivered already' },
    });
  });
});

describe('POST /deliveries/{event}/{endpoint}/resend', () => {
  it('sends a delivery that is over again, under the same id', async () => {
    await world.fanOut(events[0]!);
    expect(await world.ask('POST', `${path}/resend`)).toMatchObject({
      status: 409,
      body: { detail: 'the delivery is still on its way' },
    });
    await world.answerWakeUps();
    expect(await world.ask('POST', `${path}/resend`)).toMatchObject({ status: 202, body: { status: 'PENDING' } });
    await world.answerWakeUps();
    const toCrm = world.received.filter(({ path: of }) => of === '/crm');
    expect(toCrm.map(({ headers }) => headers['webhook-id'])).toEqual([event, event]);
  });

  it('refuses an endpoint that is not active', async () => {
    await world.fanOut(events[0]!);
    await world.answerWakeUps();
    await world.ask('POST', '/endpoints/crm/pause');
    expect(await world.ask('POST', `${path}/resend`)).toMatchObject({
      status: 409,
      body: { detail: 'the endpoint crm is paused: resume it first' },
    });
  });
});

describe('deliveryOperations', () => {
  it.each<[string, string]>([
    ['GET', path],
    ['POST', `${path}/resend`],
    ['POST', `${path}/cancel`],
  ])('answer 404 for an unknown delivery: %s %s', async (method, of) => {
    expect((await world.ask(method, of)).status).toBe(404);
  });
});
