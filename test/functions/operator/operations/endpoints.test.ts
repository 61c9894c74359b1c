import { beforeEach, describe, expect, test } from 'vitest';
import { newSecret } from '#functions/webhooks/http/signature.ts';
import { type OperatorWorld, startOperatorWorld } from '#test/support/operator-world.ts';
import { exampleEvent } from '#test/support/webhook-world.ts';

let world: OperatorWorld;
beforeEach(async () => {
  world = await startOperatorWorld();
  return () => world.close();
});

const add = (name: string, settings: object = {}) =>
  world.ask('POST', '/endpoints', { body: { name, url: world.urlOf(name), ...settings } });
const change = (name: string, verb: string, body?: object) =>
  world.ask('POST', `/endpoints/${name}/${verb}`, body && { body });

describe('an endpoint', () => {
  test('that is added shows its secret once, and never its URL’s query or its headers', async () => {
    const url = `${world.urlOf('crm')}?token=hidden-token`;
    const added = await add('crm', { url, headers: { 'x-tenant': 'hidden-tenant' }, isAsymmetric: true });
    expect(added).toMatchObject({
      status: 201,
      body: {
        secret: expect.stringMatching(/^whsec_/),
        publicKey: expect.stringMatching(/^whpk_/),
        endpoint: { name: 'crm', status: 'active', url: `${world.urlOf('crm')}?…`, headerNames: ['x-tenant'] },
      },
    });
    const shown = await world.ask('GET', '/endpoints/crm');
    expect(shown.body).toEqual(added.body.endpoint);
    for (const text of [JSON.stringify(shown), JSON.stringify(world.lines)]) {
      for (const hidden of ['hidden', 'whsec_', 'whsk_', 'encrypted']) expect(text).not.toContain(hidden);
    }
    expect(JSON.stringify(world.lines)).not.toContain('http');
  });

  test('takes a secret of its owner’s choice', async () => {
    const secret = newSecret();
    expect((await add('crm', { secret })).body.secret).toBe(secret);
  });

  test('is not added twice', async () => {
    await add('crm');
    expect(await add('crm')).toMatchObject({ status: 409, body: { detail: 'there is an endpoint crm already' } });
  });

  test('is changed in what is named, and null lifts a filter', async () => {
    await add('crm', { mailboxes: ['alice@example.com'], maxInFlight: 3 });
    const changed = await world.ask('PATCH', '/endpoints/crm', { body: { types: ['watch.*'], mailboxes: null } });
    expect(changed).toMatchObject({ status: 200, body: { types: ['watch.*'], maxInFlight: 3 } });
    expect(changed.body.mailboxes).toBeUndefined();
    expect(await world.ask('PATCH', '/endpoints/crm', { body: { format: 'slack' } })).toMatchObject({
      status: 400,
      body: { problems: [{ path: 'format', message: 'expected the same as before; add another endpoint' }] },
    });
  });

  test('is paused, resumed, disabled and enabled, and what does not fit is refused', async () => {
    await add('crm');
    expect(await change('crm', 'pause')).toMatchObject({ status: 200, body: { status: 'paused' } });
    expect(await change('crm', 'pause')).toMatchObject({ status: 409, body: { detail: 'crm is paused already' } });
    expect((await change('crm', 'recover')).status).toBe(409);
    expect((await change('crm', 'enable')).status).toBe(409);
    expect((await change('crm', 'resume')).body.status).toBe('active');
    expect((await change('crm', 'disable', { because: 'moves house' })).body).toMatchObject({
      status: 'disabled',
      disabledBecause: 'moves house',
    });
    expect((await change('crm', 'enable')).body.status).toBe('active');
  });

  test('gets a new secret, of its owner’s choice or not; a chat has none', async () => {
    const first = await add('crm');
    const rotated = await change('crm', 'rotate', { overlapSeconds: 60 });
    expect(rotated).toMatchObject({ status: 200, body: { secret: expect.stringMatching(/^whsec_/) } });
    expect(rotated.body.secret).not.toBe(first.body.secret);
    const secret = newSecret();
    expect((await change('crm', 'rotate', { secret })).body.secret).toBe(secret);
    await add('ops', { format: 'slack' });
    expect((await change('ops', 'rotate')).status).toBe(409);
  });

  test('is sent a test event, which arrives', async () => {
    await add('crm');
    const { status, body } = await change('crm', 'test');
    expect({ status, body }).toMatchObject({ status: 202, body: { endpoint: 'crm' } });
    await world.answerWakeUps();
    expect(world.received.map(({ headers }) => headers['webhook-id'])).toEqual([body.event]);
    expect((await world.ask('GET', `/deliveries/${body.event}/crm`)).body).toMatchObject({ status: 'DELIVERED' });
  });

  test('that is removed is gone', async () => {
    await add('crm');
    expect((await world.ask('DELETE', '/endpoints/crm')).status).toBe(204);
    expect((await world.ask('DELETE', '/endpoints/crm')).status).toBe(404);
    expect(await world.deps.endpoints.list()).toEqual([]);
  });

  test.each(['pause', 'resume', 'enable', 'disable', 'rotate', 'test', 'recover'])(
    'that is none is not found: %s',
    async (verb) => {
      expect(await change('nobody', verb)).toMatchObject({
        status: 404,
        body: { title: 'Not Found', detail: 'there is no endpoint nobody' },
      });
    },
  );
});

