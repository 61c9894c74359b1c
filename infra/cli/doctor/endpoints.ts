import type { EndpointResource } from '#infra/cli/api/resources.ts';
import type { Session } from '#infra/cli/api/session.ts';
import { failuresText } from '#infra/cli/commands/endpoint/endpoint-view.ts';
import { lastAttemptTo } from '#infra/cli/commands/endpoint/last-attempt.ts';
import { attemptRemedy, attemptWords } from '#infra/terminal/attempt-words.ts';
import { endpointCauseWords } from '#infra/terminal/endpoint-cause.ts';
import { type Check, met, orFailed, warn } from './check.ts';

/** Failing endpoints reported one by one. */
const mostTold = 3;

/** Finds endpoints with failing attempts, and the cause. */
export const checkEndpoints = (session: Session): Promise<Check[]> =>
  orFailed('endpoints', async () => {
    const { items } = await session.api.list<EndpointResource>('/endpoints', {}, Number.POSITIVE_INFINITY);
    const failing = items.filter(({ status, failures, health }) => status === 'active' && (failures || health));
    const told = await Promise.all(failing.slice(0, mostTold).map((endpoint) => checked(session, endpoint)));
    const more = failing.length - told.length;
    return met([...told, more > 0 && warn('endpoints', `${more} more are failing`, session.hint('endpoint list'))]);
  });

async function checked({ api, hint }: Session, endpoint: EndpointResource): Promise<Check> {
  const { name, health } = endpoint;
  const last = await lastAttemptTo(api, endpoint);
  const cause = last ? attemptWords(last) : health && endpointCauseWords(health.cause);
  const message = [`${name}: ${failuresText(endpoint)}`, cause].filter(Boolean).join(': ');
  return warn('endpoints', message, (last && attemptRemedy(last)) ?? hint(`delivery list --endpoint ${name}`));
}
