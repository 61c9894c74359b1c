import type { WantedWatch } from '#functions/watches/watches.ts';
import * as declared from '#functions/webhooks/endpoints/declared.ts';
import type { declareDependencies } from './dependencies.ts';

export interface Declarations {
  readonly watches: readonly WantedWatch[];
  readonly endpoints: readonly declared.EndpointDeclaration[];
}

export type Declared = Readonly<Awaited<ReturnType<typeof declare>>>;

/**
 * Applies the configuration file. What operators added stays unchanged; what the file no longer declares is only disabled.
 * Idempotent. @throws EndpointError when other writers won every try at an endpoint
 */
export async function declare(deps: ReturnType<typeof declareDependencies>, { watches, endpoints }: Declarations) {
  await deps.watches.declare(watches, false, deps.endpointLife.now().toISOString());
  const judged = endpoints.map((declaration) => {
    const endpoint = declared.filledIn(declaration, deps.fields);
    const missing = declared.variablesOf(declaration).filter((variable) => !deps.fields[variable]);
    const because = missing.map((variable) => `the secret has no field ${variable}`);
    return {
      endpoint,
      because: missing.length > 0 ? because : declared.problemsWith(endpoint, deps.endpointLife.allowPrivate),
    };
  });
  const ready = judged.filter(({ because }) => because.length === 0).map(({ endpoint }) => endpoint);
  const named = judged.map(({ endpoint, because }) => ({ endpoint: endpoint.name, because }));
  /** Endpoints left unchanged until the secret has valid values for all of their variables. */
  const waiting = named.filter(({ because }) => because.length > 0);
  await declared.declareEndpoints(deps.endpointLife, ready, waiting);
  return { watches: watches.length, endpoints: ready.length, waiting };
}
