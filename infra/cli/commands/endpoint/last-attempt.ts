import { type ApiReader, path } from '#infra/cli/api/client.ts';
import type { AttemptResource, DeliveryResource, EndpointResource, Page } from '#infra/cli/api/resources.ts';

/** Deliveries searched for an attempt: the API's limit for a page. Deliveries that wait for their turn have none. */
const mostLookedAt = '100';

/**
 * Finds the last attempt to a failing endpoint; undefined when there is none.
 *
 * An open circuit breaker lets new deliveries wait without an attempt. More of them than a page has would hide those
 * that were tried, so a second search begins where the failures began.
 */
export async function lastAttemptTo(api: ApiReader, endpoint: EndpointResource): Promise<AttemptResource | undefined> {
  const { name, failures } = endpoint;
  const tried =
    (await newestTried(api, name)) ?? (failures && (await newestTried(api, name, justAfter(failures.since))));
  if (!tried) return undefined;
  const { attempts = [] } = await api.get<DeliveryResource>(path`/deliveries/${tried.event}/${name}`);
  return attempts.at(-1);
}

/** The newest delivery that was tried in vain; by `until`, only of events before that time. */
async function newestTried(api: ApiReader, endpoint: string, until?: string): Promise<DeliveryResource | undefined> {
  const { items } = await api.get<Page<DeliveryResource>>('/deliveries', { endpoint, until, limit: mostLookedAt });
  return items.find(({ attempt, status }) => attempt > 0 && status !== 'DELIVERED');
}

/** The event that failed first may be of the same millisecond as its attempt. */
const justAfter = (iso: string): string => new Date(Date.parse(iso) + 1).toISOString();
