import { ConfigError, loadConfig } from '#infra/config/config.ts';
import { readCredentials } from '#infra/config/credentials.ts';
import { type DeclaredWebhooks, declaredWebhooks } from './declared-webhooks.ts';
import type { Options } from './options.ts';
import type { RunOptions } from './run-options.ts';

/**
 * Reads the options of a run. Checks file and environment together, to report all mistakes at once, with their places.
 *
 * @throws ConfigError
 */
export function realRun(
  file: string,
  { data, notifyExisting, allowPrivateWebhooks, awsEndpoints }: Options,
  environment: NodeJS.ProcessEnv,
): RunOptions {
  let webhooks: DeclaredWebhooks = { endpoints: [], problems: [], missing: [] };
  const errors: ConfigError[] = [];
  const tried = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      errors.push(error);
      return undefined;
    }
  };
  const config = tried(() =>
    loadConfig(file, (sound) => {
      webhooks = declaredWebhooks(sound, environment, allowPrivateWebhooks);
      return webhooks.problems;
    }),
  );
  const { endpoints, missing } = webhooks;
  const credentials = tried(() => readCredentials(environment, missing));
  if (!config || !credentials || errors.length > 0) throw ConfigError.joined(errors);
  return { config, credentials, data, notifyExisting, endpoints, allowPrivateWebhooks, awsEndpoints, prefix: '' };
}
