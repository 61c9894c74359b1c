import { beforeEach, describe, expect, it } from 'vitest';
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

describe('operations of an endpoint', () => {
  it('show the secret of a new endpoint once, and never the query of its URL or its headers', async () => {
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

  it('take a chosen secret', async () => {
    const secret = newSecret();
    expect((await add('crm', { secret })).body.secret).toBe(secret);
  });

  it('add no endpoint twice', async () => {
    await add('crm');
    expect(await add('crm')).toMatchObject({ status: 409, body: { detail: 'there is an endpoint crm already' } });
  });

  it('change the named settings, and remove a filter by null', async () => {
    await add('crm', { mailboxes: ['alice@example.com'], maxInFlight: 3 });
    const changed = await world.ask('PATCH', '/endpoints/crm', { body: { types: ['watch.*'], mailboxes: null } });
    expect(changed).toMatchObject({ status: 200, body: { types: ['watch.*'], maxInFlight: 3 } });
    expect(changed.body.mailboxes).toBeUndefined();
    expect(await world.ask('PATCH', '/endpoints/crm', { body: { format: 'slack' } })).toMatchObject({
      status: 400,
      body: { problems: [{ path: 'format', message: 'expected the same as before; add another endpoint' }] },
    });
  });

  it('pause, resume, disable and enable an endpoint, and refuse what does not fit its status', async () => {
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

  it('rotate to a new or chosen secret, which a chat does not have', async () => {
    const first = await add('crm');
    const rotated = await change('crm', 'rotate', { overlapSeconds: 60 });
    expect(rotated).toMatchObject({ status: 200, body: { secret: expect.stringMatching(/^whsec_/) } });
    expect(rotated.body.secret).not.toBe(first.body.secret);
    const secret = newSecret();
    expect((await change('crm', 'rotate', { secret })).body.secret).toBe(secret);
    await add('ops', { format: 'slack' });
    expect((await change('ops', 'rotate')).status).toBe(409);
  });

  it('send a test event, which arrives', async () => {
    await add('crm');
    const { status, body } = await change('crm', 'test');
    expect({ status, body }).toMatchObject({ status: 202, body: { endpoint: 'crm' } });
    await world.answerWakeUps();
    expect(world.received.map(({ headers }) => headers['webhook-id'])).toEqual([body.event]);
    expect((await world.ask('GET', `/deliveries/${body.event}/crm`)).body).toMatchObject({ status: 'DELIVERED' });
  });

  it('remove an endpoint for good', async () => {
    await add('crm');
    expect((await world.ask('DELETE', '/endpoints/crm')).status).toBe(204);
    expect((await world.ask('DELETE', '/endpoints/crm')).status).toBe(404);
    expect(await world.deps.endpoints.list()).toEqual([]);
  });

  it.each(['pause', 'resume', 'enable', 'disable', 'rotate', 'test', 'recover'])(
    'answer 404 for an unknown endpoint: %s',
    async (verb) => {
      expect(await change('other', verb)).toMatchObject({
        status: 404,
        body: { title: 'Not Found', detail: 'there is no endpoint other' },
      });
    },
  );
});

describe('POST /endpoints/{name}/recover and replay', () => {
  beforeEach(async () => {
    await add('crm');
    await change('crm', 'pause');
    await world.fanOut(exampleEvent('one'), exampleEvent('two'));
    await world.answerWakeUps();
    await change('crm', 'resume');
  });

  it('count held deliveries in a dry run, and release them', async () => {
    expect((await change('crm', 'recover', { dryRun: true })).body).toEqual({ count: 2, isComplete: true });
    expect((await change('crm', 'recover')).body).toEqual({ count: 2, isComplete: true });
    expect((await change('crm', 'recover')).body).toEqual({ count: 0, isComplete: true });
    await world.settleAll();
    expect(world.received).toHaveLength(2);
  });

  it('deliver again what was delivered in a range of time', async () => {
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

describe('GET and POST /endpoints', () => {
  it('lists endpoints page by page, each once', async () => {
    for (const name of ['crm', 'archive', 'ops']) await add(name);
    const pages = await world.pages('/endpoints', { limit: '2' });
    expect(pages.map((items) => items.map(({ name }) => name))).toEqual([['archive', 'crm'], ['ops']]);
  });

  it.each<[string, object, string[]]>([
    ['no address', { url: undefined }, ['url']],
    ['an unknown type', { types: ['transfer.gone'] }, ['types.0']],
    ['an unknown field', { colour: 'red' }, ['colour']],
    ['several things', { maxInFlight: 0, retryDelaysMs: [1], name: 'CRM' }, ['retryDelaysMs', 'maxInFlight', 'name']],
  ])('refuses an endpoint with %s by its path', async (_, settings, paths) => {
    const { status, type, body } = await add('crm', settings);
    expect({ status, type }).toEqual({ status: 400, type: 'application/problem+json' });
    const problems = body.problems as { path: string; message: string }[];
    expect(problems.map(({ path }) => path).toSorted()).toEqual(paths.toSorted());
    for (const { message } of problems) expect(message).toMatch(/^expected /);
  });

  it('refuses a private address unless private webhooks are allowed', async () => {
    Object.assign(world.operatorDeps.webhooks, { allowPrivate: false });
    expect(await add('crm', { url: 'https://10.0.0.1/' })).toMatchObject({
      status: 400,
      body: { problems: [{ path: 'url', message: 'expected an address on the public internet' }] },
    });
    expect((await add('crm', { url: 'https://crm.example.com/' })).status).toBe(201);
    expect((await world.ask('PATCH', '/endpoints/crm', { body: { url: 'https://10.0.0.1/' } })).status).toBe(400);
  });
});
