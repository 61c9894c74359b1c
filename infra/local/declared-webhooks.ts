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

/** The endpoints of a configuration, and what is wrong with them, each with its path; no secret is repeated. */
export interface DeclaredWebhooks {
  readonly endpoints: readonly DeclaredEndpoint[];
  readonly problems: readonly string[];
  /** Variables of the environment that are missing, each with the place that names it. */
  readonly missing: readonly string[];
}

/** The endpoints that a configuration declares, with what it leaves to the environment. */
export function declaredWebhooks(
  config: Config,
  environment: NodeJS.ProcessEnv,
  allowPrivate: boolean,
): DeclaredWebhooks {
  const missing = webhookVariables(config).filter(({ variable }) => !environment[variable]);
  const declared = endpointDeclarations(config).map((declaration, at) => {
    const endpoint = filledIn(declaration, environment);
    const problems = problemsWith(endpoint, allowPrivate).map((problem) => {
      const { path, message } = placed(declaration, problem);
      const isPrivate = problem.startsWith('url: ') && targetProblem(endpoint.settings.url, true) === undefined;
      return { path: `webhooks[${at}].${path}`, message: isPrivate ? `${message}; ${orAllowed}` : message };
    });
    // What a missing variable should have filled is told as that.
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

/** Where a problem of an endpoint stands in the file: a value that a variable holds, at the name of that variable. */
function placed({ urlFrom, headersFrom = {} }: EndpointDeclaration, problem: string) {
  const end = problem.indexOf(': ');
  const [setting = '', ...rest] = problem.slice(0, end).split('.');
  const isFrom = setting === 'secret' || (setting === 'url' && urlFrom !== undefined);
  const isHeaderFrom = setting === 'headers' && Object.hasOwn(headersFrom, rest.join('.'));
  const within = rest.map((key) => (/^\d+$/.test(key) ? `[${key}]` : `.${key}`));
  const path = [isFrom || isHeaderFrom ? `${setting}From` : setting, ...within].join('');
  return { path, message: problem.slice(end + 2) };
}
