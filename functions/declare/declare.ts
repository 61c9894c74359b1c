import type { Fields } from '#functions/lambda/environment.ts';
import { type WantedWatch, Watches } from '#functions/watches/watches.ts';
import {
  declareEndpoints,
  type EndpointDeclaration,
  filledIn,
  problemsWith,
  variablesOf,
} from '#functions/webhooks/endpoints/declared.ts';
import type { EndpointLifeDependencies } from '#functions/webhooks/endpoints/lifecycle.ts';

/** What the configuration file declares. */
export interface Declarations {
  readonly watches: readonly WantedWatch[];
  readonly endpoints: readonly EndpointDeclaration[];
}

export interface DeclareDependencies {
  readonly transfersTable: string;
  readonly endpointLife: EndpointLifeDependencies;
  /** The secret's fields. */
  readonly fields: Fields;
}

/** What was declared. */
export interface Declared {
  readonly watches: number;
  readonly endpoints: number;
  /** Endpoints that stay as they are until what they need stands in the secret, and is what it should be. */
  readonly waiting: readonly { readonly endpoint: string; readonly because: readonly string[] }[];
}

/**
 * Makes watches and endpoints what the configuration file says. What operators added stays as it is, and so does what the
 * file no longer declares, except that it is disabled. Doing it twice changes nothing.
 *
 * @throws EndpointError when others change an endpoint all the time
 */
export async function declare(deps: DeclareDependencies, { watches, endpoints }: Declarations): Promise<Declared> {
  const { dynamo, now } = deps.endpointLife;
  await new Watches(dynamo, deps.transfersTable).declare(watches, false, now().toISOString());
  const judged = endpoints.map((declaration) => {
    const endpoint = filledIn(declaration, deps.fields);
    const missing = variablesOf(declaration).filter((variable) => !deps.fields[variable]);
    const because = missing.map((variable) => `the secret has no field ${variable}`);
    return { endpoint, because: missing.length > 0 ? because : problemsWith(endpoint, deps.endpointLife.allowPrivate) };
  });
  const ready = judged.filter(({ because }) => because.length === 0).map(({ endpoint }) => endpoint);
  const waiting = judged
    .filter(({ because }) => because.length > 0)
    .map(({ endpoint: { name }, because }) => ({ endpoint: name, because }));
  const waitingNames = waiting.map(({ endpoint }) => endpoint);
  await declareEndpoints(deps.endpointLife, ready, waitingNames);
  return { watches: watches.length, endpoints: ready.length, waiting };
}
