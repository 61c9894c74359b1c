import { setTimeout as sleep } from 'node:timers/promises';
import type { readOperatorEnvironment } from '../env.ts';
import { pollDependencies } from '../transfers/dependencies.ts';
import { fanOutDependencies } from '../webhooks/dependencies.ts';
import { DataKey } from '../webhooks/sealing.ts';
import type { OperatorDependencies } from './operation.ts';

/**
 * Builds what operators' wishes are done with.
 *
 * @throws the file system's error when the CA file cannot be read, DataKeyError for a wrong data key
 */
export const operatorDependencies = (env: ReturnType<typeof readOperatorEnvironment>): OperatorDependencies => ({
  version: env.NOTIFIER_VERSION,
  transfers: pollDependencies(env),
  webhooks: {
    ...fanOutDependencies(env),
    dataKey: new DataKey(env.DATA_KEY),
    allowPrivate: env.ALLOW_PRIVATE_WEBHOOKS === 'yes',
  },
  sleep,
});
