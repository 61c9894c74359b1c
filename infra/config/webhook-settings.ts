import {
  type DeclaredEndpoint,
  type EndpointDeclaration,
  problemsWith,
} from '#functions/webhooks/endpoints/declared.ts';

/** Problem of a setting; `path` is relative to the webhook, for example `headersFrom.X-Key`. */
export interface SettingProblem {
  readonly path: string;
  readonly message: string;
}

/**
 * Checks a declared webhook as the notifier itself does, and locates each problem in the file. The place of a variable's
 * value is the name of the variable.
 */
export const settingProblems = (
  { urlFrom, headersFrom = {} }: EndpointDeclaration,
  endpoint: DeclaredEndpoint,
  allowPrivate: boolean,
): SettingProblem[] =>
  problemsWith(endpoint, allowPrivate).map((problem) => {
    const end = problem.indexOf(': ');
    const [setting = '', ...rest] = problem.slice(0, end).split('.');
    const isFrom = setting === 'secret' || (setting === 'url' && urlFrom !== undefined);
    const isHeaderFrom = setting === 'headers' && Object.hasOwn(headersFrom, rest.join('.'));
    const within = rest.map((key) => (/^\d+$/.test(key) ? `[${key}]` : `.${key}`));
    // The file has durations where the notifier has milliseconds.
    const named = setting === 'retryDelaysMs' ? 'retryDelays' : setting;
    const path = [isFrom || isHeaderFrom ? `${named}From` : named, ...within].join('');
    return { path, message: problem.slice(end + 2) };
  });
