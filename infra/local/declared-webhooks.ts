import type { DeclaredEndpoint } from '../../functions/webhooks/declared-endpoints.ts';
import { checkedSettings, checkSecret, EndpointError } from '../../functions/webhooks/endpoint-settings.ts';
import { type Config, ConfigError, millisecondsOf } from '../config.ts';

/**
 * The endpoints that a configuration declares, with what it leaves to the environment.
 *
 * @param file name of the configuration, for messages
 * @throws ConfigError that lists every mistake, but repeats no secret
 */
export function declaredWebhooks(
  file: string,
  { webhooks }: Config,
  environment: NodeJS.ProcessEnv,
  allowPrivate: boolean,
): DeclaredEndpoint[] {
  const problems: string[] = [];
  const declared = webhooks.map(({ name, url, urlFrom, secretFrom, retryDelays, ...rest }, at) => {
    const from = (variable: string | undefined): string | undefined => {
      if (variable === undefined) return undefined;
      if (!environment[variable]) problems.push(`webhooks[${at}]: expected ${variable} in the environment`);
      return environment[variable] ?? '';
    };
    const settings = {
      ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)),
      url: url ?? from(urlFrom) ?? '',
      ...(retryDelays && { retryDelays: retryDelays.map(millisecondsOf) }),
    };
    const secret = from(secretFrom);
    problems.push(
      ...problemsOf(() => {
        checkedSettings(name, settings, allowPrivate);
        if (secret !== undefined) checkSecret(secret);
      }).map((problem) => `webhooks[${at}].${problem}`),
    );
    return { name, settings, secret };
  });
  if (problems.length > 0) throw new ConfigError(file, problems);
  return declared;
}

function problemsOf(check: () => void): readonly string[] {
  try {
    check();
    return [];
  } catch (error) {
    if (!(error instanceof EndpointError)) throw error;
    return error.problems;
  }
}
