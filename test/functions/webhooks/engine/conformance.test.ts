import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { addEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import type { EndpointSettingsInput } from '#functions/webhooks/endpoints/settings.ts';
import { crm, first, second, startEndpointWorld, world } from '#test/support/endpoint-world.ts';

// Vectors of senders in Postel's compliance suite, and rules of Standard Webhooks, that no other test walks as they are
// written. docs/conformance.md lists all of them.

beforeEach(startEndpointWorld);

const add = (name: string, settings: Partial<EndpointSettingsInput> = {}) =>
  addEndpoint(world.deps, name, { url: world.urlOf(name), ...settings });

/** Milliseconds after the first request of all at which an endpoint got each of its requests. */
const instantsOf = (name: string): number[] =>
  world.received.filter(({ path }) => path === `/${name}`).map(({ at }) => at - world.received[0]!.at);

/** How the delivery of the first event to each endpoint has ended. */
const endings = async () =>
  Object.fromEntries((await world.trace(first.id)).deliveries.map(({ endpoint, status }) => [endpoint, status]));

describe('an event for several endpoints', () => {
  test('keeps the retries of the others where one endpoint exhausts its schedule', async () => {
    await add('archive', { retryDelaysMs: [second] });
    await add('crm', { retryDelaysMs: [2 * second, 2 * second, 2 * second] });
    await add('erp');
    let requests = 0;
    world.setAnswer(({ path }) => {
      if (path === '/crm') requests += 1;
      return { status: path === '/erp' || requests > 3 ? 204 : 500 };
    });
    await world.fanOut(first);
    await world.settleAll();
    expect(await endings()).toEqual({ archive: 'FAILED', crm: 'DELIVERED', erp: 'DELIVERED' });
    expect(instantsOf('archive')).toEqual([0, 1000]);
    expect(instantsOf('crm')).toEqual([0, 2000, 4000, 6000]);
    expect(instantsOf('erp')).toEqual([0]);
    expect(new Set(world.ids())).toEqual(new Set([first.id]));
  });

  test('reaches each endpoint that wants it, signed by the secret of that endpoint alone', async () => {
    const secrets = { crm: (await add('crm')).secret!, erp: (await add('erp')).secret! };
    await world.fanOut(first);
    await world.settleAll();
    expect(await endings()).toEqual({ crm: 'DELIVERED', erp: 'DELIVERED' });
    const signatures = world.received.map(({ path, headers, body }) => {
      const at = new Date(Number(headers['webhook-timestamp']) * 1000);
      const by = (secret: string) => new Webhook(secret).sign(first.id, at, body) === headers['webhook-signature'];
      return [path, by(secrets.crm), by(secrets.erp)];
    });
    expect(signatures.toSorted()).toEqual([
      ['/crm', true, false],
      ['/erp', false, true],
    ]);
  });

  test('makes no request to an endpoint whose types leave it out', async () => {
    await add('crm', { types: ['transfer.*'] });
    await add('erp', { types: ['watch.*', 'transfer.active'] });
    await world.fanOut(first);
    await world.settleAll();
    expect(world.received.map(({ path }) => path)).toEqual(['/crm']);
  });
});

describe('a failed delivery', () => {
  test('succeeds at its second attempt, which comes after the first delay and not before', async () => {
    await add('crm', { retryDelaysMs: [second, second] });
    world.setAnswer(() => ({ status: world.received.length === 1 ? 500 : 200 }));
    await world.fanOut(first);
    await world.settleAll();
    expect(instantsOf('crm')).toEqual([0, 1000]);
    expect(await endings()).toEqual({ crm: 'DELIVERED' });
  });

  test('comes again no sooner than the Retry-After of a 429', async () => {
    await add('crm', { retryDelaysMs: [second, second] });
    world.setAnswer(() =>
      world.received.length === 1 ? { status: 429, headers: { 'retry-after': '20' } } : { status: 200 },
    );
    await world.fanOut(first);
    await world.settleAll();
    const [, again = 0] = instantsOf('crm');
    expect(again).toBeGreaterThanOrEqual(20_000);
    expect(again).toBeLessThan(60_000);
    expect(await endings()).toEqual({ crm: 'DELIVERED' });
  });

  test.each([400, 401, 403, 404, 422])(
    'is attempted again after %i, which an operator or a receiver may mend',
    async (status) => {
      await add('crm', { retryDelaysMs: [second] });
      world.setAnswer(() => ({ status: world.received.length === 1 ? status : 204 }));
      await world.fanOut(first);
      await world.settleAll();
      expect(instantsOf('crm')).toEqual([0, 1000]);
      expect(await endings()).toEqual({ crm: 'DELIVERED' });
    },
  );
});

describe('a request', () => {
  test('has the headers of the operator at each attempt', async () => {
    await add('crm', { headers: { 'x-tenant': 'acme', 'x-region': 'eu-west-1' }, retryDelaysMs: [second] });
    world.setAnswer(() => ({ status: world.received.length === 1 ? 500 : 204 }));
    await world.fanOut(first);
    await world.settleAll();
    expect(world.received).toHaveLength(2);
    for (const { headers } of world.received)
      expect(headers).toMatchObject({ 'x-tenant': 'acme', 'x-region': 'eu-west-1' });
  });

  test('is a POST with the headers of the standard in lower case, each once', async () => {
    const requests: IncomingMessage[] = [];
    const server = createServer((request, response) => {
      requests.push(request);
      request.resume().on('end', () => response.end());
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void server.close());
    await crm.add({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook` });
    await world.fanOut(first);
    await world.settleAll();
    const [{ method, url, rawHeaders }] = requests as [IncomingMessage];
    expect([method, url]).toEqual(['POST', '/hook']);
    const names = rawHeaders.filter((_, index) => index % 2 === 0);
    expect(
      names.filter((name) => name.startsWith('webhook-') || name.toLowerCase() === 'content-type').toSorted(),
    ).toEqual([...['content-type', 'webhook-id', 'webhook-signature', 'webhook-timestamp']]);
  });

  test.each([
    ['http://example.com/hook', 'url: expected https:'],
    ['https://169.254.169.254/hook', 'url: expected an address on the public internet'],
    ['https://10.0.0.5/hook', 'url: expected an address on the public internet'],
  ])('never goes to %s, which no endpoint can have', async (url, problem) => {
    const adding = addEndpoint({ ...world.deps, allowPrivate: false }, 'crm', { url });
    await expect(adding).rejects.toThrow(expect.objectContaining({ problems: [problem] }));
    expect(await world.deps.endpoints.list()).toEqual([]);
  });
});
