import { ApiError, CliError } from '#infra/cli/terminal/cli-error.ts';
import type { Words } from '#infra/console/words/words.ts';
import { withQuery } from './elements.ts';
import { type Html, html } from './html.ts';
import type { PageRequest, View } from './page.ts';

/** Pages about a problem, by the name of their phrases. */
type Problem = 'token' | 'address' | 'missing' | 'refused' | 'cursor' | 'api' | 'fault' | 'form' | 'read-only' | 'size';

const statuses: Readonly<Record<Problem, View['status'] & number>> = {
  token: 403,
  address: 404,
  missing: 404,
  refused: 400,
  cursor: 400,
  api: 502,
  fault: 500,
  form: 403,
  'read-only': 403,
  size: 413,
};

/** A page that says what is wrong and what to do. @param said what the operator API said, in English */
export function problemPage({ say }: Words, problem: Problem, said?: string, back = '/'): View {
  const title = say(`problem.${problem}`);
  const main = html`<h1>${title}</h1>
<div class="problem" role="alert">
${said !== undefined && html`<p class="said" lang="en"><bdi>${said}</bdi></p>`}
<p>${say(`remedy.${problem}`)}</p>
</div>
${problem !== 'token' && html`<p><a href="${back}">${say(back === '/' ? 'back.overview' : 'back.list')}</a></p>`}`;
  return { title, main, status: statuses[problem] };
}

/** The page for an error: of the operator API, or of the console itself, whose text is not shown. */
export function errorPage({ words, url }: Pick<PageRequest, 'words' | 'url'>, error: Error): View {
  if (!(error instanceof CliError)) return problemPage(words, 'fault');
  const { message } = error;
  if (!(error instanceof ApiError)) return problemPage(words, 'api', message);
  if (error.status === 404) return problemPage(words, 'missing', message);
  // The API answers so to the cursor of another list, and to one that was shortened.
  const isCursor = error.status === 400 && url.searchParams.has('cursor') && /cursor/.test(message);
  if (isCursor) return problemPage(words, 'cursor', message, withQuery(url, { cursor: undefined }));
  return { ...problemPage(words, 'refused', message), status: passedOn.find((one) => one === error.status) ?? 502 };
}

/**
 * Repeats what the operator API says of input that it refuses, for the page that has its form.
 *
 * @throws Error again for another one, such as that of a cursor
 */
export function refusedInput({ words: { say }, url }: Pick<PageRequest, 'words' | 'url'>, error: Error): Html {
  if (!(error instanceof ApiError) || error.status !== 400 || url.searchParams.has('cursor')) throw error;
  return html`<div class="problem" role="alert" tabindex="-1" autofocus>
<p class="said" lang="en"><bdi>${error.message}</bdi></p>
<p>${say('remedy.refused')}</p>
</div>`;
}

/** Statuses of refusals that mean the same to a reader of the page. */
const passedOn = [400, 409, 422, 429] as const;