describe('what was held', () => {
  beforeEach(async () => {
    await add('crm');
    await change('crm', 'pause');
    await world.fanOut(exampleEvent('one'), exampleEvent('two'));
    await world.answerWakeUps();
    await change('crm', 'resume');
  });

  test('is counted by a dry run and released by recovering', async () => {
    expect((await change('crm', 'recover', { dryRun: true })).body).toEqual({ count: 2, isComplete: true });
    expect((await change('crm', 'recover')).body).toEqual({ count: 2, isComplete: true });
    expect((await change('crm', 'recover')).body).toEqual({ count: 0, isComplete: true });
    await world.settleAll();
    expect(world.received).toHaveLength(2);
  });

  test('and what was delivered is delivered again by a replay of its time', async () => {
    await change('crm', 'recover');
    await world.settleAll();
    const day = { from: '2026-11-24T00:00:00Z', until: '2026-11-25T01:00:00+01:00' };
    expect((await change('crm', 'replay', { ...day, dryRun: true })).body).toEqual({ count: 2, isComplete: true });
    expect((await change('crm', 'replay', { ...day, perSecond: 1000 })).body.count).toBe(2);
    await world.settleAll();
    expect(world.received).toHaveLength(4);
    for (const [verb, range] of [
      ['replay', { from: day.until, until: day.until }],
      ['replay', { from: day.from, until: '9999-12-31T23:59:59-01:00' }],
      ['recover', { until: '1969-12-31T00:00:00Z' }],
    ] as const) {
      expect(await change('crm', verb, range)).toMatchObject({ status: 400, body: { problems: [{ path: 'until' }] } });
    }
  });
});

test('the list of endpoints comes page by page, each endpoint once', async () => {
  for (const name of ['crm', 'archive', 'ops']) await add(name);
  const first = await world.ask('GET', '/endpoints', { query: { limit: '2' } });
  const second = await world.ask('GET', '/endpoints', { query: { limit: '2', cursor: first.body.next } });
  expect([first, second].map(({ body }) => body.items.map(({ name }) => name))).toEqual([['archive', 'crm'], ['ops']]);
  expect(second.body.next).toBeUndefined();
});

test.each<[string, object, string[]]>([
  ['no address', { url: undefined }, ['url']],
  ['no URL', { url: 'nowhere' }, ['url']],
  ['a user name in the URL', { url: 'https://user:word@example.com/' }, ['url']],
  ['an unknown type', { types: ['transfer.gone'] }, ['types.0']],
  ['an unknown field', { colour: 'red' }, ['colour']],
  ['a header that is set already', { headers: { host: 'example.com' } }, ['headers.host']],
  ['several things', { maxInFlight: 0, retryDelaysMs: [1], name: 'CRM' }, ['retryDelaysMs', 'maxInFlight', 'name']],
])('an endpoint with %s is refused with its path', async (_, settings, paths) => {
  const { status, type, body } = await add('crm', settings);
  expect({ status, type }).toEqual({ status: 400, type: 'application/problem+json' });
  const problems = body.problems as { path: string; message: string }[];
  expect(problems.map(({ path }) => path).toSorted()).toEqual(paths.toSorted());
  for (const { message } of problems) expect(message).toMatch(/^expected /);
});

test('where endpoints have to be public, a private one is refused as one would be that is declared', async () => {
  Object.assign(world.operatorDeps.webhooks, { allowPrivate: false });
  expect(await add('crm', { url: 'https://10.0.0.1/' })).toMatchObject({
    status: 400,
    body: { problems: [{ path: 'url', message: 'expected an address on the public internet' }] },
  });
  expect((await add('crm', { url: 'https://crm.example.com/' })).status).toBe(201);
  expect((await world.ask('PATCH', '/endpoints/crm', { body: { url: 'https://10.0.0.1/' } })).status).toBe(400);
});
