import { ApiError } from '#infra/cli/terminal/cli-error.ts';
import { confirmation } from '#infra/console/html/confirmation.ts';
import { type Html, html } from '#infra/console/html/html.ts';
import type { PageRequest, PageRoute, View } from '#infra/console/html/page.ts';
import { problemPage } from '#infra/console/html/problem-page.ts';
import { askedBy, type Change, type Fields, newForm } from './change.ts';
import { formPage, hiddenFields, type InputForm, mistakeAlert } from './input-form.ts';

/** Field of a form that leads to another page, and changes nothing: the form again, or the question. */
const stepField = 'step';

/**
 * Makes the page and the change of an {@link InputForm} whose input may hold secrets. It is in no address, which browsers
 * remember: forms hand it on. After an error the form is there again, with all that was filled in.
 */
export function postedChange<Input extends object>(made: InputForm<Input>): { page: PageRoute; change: Change } {
  const { path, read, ask, run } = made;
  const form = (request: PageRequest, given: Fields, alert?: Html): View => {
    const step = hiddenFields({ csrf: request.csrf, [stepField]: 'ask' });
    return formPage(made, request, { given, alert, method: 'post', step: html`${step}${newForm()}` });
  };
  /** @throws ApiError for input that no form has sent */
  const inputOf = (request: PageRequest, given: Fields): Input => {
    const input = read(request, given);
    if ('wrong' in input) throw new ApiError(400, 'the form lacks input');
    return input as Input;
  };
  const change: Change = {
    path,
    async ask(request, given) {
      const question = await ask(request, inputOf(request, given));
      const edit = html`<p><button type="submit" class="link" name="${stepField}" value="edit">${request.words.say('change.edit')}</button></p>`;
      return { ...question, fields: html`${question.fields}${hiddenFields(given)}${edit}` };
    },
    async step(request, { [stepField]: step, ...given }) {
      if (step === undefined) return undefined;
      if (step !== 'ask') return form(request, given);
      const input = read(request, given);
      if ('wrong' in input) return { ...form(request, given, mistakeAlert(request, input)), status: 400 };
      return confirmation(request, await askedBy(change, request, given));
    },
    again: form,
    run: async (request, given) => run(request, inputOf(request, given)),
  };
  const show = (request: PageRequest): View =>
    request.mayChange ? form(request, {}) : problemPage(request.words, 'read-only');
  return { page: { path, show }, change };
}
