import { html as tag } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';
import { printable } from '#functions/notices/foreign-text.ts';

/** Markup whose texts are escaped. */
export type Html = HtmlEscapedString;

/** A part of a page: markup, a text to escape, or nothing. */
export type Part = Html | string | number | false | undefined | readonly Part[];

/**
 * Makes markup of a template. Each inserted text is escaped, and shown in one line, left to right, without invisible
 * characters: no page can forget it.
 *
 * @example html`<b>${'<i>'}</b>`; // <b>&lt;i&gt;</b>
 */
export const html = (texts: TemplateStringsArray, ...parts: readonly Part[]): Html =>
  // Only a promise among the parts would make a promise of the whole.
  tag(texts, ...parts.map(safe)) as Html;

const safe = (part: Part): unknown => {
  if (Array.isArray(part)) return part.map(safe);
  return typeof part === 'string' ? printable(part) : part;
};

/** Separates parts by others. @example joined([a, b], html`<br>`) */
export const joined = (parts: readonly Part[], separator: Part): Part[] =>
  parts.flatMap((part, index) => (index === 0 ? [part] : [separator, part]));
