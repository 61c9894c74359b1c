import { type DeclaredEndpoint, filledIn } from '#functions/webhooks/endpoints/declared.ts';
import { targetProblem } from '#functions/webhooks/http/ssrf-guard.ts';
import type { Config } from '#infra/config/config.ts';
import { declarationPlaces, endpointDeclarations } from '#infra/config/declarations.ts';
import { settingProblems } from '#infra/config/webhook-settings.ts';
import { webhookVariables } from '#infra/config/webhook-variables.ts';

/** Endpoints of a configuration, with problems by path; messages repeat no secret. */
export interface DeclaredWebhooks {
  readonly endpoints: readonly DeclaredEndpoint[];
  readonly problems: readonly string[];
  /** Missing environment variables, each with the setting that names it. */
  readonly missing: readonly string[];
}

/** Reads the declared endpoints, and fills in the environment variables that they name. */
export function declaredWebhooks(
  config: Config,
  environment: NodeJS.ProcessEnv,
  allowPrivate: boolean,
): DeclaredWebhooks {
  const missing = webhookVariables(config).filter(({ variable }) => !environment[variable]);
  const places = declarationPlaces(config);
  const declared = endpointDeclarations(config).map((declaration, index) => {
    const endpoint = filledIn(declaration, environment);
    const problems = settingProblems(declaration, endpoint, allowPrivate, places[index]!).flatMap(
      ({ path, message }) => {
        // `missing` reports these problems already.
        if (missing.some((use) => use.path === path)) return [];
        const isPrivate =
          /^webhooks\[\d+\]\.url(From)?$/.test(path) && targetProblem(endpoint.settings.url, true) === undefined;
        return `${path}: ${message}${isPrivate ? `; ${orAllowed}` : ''}`;
      },
    );
    return { endpoint, problems };
  });
  return {
    endpoints: declared.map(({ endpoint }) => endpoint),
    problems: declared.flatMap(({ problems }) => problems),
    missing: missing.map(({ variable, path }) => `${variable}: this environment variable is missing; ${path} names it`),
  };
}

const orAllowed = 'for a receiver on this machine or in a private network, start with --allow-private-webhooks';
