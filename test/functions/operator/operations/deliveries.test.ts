import { beforeEach, describe, expect, test } from 'vitest';
import { transferEvent } from '#functions/events/transfer-event.ts';
import { acquire, leaseDurationMs, newLease } from '#functions/webhooks/endpoints/lease.ts';
import { WebhookClient } from '#functions/webhooks/http/client.ts';
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

/** `one crm PENDING`: what a list shows, by tracking id. */
async function listed(query: Record<string, string> = {}): Promise<string[]> {
  const { status, body } = await world.ask('GET', '/deliveries', { query });
  expect(status).toBe(200);
  return body.items.map(wordsOf);
}

const wordsOf = ({ event: id, endpoint, status }: Readonly<Record<string, string>>): string =>
  `${events.find((one) => one.id === id)!.data.trackingId} ${endpoint} ${status}`;

describe('deliveries are found', () => {
  beforeEach(async () => {
    world.setAnswer(({ path: of }) => ({ status: of === '/crm' ? 500 : 204 }));
    await world.fanOut(...events);
    await world.answerWakeUps();
  });

  test('by their event', async () => {
    expect(await listed({ event })).toEqual(['one archive DELIVERED', 'one crm PENDING']);
    expect(await listed({ event, endpoint: 'crm' })).toEqual(['one crm PENDING']);
  });

  test('by the transfer that they are about', async () => {
    expect(await listed({ trackingId: 'two' })).toEqual(['two archive DELIVERED', 'two crm PENDING']);
    expect(await listed({ trackingId: 'two', event })).toEqual([]);
    expect(await listed({ trackingId: 'nothing' })).toEqual([]);
  });

  test('by their endpoint, status and time', async () => {
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

  test('those of the newest event first, by transfer as by endpoint, with the types of their events', async () => {
    const change = { trackingId: 'one', state: 'ACTIVE', previousState: null, sequence: 2 };
    const watch = { mailbox: 'alice@example.com', direction: 'sent' } as const;
    await world.fanOut(transferEvent('https://cryptshare.example.com', watch, change, '2026-11-24T00:00:05.000Z'));
    const oneByOne = async (query: Record<string, string>) => {
      const { body } = await world.ask('GET', '/deliveries', { query: { ...query, limit: '1' } });
      const { next = '' } = body;
      const more = await world.ask('GET', '/deliveries', { query: { ...query, limit: '1', cursor: next } });
      return [...body.items, ...more.body.items].map(({ type }) => type);
    };
    expect(await oneByOne({ trackingId: 'one', endpoint: 'crm' })).toEqual(['transfer.active', 'transfer.failed']);
    expect(await oneByOne({ endpoint: 'crm' })).toEqual(['transfer.active', 'transfer.failed']);
  });

  test('of an endpoint that was removed, and of a chat', async () => {
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

  test('by being held, at one endpoint or at all', async () => {
    for (const name of ['archive', 'crm']) await world.ask('POST', `/endpoints/${name}/pause`);
    await world.fanOut(...events);
    await world.settleAll();
    expect(await listed({ status: 'HELD' })).toHaveLength(3);
    expect(await listed({ status: 'HELD', endpoint: 'archive' })).toEqual([]);
    expect(await listed({ status: 'HELD', endpoint: 'crm' })).toHaveLength(3);
  });

  test('after a place in the very same list alone', async () => {
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

  test.each<[string, Record<string, string>]>([
    ['all', {}],
    ['an endpoint’s', { endpoint: 'crm' }],
    ['those of a status', { status: 'PENDING' }],
    ['an event’s', { event }],
  ])('page by page, each once: %s', async (_, query) => {
    const all = await listed(query);
    const pages: string[][] = [];
    let cursor: string | undefined;
    do {
      const { body } = await world.ask('GET', '/deliveries', {
        query: { ...query, limit: '1', ...(cursor && { cursor }) },
      });
      pages.push(body.items.map(wordsOf));
      cursor = body.next;
    } while (cursor);
    expect(pages).toEqual(all.map((one) => [one]));
  });

  test('one with its attempts', async () => {
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
});

describe('why an attempt brought no answer is kept:', () => {
  test.each<[what: string, url: () => string, failure: string, code: string | undefined]>([
    ['no such name', () => 'https://nowhere.invalid/', 'unresolvable', 'ENOTFOUND'],
    ['a port where nothing listens', () => 'http://127.0.0.1:9/', 'refused', 'ECONNREFUSED'],
    [
      'plain HTTP where TLS is wanted',
      () => world.urlOf('x').replace('http:', 'https:'),
      'tls',
      'ERR_SSL_WRONG_VERSION_NUMBER',
    ],
  ])('%s', async (_, url, failure, code) => {
    await world.ask('POST', '/endpoints', { body: { name: 'ops', url: url() } });
    Object.assign(world.deps, {
      client: new WebhookClient({
        resolve: async (name) => {
          if (name === 'nowhere.invalid') throw Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' });
          return ['127.0.0.1'];
        },
        allowPrivate: true,
      }),
    });
    await world.fanOut(events[0]!);
    await world.answerWakeUps();
    const { body } = await world.ask('GET', `/deliveries/${event}/ops`);
    expect(body).toMatchObject({ status: 'PENDING', attempts: [{ attempt: 1, outcome: 'failed', failure, code }] });
    expect((await world.ask('GET', '/endpoints/ops')).body).toMatchObject({
      status: 'active',
      failures: { count: 1, since: world.clock.now().toISOString() },
    });
    const listed = (await world.ask('GET', '/endpoints')).body.items;
    expect(listed.map(({ name, failures }) => [name, failures !== undefined])).toEqual([
      ['archive', false],
      ['crm', false],
      ['ops', true],
    ]);
  });
});

describe('a delivery is cancelled', () => {
  test('while it waits, and is attempted no more', async () => {
    await world.fanOut(events[0]!);
    expect(await world.ask('POST', `${path}/cancel`)).toMatchObject({
      status: 200,
      body: { status: 'CANCELLED', reason: 'operator' },
    });
    await world.settleAll();
    expect(world.received.map(({ path: of }) => of)).toEqual(['/archive']);
  });

  test('while it is held, and is not recovered', async () => {
    await world.ask('POST', '/endpoints/crm/pause');
    await world.fanOut(events[0]!);
    await world.answerWakeUps();
    expect((await world.ask('POST', `${path}/cancel`)).body.status).toBe('CANCELLED');
    await world.ask('POST', '/endpoints/crm/resume');
    expect((await world.ask('POST', '/endpoints/crm/recover')).body.count).toBe(0);
  });

  test('but not while its request is on its way, unless that was interrupted', async () => {
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
    world.clock.advance(leaseDurationMs);
    expect((await world.ask('POST', `${path}/cancel`)).status).toBe(200);
  });

  test('or attempted, whoever is first, and never both', async () => {
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

  test('by one operator when two want to', async () => {
    await world.fanOut(events[0]!);
    const both = await Promise.all([world.ask('POST', `${path}/cancel`), world.ask('POST', `${path}/cancel`)]);
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 409]);
  });

  test('only once, and not when it is over', async () => {
    await world.fanOut(events[0]!);
    await world.answerWakeUps();
    expect(await world.ask('POST', `${path}/cancel`)).toMatchObject({
      status: 409,
      body: { detail: 'the delivery is delivered already' },
    });
  });
});

describe('a delivery is sent again', () => {
  test('once it is over, under the same id', async () => {
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

  test('only to an endpoint that is active', async () => {
    await world.fanOut(events[0]!);
    await world.answerWakeUps();
    await world.ask('POST', '/endpoints/crm/pause');
    expect(await world.ask('POST', `${path}/resend`)).toMatchObject({
      status: 409,
      body: { detail: 'the endpoint crm is paused: resume it first' },
    });
  });
});

test.each<[string, string]>([
  ['GET', path],
  ['POST', `${path}/resend`],
  ['POST', `${path}/cancel`],
])('a delivery that is none is not found: %s %s', async (method, of) => {
  expect((await world.ask(method, of)).status).toBe(404);
});
