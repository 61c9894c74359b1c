import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DataKey } from '#functions/lambda/data-key.ts';
import type { Fields, readDeclareEnvironment } from '#functions/lambda/environment.ts';
import { sdkSettings } from '#functions/lambda/sdk-settings.ts';
import { Watches } from '#functions/watches/watches.ts';
import { deliveryDependencies } from '#functions/webhooks/engine/dependencies.ts';

/** @throws DataKeyError for a wrong data key */
export function declareDependencies(env: ReturnType<typeof readDeclareEnvironment>, fields: Fields) {
  const dynamo = new DynamoDBClient(sdkSettings);
  return {
    watches: new Watches({ dynamo, table: env.TRANSFERS_TABLE }),
    endpointLife: { ...deliveryDependencies(env, dynamo), dataKey: new DataKey(env.DATA_KEY), allowPrivate: false },
    fields,
  };
}
