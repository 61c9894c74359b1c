import { testEvent } from '#functions/events/endpoint-event.ts';
import { factId } from '#functions/events/event-id.ts';
import { digestOf } from '#functions/notices/digest.ts';
import { isForPeople, kindFor } from '#functions/webhooks/endpoints/format.ts';
import { existingEndpoint, wake } from '#functions/webhooks/endpoints/lifecycle.ts';
import type { DeliveryDependencies } from './deliveries.ts';
import type { DeliveryName } from './delivery.ts';

/** Sends an endpoint a test event, whatever types it subscribes to, and returns the new delivery. */
export async function sendTest(deps: DeliveryDependencies, name: string): Promise<DeliveryName> {
  const { format, createdAt } = await existingEndpoint(deps, name);
  const now = deps.now();
  const at = now.toISOString();
  const event = testEvent(name, at);
  const period = { id: factId('dig', event.id), since: at, until: at };
  const published = isForPeople(format) ? digestOf([event], period).digest : event;
  const stored = { kind: kindFor(format), id: published.id, body: JSON.stringify(published), at };
  await deps.deliveries.create(stored, { name, createdAt }, now.getTime(), true);
  await wake(deps, name, [stored.id]);
  return { event: stored.id, endpoint: name };
}
