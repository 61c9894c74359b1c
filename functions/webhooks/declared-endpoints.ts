import { secretsOf } from './attempt.ts';
import type { Endpoint } from './endpoint.ts';
import {
  addEndpoint,
  type EndpointLifeDependencies,
  modify,
  type NewEndpoint,
  rotateSecret,
  updateEndpoint,
} from './endpoint-life.ts';
import type { EndpointSettingsInput } from './endpoint-settings.ts';
import { Endpoints } from './endpoints.ts';

/** An endpoint as the configuration file declares it. */
export interface DeclaredEndpoint {
  readonly name: string;
  readonly settings: EndpointSettingsInput;
  /** Its secret, if its owner has chosen one. */
  readonly secret: string | undefined;
}

const undeclared = 'the configuration file no longer declares it';

/**
 * Makes the declared endpoints what the configuration file says: adds those that are new, changes those that differ,
 * disables those that no longer stand in it, and leaves alone what operators added.
 *
 * @returns the added ones, with the secrets that are shown this once
 * @throws EndpointError for wrong settings
 */
export async function declareEndpoints(
  deps: EndpointLifeDependencies,
  declared: readonly DeclaredEndpoint[],
): Promise<NewEndpoint[]> {
  const known = new Map(
    (await new Endpoints(deps.dynamo, deps.table).list()).map((endpoint) => [endpoint.name, endpoint]),
  );
  const added: NewEndpoint[] = [];
  for (const { name, settings, secret } of declared) {
    const endpoint = known.get(name);
    known.delete(name);
    if (!endpoint) added.push(await addEndpoint(deps, name, settings, secret === undefined ? {} : { secret }, true));
    else if (endpoint.isDeclared) await align(deps, endpoint, settings, secret);
  }
  for (const endpoint of known.values()) {
    if (!endpoint.isDeclared || endpoint.status === 'disabled') continue;
    await modify(deps, endpoint.name, (current) => ({ ...current, status: 'disabled', disabledBecause: undeclared }));
  }
  return added;
}

async function align(
  deps: EndpointLifeDependencies,
  endpoint: Endpoint,
  settings: EndpointSettingsInput,
  secret: string | undefined,
): Promise<void> {
  const { name } = endpoint;
  const { mailboxes, directions, types, headers, retryDelays, maxInFlight, ...rest } = settings;
  await updateEndpoint(deps, name, { mailboxes, directions, types, headers, retryDelays, maxInFlight, ...rest });
  const current = secretsOf(deps.dataKey, endpoint).secrets[0]?.secret;
  if (secret !== undefined && secret !== current) await rotateSecret(deps, name, undefined, secret);
  if (endpoint.disabledBecause !== undeclared) return;
  await modify(deps, name, ({ disabledBecause: _, ...current }) => ({ ...current, status: 'active' }));
}
