import { beforeEach, describe, expect, test } from 'vitest';
import { type DeclaredEndpoint, declareEndpoints } from '#functions/webhooks/endpoints/declared.ts';
import { secretsOf } from '#functions/webhooks/endpoints/endpoint.ts';
import { addEndpoint, viewOf } from '#functions/webhooks/endpoints/lifecycle.ts';
import type { EndpointSettingsInput } from '#functions/webhooks/endpoints/settings.ts';
import { newSecret } from '#functions/webhooks/http/signature.ts';
import { crm, startEndpointWorld, world } from '#test/support/endpoint-world.ts';

beforeEach(startEndpointWorld);

/** An endpoint as the configuration file has it. */
const declared = (name: string, settings: Partial<EndpointSettingsInput> = {}, secret?: string): DeclaredEndpoint => ({
  name,
  settings: { url: world.urlOf(name), ...settings },
  secret,
});
const declare = (...some: (string | DeclaredEndpoint)[]) =>
  declareEndpoints(
    world.deps,
    some.map((one) => (typeof one === 'string' ? declared(one) : one)),
  );

describe('declareEndpoints', () => {
  test('adds an endpoint once, disables it when it leaves the file, and enables it when it returns', async () => {
    await addEndpoint(world.deps, 'by-hand', { url: world.urlOf('by-hand') });
    expect((await declare('crm', 'archive')).map(({ endpoint }) => endpoint.name)).toEqual(['crm', 'archive']);
    expect(await declare('crm', 'by-hand')).toEqual([]);
    const statuses = async () => (await world.deps.endpoints.list()).map(({ name, status }) => `${name} ${status}`);
    expect(await statuses()).toEqual(['archive disabled', 'by-hand active', 'crm active']);
    await declare('crm', 'archive');
    expect(await statuses()).toEqual(['archive active', 'by-hand active', 'crm active']);
    for (const endpoint of await world.deps.endpoints.list()) expect(endpoint).not.toHaveProperty('disabledBecause');
  });

  test('leaves an endpoint disabled that an operator has disabled', async () => {
    await declare('crm');
    await crm.disable();
    await declare('crm');
    expect(await crm.read()).toMatchObject({ status: 'disabled', disabledBecause: 'maintenance' });
    await declare();
    await declare('crm');
    expect(await crm.read()).toMatchObject({ status: 'disabled', disabledBecause: 'maintenance' });
  });

  test('takes the settings of the file, and the defaults for those that have left it', async () => {
    await declare(declared('crm', { mailboxes: ['a@example.com'], headers: { 'x-a': 'b' } }));
    await declare(declared('crm', { maxInFlight: 3 }));
    const endpoint = await crm.read();
    expect(endpoint).toMatchObject({ maxInFlight: 3, types: ['transfer.*'] });
    expect(endpoint).not.toHaveProperty('mailboxes');
    expect(viewOf(world.deps, endpoint).headerNames).toEqual([]);
    await declare('crm');
    expect((await crm.read()).maxInFlight).toBe(10);
  });

  test('takes a changed template of the file, and refuses to drop it', async () => {
    const withTemplate = (template?: Record<string, string>) => declared('crm', { format: 'template', template });
    await declare(withTemplate({ before: '{{id}}' }));
    await declare(withTemplate({ after: '{{id}}' }));
    expect(secretsOf(world.deps.dataKey, await crm.read()).template).toEqual({ after: '{{id}}' });
    await expect(declare(withTemplate())).rejects.toThrow('template: expected one with format template');
  });

  test('leaves alone an endpoint that an operator added under such a name', async () => {
    await crm.add({ maxInFlight: 3 });
    await declare('crm');
    expect(await world.deps.endpoints.list()).toMatchObject([{ maxInFlight: 3, rev: 0 }]);
  });

  test('rotates an endpoint to another secret of its owner, once', async () => {
    const [first, second] = [newSecret(), newSecret()];
    for (let time = 0; time < 2; time += 1) await declare(declared('crm', {}, first));
    expect(await crm.secrets()).toEqual([{ secret: first }]);
    for (let time = 0; time < 2; time += 1) await declare(declared('crm', {}, second));
    expect(await crm.secrets()).toMatchObject([{ secret: second }, { secret: first, until: expect.any(Number) }]);
    await declare('crm');
    expect((await crm.secrets())[0]).toEqual({ secret: second });
  });
});
