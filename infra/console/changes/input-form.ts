import { type Html, html } from '#infra/console/html/html.ts';
import type { PageRequest, Question, Section, View } from '#infra/console/html/page.ts';
import type { Phrase } from '#infra/console/words/words.ts';
import type { Fields } from './change.ts';

/** Says which field is wrong, and what is expected. */
export interface WrongInput {
  readonly wrong: Phrase;
}

/** A change that needs input: what it asks for, and what it does with that. */
export interface InputForm<Input extends object> {
  readonly path: string;
  readonly section: Section;
  readonly title: (request: PageRequest, given: Fields) => string;
  /** Fields of the form, hidden ones for its target included. */
  readonly form: (request: PageRequest, given: Fields) => Html;
  readonly read: (request: PageRequest, given: Fields) => Input | WrongInput;
  readonly ask: (request: PageRequest, input: Input) => Promise<Question> | Question;
  readonly run: (request: PageRequest, input: Input) => Promise<string | View>;
}

interface Shown {
  readonly given: Fields;
  /** Tells what is wrong with the input before. */
  readonly alert?: Html | undefined;
  readonly method: 'get' | 'post';
  /** Hidden fields that lead to the next page. */
  readonly step: Html;
}

/** The page with the form, filled in with what was given. */
export function formPage<Input extends object>(
  { path, section, title, form }: InputForm<Input>,
  request: PageRequest,
  { given, alert, method, step }: Shown,
): View {
  const name = title(request, given);
  const main = html`<h1>${name}</h1>
${alert}
<form class="input" method="${method}" action="${path}">
${form(request, given)}
${step}
<div><button type="submit">${request.words.say('change.continue')}</button></div>
</form>`;
  return { title: name, section, main };
}

/** Says what is wrong with the input, and has a screen reader begin there. */
export const mistakeAlert = ({ words: { say } }: PageRequest, { wrong }: WrongInput): Html =>
  html`<div class="problem" role="alert" tabindex="-1" autofocus><p>${say(wrong)}</p></div>`;

/** Fields that a person does not see. */
export const hiddenFields = (fields: Fields): Html =>
  html`${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}`;
