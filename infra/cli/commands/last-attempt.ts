import { type ApiClient, path } from '#infra/cli/api/client.ts';
import type { DeliveryResource, EndpointResource, Page } from '#infra/cli/api/resources.ts';
import { attemptRemedy, attemptWords } from '#infra/terminal/attempt-words.ts';

/** Deliveries among which the last attempt is looked for, as many as one answer holds: those that wait for their turn have none. */
const mostLookedAt = '100';

/** What is known of the last attempts to reach an endpoint. */
export interface LastAttempt {
  /** How the last one ended. */
  readonly words: string;
  readonly remedy: string | undefined;
}

/** How the last attempt to an endpoint ended of which attempts fail; undefined when none is found. */
export async function lastAttemptTo(api: ApiClient, { name }: EndpointResource): Promise<LastAttempt | undefined> {
  const { items } = await api.get<Page<DeliveryResource>>('/deliveries', { endpoint: name, limit: mostLookedAt });
  const tried = items.find(({ attempt, status }) => attempt > 0 && status !== 'DELIVERED');
  if (!tried) return undefined;
  const { attempts = [] } = await api.get<DeliveryResource>(path`/deliveries/${tried.event}/${name}`);
  const last = attempts.at(-1);
  return last && { words: attemptWords(last), remedy: attemptRemedy(last) };
}
