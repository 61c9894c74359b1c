import { expect, test } from 'vitest';
import { addEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { Work } from '#functions/webhooks/engine/work.ts';
import { exampleEvent, startWebhookWorld } from '#test/support/webhook-world.ts';

test('a request that another process has looked after meanwhile is left to nobody', async () => {
  const world = await startWebhookWorld();
  try {
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
    const event = exampleEvent('requested');
    await world.fanOut(event);
    const now = world.clock.now().getTime();
    await world.otherLeases().leaveRequest('crm', [event.id], now, now);
    const work = new Work(world.deps, 'crm', [], true);
    expect((await work.look(1, true))?.deliveries).toHaveLength(1);
    work.putBack(event.id);
    expect(await work.leave(now, false)).toBe(true);
    for (const { sk } of await world.otherLeases().requests('crm')) await world.otherLeases().deleteRequest('crm', sk);
    expect(await work.look(1, true)).toBeUndefined();
    expect(await work.leave(now, false)).toBe(false);
  } finally {
    await world.close();
  }
});
