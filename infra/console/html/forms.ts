import { type Html, html, type Part } from './html.ts';

interface Field {
  readonly name: string;
  readonly label: string;
  readonly value?: string | undefined;
  readonly isRequired?: boolean;
}

/** A field for one line of text. @param suggestions texts that a browser offers */
export function textField({ name, label, value = '', isRequired }: Field, suggestions: readonly string[] = []): Html {
  const list = `${name}-suggestions`;
  return html`<div><label for="field-${name}">${label}</label>
<input id="field-${name}" name="${name}" value="${value}" autocomplete="off" spellcheck="false"${[
    isRequired && html` required`,
    suggestions.length > 0 && html` list="${list}"`,
  ]}>${
    suggestions.length > 0 &&
    html`<datalist id="${list}">${suggestions.map((one) => html`<option value="${one}"></option>`)}</datalist>`
  }</div>`;
}

/** A field for a day, in the time zone of the page. */
export const dayField = ({ name, label, value = '' }: Field): Html =>
  html`<div><label for="field-${name}">${label}</label>
<input type="date" id="field-${name}" name="${name}" value="${value}"></div>`;

/** A choice of one of several values, each with its words. */
export const choice = (
  { name, label, value = '' }: Field,
  options: readonly (readonly [value: string, words: string])[],
): Html =>
  html`<div><label for="field-${name}">${label}</label>
<select id="field-${name}" name="${name}">${options.map(
    ([one, words]) => html`<option value="${one}"${one === value && html` selected`}>${words}</option>`,
  )}</select></div>`;

/** A form that looks for something: its fields become the query of an address. */
export const searchForm = (label: string, action: string, button: string, fields: readonly Part[]): Html =>
  html`<form class="search" method="get" action="${action}" role="search" aria-label="${label}">${fields}<div><button type="submit">${button}</button></div></form>`;
