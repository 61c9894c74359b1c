import type { Words } from '#infra/console/words/words.ts';
import { type Html, html, type Part } from './html.ts';
import type { PageRequest } from './page.ts';

/** A time as people of the page's language write it. */
export const time = ({ time: text }: Words, iso: string): Html => html`<time datetime="${iso}">${text(iso)}</time>`;

/** Text from a server or a receiver: its direction cannot turn the text around it. */
export const foreign = (text: string): Html => html`<bdi>${text}</bdi>`;

export type Tone = 'good' | 'warn' | 'bad' | 'calm';

/** A state in words, with a colour that says the same again. */
export const badge = (tone: Tone, text: string): Html => html`<span class="badge ${tone}">${text}</span>`;

export interface TableColumn<Row> {
  readonly heading: string;
  readonly cell: (row: Row) => Part;
}

/** A table; on a narrow screen each row becomes a list of its cells, named by their headings. */
export function table<Row>(caption: string, columns: readonly TableColumn<Row>[], rows: readonly Row[]): Html {
  return html`<table>
<caption>${caption}</caption>
<thead><tr>${columns.map(({ heading }) => html`<th scope="col">${heading}</th>`)}</tr></thead>
<tbody>${rows.map(
    (row) =>
      html`<tr>${columns.map(({ heading, cell }) => html`<td data-heading="${heading}">${cell(row)}</td>`)}</tr>
`,
  )}</tbody>
</table>`;
}

/** Names with values, one a line. Undefined values are left out. */
export const facts = (named: readonly (readonly [name: string, value: Part])[]): Html =>
  html`<dl class="facts">${named
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;

/**
 * Foreign text as one word of a POSIX shell: people copy commands.
 *
 * @example shellWord('a;b'); // "'a;b'"
 */
export const shellWord = (text: string): string =>
  /^[\w@.,:/+-]+$/.test(text) && !text.startsWith('-') ? text : `'${text.replaceAll("'", `'\\''`)}'`;

/** A command to type, which does or shows the same. */
export const commandLine = ({ hint }: Pick<PageRequest, 'hint'>, command: string): Html =>
  html`<code class="command">${hint(command)}</code>`;

/** Links to the next page of a list, and back to its beginning. */
export function pager({ words: { say }, url }: PageRequest, next: string | undefined): Html | undefined {
  const isFirst = !url.searchParams.has('cursor');
  if (isFirst && next === undefined) return undefined;
  return html`<nav class="pager" aria-label="${say('pager')}">${[
    !isFirst && html`<a href="${withQuery(url, { cursor: undefined })}">${say('pager.first')}</a>`,
    next !== undefined && html`<a href="${withQuery(url, { cursor: next })}" rel="next">${say('pager.next')}</a>`,
  ]}</nav>`;
}

/** Path and query. @example addressOf('/transfer', { id: 'a b' }); // '/transfer?id=a+b' */
export const addressOf = (path: string, query: Readonly<Record<string, string>>): string =>
  `${path}?${new URLSearchParams(query).toString()}`;

/** Path and query of an address after changes of its query; undefined removes a field. */
export function withQuery(url: URL, fields: Readonly<Record<string, string | undefined>>): string {
  const there = new URL(url);
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) there.searchParams.delete(name);
    else there.searchParams.set(name, value);
  }
  return `${there.pathname}${there.search}`;
}

/** Link to a change, or the command that does it where the console only shows. */
export const changeLink = (request: PageRequest, address: string, label: string, command: string): Html =>
  request.mayChange
    ? html`<a class="button" href="${address}">${label}</a>`
    : html`<span class="instead">${label}: ${commandLine(request, command)}</span>`;
