import { expect, test } from 'vitest';
import { cancelDelivery } from '../../../functions/webhooks/cancel.ts';
import { addEndpoint } from '../../../functions/webhooks/endpoint-life.ts';
import { type FaultKind, FaultPlan } from '../transfers/aws-faults.ts';
import { exampleEvent, startWebhookWorld } from './webhook-world.ts';

/** Pauses where the lease is written for the second time. */
class SecondLease extends FaultPlan {
  override next(command: string): FaultKind | undefined {
    const before = this.calls.filter((one) => one === 'PutItemCommand').length;
    return command === 'PutItemCommand' && before === 1 ? 'pause' : undefined;
  }
}

test('a delivery that is cancelled after the holder of its endpoint has read it, and before it begins, is not sent', async () => {
  const world = await startWebhookWorld();
  try {
    await addEndpoint(world.deps, 'crm', { url: world.urlOf('crm'), maxInFlight: 1 });
    const events = [exampleEvent('transfer-1'), exampleEvent('transfer-2')] as const;
    await world.fanOut(...events);
    const wakeUps = await world.takeWakeUps();
    const plan = new SecondLease();
    const draining = world.faults.run(plan, () => world.deliver(wakeUps));
    await plan.reachedPause;
    const [sent] = world.received;
    const other = events.find(({ id }) => id !== sent!.headers['webhook-id'])!;
    expect(await cancelDelivery(world.deps, { event: other.id, endpoint: 'crm' })).toMatchObject({ isCancelled: true });
    plan.resume();
    await draining;
    expect(world.received).toHaveLength(1);
    expect((await world.trace(other.id)).deliveries).toMatchObject([{ status: 'CANCELLED' }]);
  } finally {
    await world.close();
  }
});
