import { beforeEach, describe, expect, test } from 'vitest';
import { addEndpoint, rotateSecret } from '#functions/webhooks/endpoints/lifecycle.ts';
import { secretsOf } from '#functions/webhooks/endpoints/secrets.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld } from '#test/support/webhook-world.ts';

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  return () => world.close();
});

const event = exampleEvent('20260101-000000-Example1');
const day = 86_400_000;
const now = () => world.clock.now().getTime();

const kept = async () => {
  const [endpoint] = await world.deps.endpoints.list();
  return secretsOf(world.deps.dataKey, endpoint!).secrets;
};

describe('rotating a secret', () => {
  test('again does not make an older one hold for longer than it would have', async () => {
    const { secret: first } = await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    const { secret: second } = await rotateSecret(world.deps, 'crm');
    world.clock.advance(day / 2);
    const { secret: third } = await rotateSecret(world.deps, 'crm');
    expect(await kept()).toEqual([
      { secret: third },
      { secret: second, until: now() + day },
      { secret: first, until: now() + day / 2 },
    ]);
    world.clock.advance(day / 2);
    const { secret: fourth } = await rotateSecret(world.deps, 'crm');
    expect((await kept()).map(({ secret }) => secret)).toEqual([fourth, third, second]);
  });

  test('without overlap forgets the old one', async () => {
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    const { secret } = await rotateSecret(world.deps, 'crm', 0);
    expect(await kept()).toEqual([{ secret }]);
  });

  test('renews an ed25519 key, too, and shows its public key', async () => {
    const added = await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') }, { isAsymmetric: true });
    const rotated = await rotateSecret(world.deps, 'crm', 0);
    expect(rotated.publicKey).toMatch(/^whpk_/);
    expect(rotated.publicKey).not.toBe(added.publicKey);
    await world.fanOut(event);
    await world.settleAll();
    expect(world.received[0]!.headers['webhook-signature']).toMatch(/^v1,\S+ v1a,\S+$/);
  });

  test('is refused for a chat, and for a malformed one, and leaves the old one as it was', async () => {
    await addEndpoint(world.deps, 'ops', { url: world.urlOf('ops'), format: 'slack' });
    await expect(rotateSecret(world.deps, 'ops')).rejects.toThrow('ops is a chat, which verifies no signature');
    const { secret } = await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    await expect(rotateSecret(world.deps, 'crm', day, 'whsec_c2hvcnQ=')).rejects.toThrow(/^secret: expected/);
    expect(await kept()).toEqual([{ secret }]);
  });
});
