import { pause, retryBudget } from '#functions/clock/backoff.ts';
import { dayMs } from '#functions/clock/retention.ts';
import type { DataKey } from '#functions/lambda/data-key.ts';
import { newPrivateKey, newSecret, publicKeyOf } from '#functions/webhooks/http/signature.ts';
import { type Endpoint, type EndpointSecrets, encryptionContext, type SigningSecret, secretsOf } from './endpoint.ts';
import type { WebhookDependencies } from './endpoints.ts';
import { isForPeople } from './format.ts';
import { mailOrigin } from './reader.ts';
import { checkedSettings, EndpointError, type EndpointSettingsInput, problemsOfSecret } from './settings.ts';
import { sendWakeUps } from './wake-ups.ts';

/** Dependencies of changes to endpoints; each change throws an EndpointError for an unknown name. */
export interface EndpointLifeDependencies extends WebhookDependencies {
  readonly dataKey: DataKey;
  readonly allowPrivate: boolean;
}

interface SigningOptions {
  /** The owner's own `whsec_…`. @default a new one */
  readonly secret?: string | undefined;
  /** Sign with ed25519 (`v1a`) as well. */
  readonly isAsymmetric?: boolean;
}

/** Milliseconds until the second clean-up of a removed endpoint; its last attempts have ended by then. */
const removedAgainMs = 60_000;
/** Most tries of a change that loses against other writers. */
const maxTries = 5;

/** @throws EndpointError for invalid settings, a name that is taken, or a mail that the file does not declare */
export async function addEndpoint(
  deps: EndpointLifeDependencies,
  name: string,
  input: EndpointSettingsInput,
  signing: SigningOptions = {},
  isDeclared = false,
) {
  const { shown, hidden } = divided(checkedSettings(name, input, deps.allowPrivate, signing.secret));
  if (shown.format === 'email' && !isDeclared)
    throw new EndpointError(['format: expected another, since a mail needs a reader in notify.readers of the file']);
  const secrets = isForPeople(shown.format) ? [] : newSecrets(signing);
  const endpoint: Endpoint = {
    ...shown,
    name,
    status: 'active',
    createdAt: deps.now().toISOString(),
    encrypted: encrypt(deps, name, { ...hidden, secrets }),
    rev: 0,
    ...(isDeclared && { isDeclared }),
  };
  const isThere = new EndpointError([`there is an endpoint ${name} already`], 'conflict');
  if (await deps.endpoints.find(name)) throw isThere;
  // A late attempt at a removed endpoint of this name may have left some. Forget them before the creation: a failure after
  // it would lose the secret, which is shown once.
  await deps.leases.forgetFailures(name, deps.now().getTime());
  if (!(await deps.endpoints.create(endpoint))) throw isThere;
  return withSecret(endpoint, secrets);
}

/** The visible part of an endpoint's secrets: no address, no query, and no path where others choose it. */
export function viewOf({ dataKey }: EndpointLifeDependencies, endpoint: Endpoint) {
  const { url, headers, secrets } = secretsOf(dataKey, endpoint);
  const { origin, pathname, search } = new URL(url);
  const isOwn = endpoint.format === 'event' || endpoint.format === 'cloudevents';
  const path = isOwn ? pathname + (search && '?…') : '/…';
  const view = endpoint.format === 'email' ? `${mailOrigin}…` : origin + path;
  return { url: view, headerNames: Object.keys(headers), publicKey: publicKeyIn(secrets) };
}

/** Changes the given settings; pending deliveries use them from their next attempt. */
export function updateEndpoint(deps: EndpointLifeDependencies, name: string, input: Partial<EndpointSettingsInput>) {
  return modify(deps, name, (endpoint) => {
    const { secrets, ...encrypted } = secretsOf(deps.dataKey, endpoint);
    const { types, mailboxes, directions, reader, format, retryDelaysMs, maxInFlight } = endpoint;
    const current = { types, mailboxes, directions, reader, format, retryDelaysMs, maxInFlight, ...encrypted };
    const settings = checkedSettings(name, { ...current, ...input }, deps.allowPrivate);
    if (settings.format !== format)
      throw new EndpointError(['format: expected the same as before; add another endpoint']);
    const { shown, hidden } = divided(settings);
    return { ...endpoint, ...shown, encrypted: encrypt(deps, name, { ...hidden, secrets }) };
  });
}

export const pauseEndpoint = changeStatus(['active'], 'paused');
export const resumeEndpoint = changeStatus(['paused'], 'active');
export const disableEndpoint = changeStatus(['active', 'paused'], 'disabled');

/** Sends new events again with a closed circuit breaker; deliveries on hold wait for `recover`. */
export async function enableEndpoint(deps: EndpointLifeDependencies, name: string): Promise<Endpoint> {
  const { status } = await existingEndpoint(deps, name);
  // First the breaker, otherwise an attempt could meet the old one. An active endpoint keeps its failures.
  if (status === 'disabled') await deps.leases.forgetFailures(name, deps.now().getTime());
  return changeStatus(['disabled'], 'active')(deps, name);
}

/**
 * Gives an endpoint a new secret, the owner's own or a generated one. During the overlap requests carry signatures by
 * both, the new one first. By default it leaves a day to change the receiver. @throws EndpointError for a malformed secret,
 * or an endpoint for people
 */
