import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DataKey } from '#functions/lambda/data-key.ts';
import type { Fields, readDeclareEnvironment } from '#functions/lambda/environment.ts';
import { sdkSettings } from '#functions/lambda/sdk-settings.ts';
import { type WantedWatch, Watches } from '#functions/watches/watches.ts';
import * as declared from '#functions/webhooks/endpoints/declared.ts';
import { deliveryDependencies } from '#functions/webhooks/engine/dependencies.ts';

export interface Declarations {
  readonly watches: readonly WantedWatch[];
  readonly endpoints: readonly declared.EndpointDeclaration[];
}

export type Declared = Readonly<Awaited<ReturnType<typeof declare>>>;

/** @throws DataKeyError for a wrong data key */
export function declareDependencies(env: ReturnType<typeof readDeclareEnvironment>, fields: Fields) {
  const dynamo = new DynamoDBClient(sdkSettings);
  return {
    watches: new Watches({ dynamo, table: env.TRANSFERS_TABLE }),
    endpointLife: { ...deliveryDependencies(env, dynamo), dataKey: new DataKey(env.DATA_KEY), allowPrivate: false },
    fields,
  };
}

/**
 * Applies the configuration file. What operators added stays unchanged; what the file no longer declares is only disabled.
 * Idempotent. @throws EndpointError when other writers won every try at an endpoint
 */
export async function declare(deps: ReturnType<typeof declareDependencies>, { watches, endpoints }: Declarations) {
  await deps.watches.declare(watches, false, deps.endpointLife.now().toISOString());
  const judged = endpoints.map((declaration) => {
    const endpoint = declared.filledIn(declaration, deps.fields);
    const missing = declared.variablesOf(declaration).filter((variable) => !deps.fields[variable]);
    if (missing.length > 0)
      return { endpoint, because: missing.map((variable) => `the secret has no field ${variable}`) };
    return { endpoint, because: declared.problemsWith(endpoint, deps.endpointLife.allowPrivate) };
  });
  const ready = judged.filter(({ because }) => because.length === 0).map(({ endpoint }) => endpoint);
  /** Endpoints left unchanged until the secret has valid values for all of their variables. */
  const waiting = judged
    .filter(({ because }) => because.length > 0)
    .map(({ endpoint, because }) => ({ endpoint: endpoint.name, because }));
  await declared.declareEndpoints(deps.endpointLife, ready, waiting);
  return { watches: watches.length, endpoints: ready.length, waiting };
}
