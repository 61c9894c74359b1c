import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Fields, readDeclareEnvironment } from '../env.ts';
import { webhookDependencies } from '../webhooks/dependencies.ts';
import { DataKey } from '../webhooks/sealing.ts';
import type { DeclareDependencies } from './declare.ts';

/**
 * Builds what declaring works with.
 *
 * @throws DataKeyError
 */
export const declareDependencies = (
  env: ReturnType<typeof readDeclareEnvironment>,
  fields: Fields,
): DeclareDependencies => ({
  dynamo: new DynamoDBClient({}),
  transfersTable: env.TRANSFERS_TABLE,
  endpointLife: { ...webhookDependencies(env), dataKey: new DataKey(env.DATA_KEY), allowPrivate: false },
  fields,
});
