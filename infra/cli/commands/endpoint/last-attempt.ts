import { type ApiReader, path } from '#infra/cli/api/client.ts';
import type { AttemptResource, DeliveryResource, EndpointResource, Page } from '#infra/cli/api/resources.ts';

/** Deliveries searched for an attempt: the API's limit for a page. Deliveries that wait for their turn have none. */
const mostLookedAt = '100';

/** Finds the last attempt to a failing endpoint; undefined when there is none. */
export async function lastAttemptTo(api: ApiReader, { name }: EndpointResource): Promise<AttemptResource | undefined> {
  const { items } = await api.get<Page<DeliveryResource>>('/deliveries', { endpoint: name, limit: mostLookedAt });
  const tried = items.find(({ attempt, status }) => attempt > 0 && status !== 'DELIVERED');
  if (!tried) return undefined;
  const { attempts = [] } = await api.get<DeliveryResource>(path`/deliveries/${tried.event}/${name}`);
  return attempts.at(-1);
}
