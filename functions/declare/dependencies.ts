import type { Fields, readDeclareEnvironment } from '../env.ts';
import { Chats } from '../transfers/chats.ts';
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
): DeclareDependencies => {
  const webhooks = webhookDependencies(env);
  const chats = new Chats(webhooks.dynamo, env.TRANSFERS_TABLE);
  return {
    transfersTable: env.TRANSFERS_TABLE,
    endpointLife: { ...webhooks, chats, dataKey: new DataKey(env.DATA_KEY), allowPrivate: false },
    fields,
  };
};
