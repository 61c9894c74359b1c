import {
  type DeclaredEndpoint,
  type EndpointDeclaration,
  filledIn,
  problemsWith,
} from '#functions/webhooks/endpoints/declared.ts';
import { targetProblem } from '#functions/webhooks/http/ssrf-guard.ts';
import type { Config } from '#infra/config/config.ts';
import { endpointDeclarations } from '#infra/config/declarations.ts';
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
  const declared = endpointDeclarations(config).map((declaration, index) => {
    const endpoint = filledIn(declaration, environment);
    const problems = problemsWith(endpoint, allowPrivate).map((problem) => {
      const { path, message } = placed(declaration, problem);
      const isPrivate = problem.startsWith('url: ') && targetProblem(endpoint.settings.url, true) === undefined;
      return { path: `webhooks[${index}].${path}`, message: isPrivate ? `${message}; ${orAllowed}` : message };
    });
    // `missing` reports these problems already.
    const wrong = problems.filter(({ path }) => !missing.some((use) => use.path === path));
    return { endpoint, problems: wrong.map(({ path, message }) => `${path}: ${message}`) };
  });
  return {
    endpoints: declared.map(({ endpoint }) => endpoint),
    problems: declared.flatMap(({ problems }) => problems),
    missing: missing.map(({ variable, path }) => `${variable}: this environment variable is missing; ${path} names it`),
  };
}

const orAllowed = 'for a receiver on this machine or in a private network, start with --allow-private-webhooks';

/** Locates a problem in the file; the place of a variable's value is the name of the variable. */
function placed({ urlFrom, headersFrom = {} }: EndpointDeclaration, problem: string) {
  const end = problem.indexOf(': ');
  const [setting = '', ...rest] = problem.slice(0, end).split('.');
  const isFrom = setting === 'secret' || (setting === 'url' && urlFrom !== undefined);
  const isHeaderFrom = setting === 'headers' && Object.hasOwn(headersFrom, rest.join('.'));
  const within = rest.map((key) => (/^\d+$/.test(key) ? `[${key}]` : `.${key}`));
  const path = [isFrom || isHeaderFrom ? `${setting}From` : setting, ...within].join('');
  return { path, message: problem.slice(end + 2) };
}
