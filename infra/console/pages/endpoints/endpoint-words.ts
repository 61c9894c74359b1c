import { isForPeople } from '#functions/webhooks/endpoints/format.ts';
import { path } from '#infra/cli/api/client.ts';
import type { EndpointResource } from '#infra/cli/api/resources.ts';
import { badge } from '#infra/console/html/elements.ts';
import type { Html } from '#infra/console/html/html.ts';
import type { PageRequest, Section } from '#infra/console/html/page.ts';

/** Address of the page of a webhook or reader, or of one of its changes. */
export const endpointAddress = (name: string, change = ''): string =>
  `/endpoint${change}?${new URLSearchParams({ name })}`;

/** The webhook or reader that an address names; it may not exist. */
export const nameIn = ({ searchParams }: URL): string => searchParams.get('name')?.trim() ?? '';

/** @throws ApiError for an unknown name */
export const readEndpoint = ({ api, url }: PageRequest): Promise<EndpointResource> =>
  api.get<EndpointResource>(path`/endpoints/${nameIn(url) || ' '}`);

/** People read notices; systems get webhooks. */
export const sectionOf = ({ format }: EndpointResource): Section & ('notices' | 'webhooks') =>
  isForPeople(format) ? 'notices' : 'webhooks';

/** Status; an active endpoint may be `failing`, or `retrying` before that, as on the command line. */
function stateOf({ status, health, failures }: EndpointResource) {
  if (status !== 'active') return status;
  if (health) return 'failing';
  return failures ? 'retrying' : status;
}

const tones = { active: 'good', retrying: 'warn', failing: 'bad', paused: 'warn', disabled: 'bad' } as const;

export function endpointBadge({ words: { say } }: PageRequest, endpoint: EndpointResource): Html {
  const state = stateOf(endpoint);
  return badge(tones[state], say(`status.${state}`));
}

/** Failed attempts since the last success; undefined without any. */
export function failuresText({ words }: PageRequest, { failures, health }: EndpointResource): string | undefined {
  if (failures) return words.say('endpoint.failures', { count: failures.count, since: words.time(failures.since) });
  return health && words.say('endpoint.failing-since', { since: words.time(health.failingSince) });
}
