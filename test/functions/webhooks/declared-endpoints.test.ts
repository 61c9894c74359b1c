import { beforeEach, describe, expect, test } from 'vitest';
import { declareEndpoints } from '../../../functions/webhooks/declared-endpoints.ts';
import { addEndpoint, disableEndpoint, listEndpoints } from '../../../functions/webhooks/endpoint-life.ts';
import { startWebhookWorld, type WebhookWorld } from './webhook-world.ts';

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  return () => world.close();
});

describe('endpoints of the configuration file', () => {
  const declare = (...names: string[]) =>
    declareEndpoints(
      world.deps,
      names.map((name) => ({ name, settings: { url: world.urlOf(name) }, secret: undefined })),
    );

  test('are added once, disabled when they leave it, and well again when they return', async () => {
    await addEndpoint(world.deps, 'by-hand', { url: world.urlOf('by-hand') });
    expect((await declare('crm', 'archive')).map(({ endpoint }) => endpoint.name)).toEqual(['crm', 'archive']);
    expect(await declare('crm', 'by-hand')).toEqual([]);
    const statuses = async () => (await listEndpoints(world.deps)).map(({ name, status }) => `${name} ${status}`);
    expect(await statuses()).toEqual(['archive disabled', 'by-hand active', 'crm active']);
    await declare('crm', 'archive');
    expect(await statuses()).toEqual(['archive active', 'by-hand active', 'crm active']);
  });

  test('stay disabled when an operator has disabled them', async () => {
    await declare('crm');
    await disableEndpoint(world.deps, 'crm', 'maintenance');
    await declare('crm');
    expect(await listEndpoints(world.deps)).toMatchObject([{ status: 'disabled', disabledBecause: 'maintenance' }]);
  });
});
