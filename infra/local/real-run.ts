import type { DeclaredEndpoint } from '#functions/webhooks/endpoints/declared.ts';
import { type Config, ConfigError, loadConfig } from '#infra/config/config.ts';
import { type Credentials, readCredentials } from '#infra/config/credentials.ts';
import type { SmtpSettings } from '#infra/config/smtp.ts';
import { type DeclaredWebhooks, declaredWebhooks } from './declared-webhooks.ts';
import type { Options } from './options.ts';

export interface RunOptions extends Omit<Options, 'config' | 'json' | 'verbose'> {
  readonly config: Config;
  readonly credentials: Credentials;
  readonly endpoints: readonly DeclaredEndpoint[];
  /** Prefix of tables, topics and queues, which keeps them apart from others of the same names. */
  readonly prefix: string;
  readonly onSecret?: (endpoint: string, secret: string) => void;
}

/**
 * Reads the options of a run. Checks file and environment together, to report all mistakes at once, with their places.
 *
 * @throws ConfigError
 */
export function realRun(file: string, options: Options, environment: NodeJS.ProcessEnv): RunOptions {
  let webhooks: DeclaredWebhooks = { endpoints: [], problems: [], missing: [] };
  let smtp: SmtpSettings | undefined;
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
      smtp = sound.notify.smtp;
      webhooks = declaredWebhooks(sound, environment, options.allowPrivateWebhooks);
      return webhooks.problems;
    }),
  );
  const { endpoints, missing } = webhooks;
  const credentials = tried(() => readCredentials(environment, missing, smtp));
  if (!config || !credentials || errors.length > 0) throw ConfigError.joined(errors);
  return { ...options, config, credentials, endpoints, prefix: '' };
}
