import {
  type DeclaredEndpoint,
  type EndpointDeclaration,
  problemsWith,
} from '#functions/webhooks/endpoints/declared.ts';

/**
 * Checks a webhook as the notifier does. Each problem has its path in the file. That of a variable's value is the place
 * of its name, for example `webhooks[0].headersFrom.X-Key`.
 */
export const settingProblems = (
  { urlFrom, headersFrom = {} }: EndpointDeclaration,
  endpoint: DeclaredEndpoint,
  allowPrivate: boolean,
  webhook: string,
) =>
  problemsWith(endpoint, allowPrivate).flatMap((problem) => {
    const end = problem.indexOf(': ');
    const [setting = '', ...rest] = problem.slice(0, end).split('.');
    // `problemsOfReaders` reports these problems already.
    if (setting === 'reader') return [];
    const isFrom = setting === 'secret' || (setting === 'url' && urlFrom !== undefined);
    const isHeaderFrom = setting === 'headers' && Object.hasOwn(headersFrom, rest.join('.'));
    const within = setting === 'variables' ? [] : rest.map((key) => (/^\d+$/.test(key) ? `[${key}]` : `.${key}`));
    // The file has durations where the notifier has milliseconds, and names variables in the template.
    const named = { retryDelaysMs: 'retryDelays', variables: 'template' }[setting] ?? setting;
    const path = `${webhook}.${named}${isFrom || isHeaderFrom ? 'From' : ''}${within.join('')}`;
    return [{ path, message: problem.slice(end + 2) }];
  });
