import { beforeEach, describe, expect, test } from 'vitest';
import { type DeclaredEndpoint, declareEndpoints } from '#functions/webhooks/endpoints/declared.ts';
import { addEndpoint, disableEndpoint, existingEndpoint, viewOf } from '#functions/webhooks/endpoints/lifecycle.ts';
import { secretsOf } from '#functions/webhooks/endpoints/secrets.ts';
import type { EndpointSettingsInput } from '#functions/webhooks/endpoints/settings.ts';
import { newSecret } from '#functions/webhooks/http/signature.ts';
import { startWebhookWorld, type WebhookWorld } from '#test/support/webhook-world.ts';

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  return () => world.close();
});

/** What the configuration file says of an endpoint. */
const declared = (name: string, settings: Partial<EndpointSettingsInput> = {}, secret?: string): DeclaredEndpoint => ({
  name,
  settings: { url: world.urlOf(name), ...settings },
  secret,
});
const declare = (...names: string[]) =>
  declareEndpoints(
    world.deps,
    names.map((name) => declared(name)),
  );
const secretsOfCrm = async () => {
  const [endpoint] = await world.deps.endpoints.list();
  return secretsOf(world.deps.dataKey, endpoint!).secrets;
};

describe('endpoints of the configuration file', () => {
  test('are added once, disabled when they leave it, and well again when they return', async () => {
    await addEndpoint(world.deps, 'by-hand', { url: world.urlOf('by-hand') });
    expect((await declare('crm', 'archive')).map(({ endpoint }) => endpoint.name)).toEqual(['crm', 'archive']);
    expect(await declare('crm', 'by-hand')).toEqual([]);
    const statuses = async () => (await world.deps.endpoints.list()).map(({ name, status }) => `${name} ${status}`);
    expect(await statuses()).toEqual(['archive disabled', 'by-hand active', 'crm active']);
    await declare('crm', 'archive');
    expect(await statuses()).toEqual(['archive active', 'by-hand active', 'crm active']);
    for (const endpoint of await world.deps.endpoints.list()) expect(endpoint).not.toHaveProperty('disabledBecause');
  });

  test('stay disabled when an operator has disabled them', async () => {
    await declare('crm');
    await disableEndpoint(world.deps, 'crm', 'maintenance');
    await declare('crm');
    expect(await world.deps.endpoints.list()).toMatchObject([{ status: 'disabled', disabledBecause: 'maintenance' }]);
    await declare();
    await declare('crm');
    expect(await world.deps.endpoints.list()).toMatchObject([{ status: 'disabled', disabledBecause: 'maintenance' }]);
  });

  test('have the settings that stand there, and the defaults for those that no longer do', async () => {
    await declareEndpoints(world.deps, [declared('crm', { mailboxes: ['a@example.com'], headers: { 'x-a': 'b' } })]);
    await declareEndpoints(world.deps, [declared('crm', { maxInFlight: 3 })]);
    const endpoint = await existingEndpoint(world.deps, 'crm');
    const { headerNames } = viewOf(world.deps, endpoint);
    expect(endpoint).toMatchObject({ maxInFlight: 3, types: ['transfer.*'] });
    expect(endpoint).not.toHaveProperty('mailboxes');
    expect(headerNames).toEqual([]);
    await declare('crm');
    expect((await existingEndpoint(world.deps, 'crm')).maxInFlight).toBe(10);
  });

  test('leave one alone that an operator added under such a name', async () => {
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm'), maxInFlight: 3 });
    await declare('crm');
    expect(await world.deps.endpoints.list()).toMatchObject([{ maxInFlight: 3, rev: 0 }]);
  });

  test('are rotated to another secret of their owner, once', async () => {
    const [first, second] = [newSecret(), newSecret()];
    await declareEndpoints(world.deps, [declared('crm', {}, first)]);
    await declareEndpoints(world.deps, [declared('crm', {}, first)]);
    expect(await secretsOfCrm()).toEqual([{ secret: first }]);
    for (let time = 0; time < 2; time += 1) await declareEndpoints(world.deps, [declared('crm', {}, second)]);
    expect(await secretsOfCrm()).toMatchObject([{ secret: second }, { secret: first, until: expect.any(Number) }]);
    await declare('crm');
    expect((await secretsOfCrm())[0]).toEqual({ secret: second });
  });
});
