import { ApiError } from '#infra/cli/terminal/cli-error.ts';
import { confirmation } from '#infra/console/html/confirmation.ts';
import { withQuery } from '#infra/console/html/elements.ts';
import { type Html, html } from '#infra/console/html/html.ts';
import type { PageRequest, PageRoute, View } from '#infra/console/html/page.ts';
import { problemPage } from '#infra/console/html/problem-page.ts';
import { askedBy, type Change, type Fields } from './change.ts';
import { formPage, hiddenFields, type InputForm, mistakeAlert } from './input-form.ts';

/** A change that needs input: its address asks for input first, and then for consent. */
export interface InputChange<Input extends object> extends InputForm<Input> {
  /** Fields of the address that mean something else later, such as ages, as what they mean now. */
  readonly fixed?: (input: Input) => Fields;
}

/** Field of an address that has all input: what follows is the question. */
const askField = 'ask';

/** Makes the page and the change of an {@link InputChange}. All input is in the address, so that an error loses none. */
export function inputChange<Input extends object>(made: InputChange<Input>): { page: PageRoute; change: Change } {
  const { path, read, ask, run, fixed } = made;
  /** @throws ApiError for an address that no form has made */
  const inputOf = (request: PageRequest): Input => {
    const input = read(request, fieldsOf(request.url));
    if ('wrong' in input) throw new ApiError(400, 'the address lacks input');
    return input as Input;
  };
  const change: Change = {
    path,
    async ask(request) {
      const edit = html`<p><a href="${withQuery(request.url, { [askField]: undefined, done: undefined })}">${request.words.say('change.edit')}</a></p>`;
      const question = await ask(request, inputOf(request));
      return { ...question, fields: html`${question.fields}${edit}` };
    },
    run: async (request) => run(request, inputOf(request)),
  };
  const show = async (request: PageRequest): Promise<View> => {
    const { mayChange, url, words } = request;
    if (!mayChange) return problemPage(words, 'read-only');
    const given = fieldsOf(url);
    const form = (alert?: Html) =>
      formPage(made, request, { given, alert, method: 'get', step: hiddenFields({ [askField]: '1' }) });
    if (given[askField] === undefined) return form();
    const input = read(request, given);
    if ('wrong' in input) return { ...form(mistakeAlert(request, input)), status: 400 };
    const fields = fixed?.(input as Input) ?? {};
    const doing = { ...request, url: new URL(withQuery(url, fields), url) };
    return confirmation(doing, await askedBy(change, doing, {}));
  };
  return { page: { path, show }, change };
}

const fieldsOf = ({ searchParams }: URL): Fields => Object.fromEntries(searchParams);
