import { ApiError } from '#infra/cli/terminal/cli-error.ts';
import { confirmation } from '#infra/console/html/confirmation.ts';
import { withQuery } from '#infra/console/html/elements.ts';
import { type Html, html } from '#infra/console/html/html.ts';
import type { PageRequest, PageRoute, Question, Section, View } from '#infra/console/html/page.ts';
import { problemPage } from '#infra/console/html/problem-page.ts';
import type { Phrase } from '#infra/console/words/words.ts';
import { askedBy, type Change, type Fields } from './change.ts';

/** Says which field is wrong, and what is expected. */
export interface WrongInput {
  readonly wrong: Phrase;
}

/** A change that needs input: its address asks for input first, and then for consent. */
export interface InputChange<Input extends object> {
  readonly path: string;
  readonly section: Section;
  readonly title: (request: PageRequest, given: Fields) => string;
  /** Fields of the form, hidden ones for its target included. */
  readonly form: (request: PageRequest, given: Fields) => Html;
  readonly read: (request: PageRequest, given: Fields) => Input | WrongInput;
  /** Fields of the address that mean something else later, such as ages, as what they mean now. */
  readonly fixed?: (input: Input) => Fields;
  readonly ask: (request: PageRequest, input: Input) => Promise<Question> | Question;
  readonly run: (request: PageRequest, input: Input) => Promise<string | View>;
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
    if (given[askField] === undefined) return formView(made, request, given);
    const input = read(request, given);
    if ('wrong' in input) return { ...formView(made, request, given, input), status: 400 };
    const fields = fixed?.(input as Input) ?? {};
    const doing = { ...request, url: new URL(withQuery(url, fields), url) };
    return confirmation(doing, await askedBy(change, doing, {}));
  };
  return { page: { path, show }, change };
}

const fieldsOf = ({ searchParams }: URL): Fields => Object.fromEntries(searchParams);

function formView<Input extends object>(
  { path, section, title, form }: InputChange<Input>,
  request: PageRequest,
  given: Fields,
  mistake?: WrongInput,
): View {
  const { say } = request.words;
  const name = title(request, given);
  const alert =
    mistake && html`<div class="problem" role="alert" tabindex="-1" autofocus><p>${say(mistake.wrong)}</p></div>`;
  const main = html`<h1>${name}</h1>
${alert}
<form class="input" method="get" action="${path}">
${form(request, given)}
<input type="hidden" name="${askField}" value="1">
<div><button type="submit">${say('change.continue')}</button></div>
</form>`;
  return { title: name, section, main };
}

/** Fields that a person does not see. */
export const hiddenFields = (fields: Fields): Html =>
  html`${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}`;
