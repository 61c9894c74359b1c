import { ApiError, CliError } from '#infra/cli/terminal/cli-error.ts';
import { confirmation } from '#infra/console/html/confirmation.ts';
import { type Html, html, joined } from '#infra/console/html/html.ts';
import type { ChangeRoute, PageRequest, Question, View } from '#infra/console/html/page.ts';
import { problemPage } from '#infra/console/html/problem-page.ts';
import type { Words } from '#infra/console/words/words.ts';
import { newSecret } from '#infra/loopback/loopback-guard.ts';
import { outcomeLine } from './outcome.ts';
import { SentForms } from './sent-forms.ts';

/** Fields of a form, by name. */
export type Fields = Readonly<Record<string, string>>;

/** A change of one address: it asks, and does. */
export interface Change {
  readonly path: string;
  /** @param given what was filled in before an error; empty at first */
  ask(request: PageRequest, given: Fields): Promise<Question> | Question;
  /** @returns a page on the way to the change, by which nothing is changed; undefined for a form that is to do it */
  step?(request: PageRequest, given: Fields): Promise<View | undefined>;
  /** Makes the page after an error of the operator API. @default the question again */
  again?(request: PageRequest, given: Fields, alert: Html): View;
  /** @returns the address to go on to, or a page that is shown once */
  run(request: PageRequest, given: Fields): Promise<string | View>;
}

/** Field that tells one form from all others. */
const keyField = 'form';

/**
 * Adds to each change what all need. A form works once. After an error of the operator API the question or the form
 * is there again, with the error, its remedy, and all that was filled in.
 */
export function guarded(changes: readonly Change[]): ChangeRoute[] {
  const sent = new SentForms<string | View>();
  return changes.map((change) => ({
    path: change.path,
    ask: (request) => askedBy(change, request, {}),
    async run(request, { [keyField]: key, ...given }) {
      if (key === undefined) return problemPage(request.words, 'form');
      const step = await change.step?.(request, given);
      if (step) return step;
      const sending = await sent.send(key, () => change.run(request, given).catch(askAgain(change, request, given)));
      return sending.isFirst ? sending.result : sentBefore(request.words);
    },
  }));
}

/** The question of a change, with the outcome of the one before it, and the key of this form. */
export async function askedBy(
  { ask }: Change,
  request: PageRequest,
  given: Fields = {},
  alert?: Html,
): Promise<Question> {
  const asked = await ask(request, given);
  return { ...asked, fields: html`${alert ?? outcomeLine(request)}${asked.fields}${newForm()}` };
}

/** Key of a form that was never sent. */
export const newForm = (): Html => html`<input type="hidden" name="${keyField}" value="${newSecret()}">`;

/** @throws Error again unless it is of the operator API */
const askAgain =
  (change: Change, request: PageRequest, given: Fields) =>
  async (error: Error): Promise<View> => {
    if (!(error instanceof CliError)) throw error;
    const alert = alertOf(request.words, error);
    if (change.again) return { ...change.again(request, given, alert), status: statusOf(error) };
    // Without its target, nothing can be asked again: the error's own page follows.
    const asked = await askedBy(change, request, given, alert).catch(() => Promise.reject(error));
    return { ...confirmation(request, asked), status: statusOf(error) };
  };

/** Repeats the operator API's words in their lines, and tells whether anything may have been changed. */
function alertOf({ say }: Words, error: CliError): Html {
  const isRefusal = error instanceof ApiError && error.status < 500;
  return html`<div class="problem" role="alert" tabindex="-1" autofocus>
<p class="said" lang="en">${joined(
    error.message.split('\n').map((line) => html`<bdi>${line}</bdi>`),
    html`<br>`,
  )}</p>
<p>${say(isRefusal ? 'remedy.refused' : 'change.unsure')}</p>
</div>`;
}

/** Statuses that mean the same to a reader of the page. */
const passedOn = [400, 404, 409, 422, 429] as const;

const statusOf = (error: CliError): View['status'] & number =>
  (error instanceof ApiError && passedOn.find((one) => one === error.status)) || 502;

function sentBefore({ say }: Words): View {
  const title = say('problem.sent-before');
  const main = html`<h1>${title}</h1>
<div class="problem" role="alert"><p>${say('remedy.sent-before')}</p></div>
<p><a href="/">${say('back.overview')}</a></p>`;
  return { title, main, status: 409 };
}
