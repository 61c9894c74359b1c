import { beforeEach, describe, expect, it } from 'vitest';
import { acquire, type InFlight, leaseDurationMs, newLease } from '#functions/webhooks/endpoints/lease.ts';
import { addEndpoint } from '#functions/webhooks/endpoints/lifecycle.ts';
import { endLeases, releaseLeases } from '#infra/local/interruption.ts';
import { exampleEvent, startWebhookWorld, type WebhookWorld, webhooksTable } from '#test/support/webhook-world.ts';

const event = exampleEvent('one').id;

let world: WebhookWorld;
beforeEach(async () => {
  world = await startWebhookWorld();
  await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm') });
  await world.fanOut(exampleEvent('one'));
  // The process that dies has received the message about the delivery.
  await world.takeWakeUps();
  return () => world.close();
});

const now = () => world.clock.now().getTime();
const deps = () => ({ dynamo: world.dynamo, table: webhooksTable, now: world.clock.now });
const read = () => world.otherLeases().read('crm');

/** Begins the first attempt of the delivery in another process. */
async function begin(inFlightAttempt: Partial<InFlight> = {}, more: Partial<typeof newLease> = {}): Promise<void> {
  const inFlight = { [event]: { attempt: 1, of: 0, until: now() + leaseDurationMs, ...inFlightAttempt } };
  await world.otherLeases().change('crm', newLease, (lease) => {
    const held = acquire(lease, 'dead', { inFlight, observations: [] }, 0, now());
    const { holder, ...rest } = held;
    return { ...(inFlightAttempt.isLone ? rest : held), ...more };
  });
}

/** The delivery after a sweep and its wake-ups, at the same time. */
async function afterwards() {
  await world.sweep();
  await world.answerWakeUps();
  const [delivery] = (await world.trace(event)).deliveries;
  return delivery;
}

describe.each<[string, Partial<InFlight>]>([
  ['an endpoint', {}],
  ['a single delivery', { isLone: true }],
])('lease of %s', (_, inFlightAttempt) => {
  it('ends at once after its process died, and the attempt counts', async () => {
    await begin(inFlightAttempt);
    expect(await afterwards()).toMatchObject({ status: 'PENDING', attempt: 0 });
    await endLeases(deps());
    expect(await afterwards()).toMatchObject({ status: 'DELIVERED', attempt: 2 });
  });

  it('is given back at once, and the attempt does not count', async () => {
    await begin(inFlightAttempt);
    await releaseLeases(deps(), ['crm']);
    // The message goes back to the queue, too.
    await world.deliver([{ endpoint: 'crm', events: [event] }]);
    const [delivery] = (await world.trace(event)).deliveries;
    expect(delivery).toMatchObject({ status: 'DELIVERED', attempt: 1 });
  });
});

describe('endLeases and releaseLeases', () => {
  it('leave a circuit breaker as it is', async () => {
    const breaker = {
      failures: 5,
      failedAttempts: 7,
      failedAt: now(),
      failingSince: now() - 1000,
      openUntil: now() + 60_000,
    };
    await begin({}, breaker);
    await endLeases(deps());
    expect(await read()).toMatchObject(breaker);
    await releaseLeases(deps(), ['crm']);
    expect(await read()).toMatchObject({ ...breaker, inFlight: {} });
  });

  it('leave a lease without a holder alone', async () => {
    await world.deliver([{ endpoint: 'crm', events: [event] }]);
    await world.otherLeases().change('crm', await read(), (lease) => ({ ...lease, rev: lease.rev + 1, inFlight: {} }));
    const before = await read();
    await endLeases(deps());
    await releaseLeases(deps(), ['crm', 'removed']);
    expect(await read()).toEqual(before);
  });
});
