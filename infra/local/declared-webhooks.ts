import {
  type DeclaredEndpoint,
  filledIn,
  problemsWith,
  variablesOf,
} from '../../functions/webhooks/declared-endpoints.ts';
import { type Config, ConfigError } from '../config.ts';
import { endpointDeclarations } from '../declarations.ts';

/**
 * The endpoints that a configuration declares, with what it leaves to the environment.
 *
 * @param file name of the configuration, for messages
 * @throws ConfigError that lists every mistake, but repeats no secret
 */
export function declaredWebhooks(
  file: string,
  config: Config,
  environment: NodeJS.ProcessEnv,
  allowPrivate: boolean,
): DeclaredEndpoint[] {
  const problems: string[] = [];
  const declared = endpointDeclarations(config).map((declaration, at) => {
    const missing = variablesOf(declaration).filter((variable) => !environment[variable]);
    problems.push(...missing.map((variable) => `webhooks[${at}]: expected ${variable} in the environment`));
    const endpoint = filledIn(declaration, environment);
    problems.push(...problemsWith(endpoint, allowPrivate).map((problem) => `webhooks[${at}].${problem}`));
    return endpoint;
  });
  if (problems.length > 0) throw new ConfigError(file, problems);
  return declared;
}
