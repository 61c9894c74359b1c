import pLimit from 'p-limit';
import { type Endpoint, secretsOf } from './endpoint.ts';
import { addEndpoint, type EndpointLifeDependencies, modify, rotateSecret, updateEndpoint } from './lifecycle.ts';
import { type EndpointSettingsInput, parseSettings } from './settings.ts';
import { variablesIn } from './template.ts';

export interface EndpointDeclaration {
  readonly name: string;
  readonly settings: Omit<EndpointSettingsInput, 'url'> & { readonly url?: string | undefined };
  /** Variables that hold the secret parts: the URL, the signing secret, the value of each header by its name. */
  readonly urlFrom?: string | undefined;
  readonly secretFrom?: string | undefined;
  readonly headersFrom?: Readonly<Record<string, string>> | undefined;
}

/** A declaration with the values of its variables; without the owner's own secret, one is generated. */
export type DeclaredEndpoint = Readonly<ReturnType<typeof filledIn>>;

export function variablesOf({ urlFrom, secretFrom, headersFrom = {}, settings }: EndpointDeclaration): string[] {
  const names = [urlFrom, secretFrom, ...Object.values(headersFrom), ...variablesIn(settings.template)];
  return names.filter((name) => name !== undefined);
}

/** Replaces variable names by their values; a missing variable counts as empty. */
export function filledIn(declaration: EndpointDeclaration, variables: Readonly<Record<string, string | undefined>>) {
  const { name, settings: given, urlFrom, secretFrom, headersFrom = {} } = declaration;
  const from = (variable: string): string => variables[variable] ?? '';
  const secretHeaders = Object.entries(headersFrom).map(([header, variable]) => [header, from(variable)]);
  const headers = { ...given.headers, ...Object.fromEntries(secretHeaders) };
  const inTemplate = Object.fromEntries(variablesIn(given.template).map((variable) => [variable, from(variable)]));
  const url = given.url ?? (urlFrom === undefined ? '' : from(urlFrom));
  const settings: EndpointSettingsInput = { ...given, url, headers, variables: inTemplate };
  return { name, settings, secret: secretFrom === undefined ? undefined : from(secretFrom) };
}

/** Lists the problems of a declared endpoint by the paths of its settings, without their values. */
export const problemsWith = ({ name, settings, secret }: DeclaredEndpoint, allowPrivate: boolean): readonly string[] =>
  parseSettings(name, settings, allowPrivate, secret).problems;

const concurrency = 8;
const undeclared = 'the configuration file no longer declares it';

/** Applies the configuration file, and returns the added endpoints. Those of operators, and `waiting` ones, stay. */
export async function declareEndpoints(
  deps: EndpointLifeDependencies,
  declared: readonly DeclaredEndpoint[],
  waiting: readonly { readonly endpoint: string }[] = [],
) {
  const known = new Map((await deps.endpoints.list()).map((endpoint) => [endpoint.name, endpoint]));
  for (const { endpoint } of waiting) known.delete(endpoint);
  const limit = pLimit(concurrency);
  const added = await limit.map(declared, async (declaration) => {
    const { name, settings, secret } = declaration;
    const endpoint = known.get(name);
    known.delete(name);
    if (!endpoint) return addEndpoint(deps, name, settings, { secret }, true);
    if (endpoint.isDeclared) await align(deps, endpoint, declaration);
    return undefined;
  });
  const dropped = [...known.values()].filter(({ isDeclared, status }) => isDeclared && status !== 'disabled');
  await limit.map(dropped, async ({ name }) => {
    await modify(deps, name, (current) => ({ ...current, status: 'disabled', disabledBecause: undeclared }));
  });
  return added.filter((endpoint) => endpoint !== undefined);
}

async function align(deps: EndpointLifeDependencies, endpoint: Endpoint, { name, settings, secret }: DeclaredEndpoint) {
  const { mailboxes, directions, reader, types, headers, retryDelaysMs, maxInFlight } = settings;
  // A setting that the file lacks gets its default.
  const all = { ...settings, mailboxes, directions, reader, types, headers, retryDelaysMs, maxInFlight };
  await updateEndpoint(deps, name, all);
  const current = secretsOf(deps.dataKey, endpoint).secrets[0]?.secret;
  if (secret !== undefined && secret !== current) await rotateSecret(deps, name, undefined, secret);
  if (endpoint.disabledBecause !== undeclared) return;
  await modify(deps, name, ({ disabledBecause: _, ...current }) => ({ ...current, status: 'active' }));
}