export async function rotateSecret(deps: EndpointLifeDependencies, name: string, overlapMs = dayMs, secret?: string) {
  const problems = problemsOfSecret(secret);
  if (problems.length > 0) throw new EndpointError(problems);
  let fresh: SigningSecret[] = [];
  const endpoint = await modify(deps, name, (current) => {
    const { secrets, ...encrypted } = secretsOf(deps.dataKey, current);
    if (secrets.length === 0) throw new EndpointError([`${name} is for people, who verify no signature`], 'conflict');
    const now = deps.now().getTime();
    fresh = newSecrets({ secret, isAsymmetric: secrets.some(isPrivateKey) });
    const old = secrets
      .map(({ secret: previous, until }) => ({ secret: previous, until: Math.min(until ?? Infinity, now + overlapMs) }))
      .filter(({ until }) => until > now);
    return { ...current, encrypted: encrypt(deps, name, { ...encrypted, secrets: [...fresh, ...old] }) };
  });
  return withSecret(endpoint, fresh);
}

export async function removeEndpoint(deps: EndpointLifeDependencies, name: string): Promise<void> {
  await existingEndpoint(deps, name);
  // The sweep ignores removed endpoints, so this wake-up cancels attempts in flight and rows the index did not show yet.
  // It precedes the deletion, so that an operator can repeat a removal that SQS refuses.
  await wake(deps, name, [], removedAgainMs);
  await deps.endpoints.delete(name);
  await deps.leases.forget(name);
  await wake(deps, name, []);
}

/** @throws EndpointError for an unknown name, or when other writers won every try */
export async function modify(deps: EndpointLifeDependencies, name: string, change: (endpoint: Endpoint) => Endpoint) {
  for (let tries = 1; tries <= maxTries; tries += 1) {
    const endpoint = await existingEndpoint(deps, name);
    const changed = change(endpoint);
    if (await deps.endpoints.replace(endpoint, changed)) return { ...changed, rev: endpoint.rev + 1 };
    await pause(tries, retryBudget());
  }
  throw new EndpointError([`${name} is being changed at this moment; try again`], 'conflict');
}

function changeStatus(from: readonly Endpoint['status'][], status: Endpoint['status']) {
  return (deps: EndpointLifeDependencies, name: string, disabledBecause?: string): Promise<Endpoint> =>
    modify(deps, name, ({ health: _, ...endpoint }) => {
      if (!from.includes(endpoint.status)) throw new EndpointError([misplaced(endpoint, status)], 'conflict');
      return { ...endpoint, status, disabledBecause };
    });
}

/** Explains an impossible change of status and names the command to use instead. */
function misplaced({ name, status }: Pick<Endpoint, 'name' | 'status'>, to: Endpoint['status']): string {
  if (to !== 'active' || status === to) return `${name} is ${status} already`;
  const [other, verb] = status === 'disabled' ? ['paused', 'enable'] : ['disabled', 'resume'];
  return `${name} is ${status}, not ${other}: npm run notifier -- endpoint ${verb} ${name}`;
}

/** @throws EndpointError for an unknown name */
export async function existingEndpoint(deps: WebhookDependencies, name: string): Promise<Endpoint> {
  const endpoint = await deps.endpoints.find(name);
  if (!endpoint) throw new EndpointError([`there is no endpoint ${name}`], 'missing');
  return endpoint;
}

/** @throws EndpointError when SQS does not take the wake-up */
export async function wake(deps: WebhookDependencies, endpoint: string, events: readonly string[], delay = 0) {
  const refused = await sendWakeUps(deps, [{ endpoint, events, at: deps.now().getTime() + delay }]);
  if (refused.length > 0)
    throw new EndpointError([`SQS did not take the message for ${endpoint}; try again`], 'conflict');
}

/** Divides settings into those of the row and those that are encrypted. */
const divided = ({ url, headers, template, variables, ...shown }: ReturnType<typeof checkedSettings>) => {
  const origin = shown.format === 'email' ? mailOrigin : new URL(url).origin;
  return { shown: { ...shown, origin }, hidden: { url, headers, template, variables } };
};

const encrypt = ({ dataKey }: EndpointLifeDependencies, name: string, secrets: EndpointSecrets): string =>
  dataKey.encrypt(JSON.stringify(secrets), encryptionContext(name));

const newSecrets = ({ secret = newSecret(), isAsymmetric = false }: SigningOptions): SigningSecret[] => [
  { secret },
  ...(isAsymmetric ? [{ secret: newPrivateKey() }] : []),
];

const isPrivateKey = ({ secret }: SigningSecret): boolean => secret.startsWith('whsk_');

/** The `whpk_…` of secrets, if requests are signed with ed25519 as well. */
const publicKeyIn = (secrets: readonly SigningSecret[]): string | undefined =>
  secrets.filter(isPrivateKey).map(({ secret }) => publicKeyOf(secret))[0];

/** An endpoint with its `whsec_…`, which is shown only once; people, who verify nothing, have none. */
const withSecret = (endpoint: Endpoint, secrets: readonly SigningSecret[]) => {
  return { endpoint, secret: secrets[0]?.secret, publicKey: publicKeyIn(secrets) };
};
