import { DataKey } from '#functions/lambda/data-key.ts';
import type { Fields, readDeclareEnvironment } from '#functions/lambda/environment.ts';
import { Chats } from '#functions/watches/chats.ts';
import { webhookDependencies } from '#functions/webhooks/engine/dependencies.ts';
import type { DeclareDependencies } from './declare.ts';

/** @throws DataKeyError for a wrong data key */
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
