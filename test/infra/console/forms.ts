import type { Asked, OpenConsole, Shown } from './console-world.ts';

/** A form of a page, as a browser would send it. */
export interface Form {
  readonly action: string;
  readonly fields: Readonly<Record<string, string>>;
}

const unescaped = (text: string): string =>
  text
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');

/** The form of a page that changes something; undefined without any. */
export function formIn(body: string): Form | undefined {
  const [, action, inner] = /<form(?: class="input")? method="post" action="([^"]*)">(.*?)<\/form>/s.exec(body) ?? [];
  if (action === undefined || inner === undefined) return undefined;
  const inputs = [...inner.matchAll(/<input[^>]*>/g)].map(([input]) => {
    const attribute = (name: string) => unescaped(new RegExp(` ${name}="([^"]*)"`).exec(input)?.[1] ?? '');
    return [attribute('name'), attribute('value')] as const;
  });
  const choices = [...inner.matchAll(/<select[^>]* name="([^"]*)".*?<\/select>/gs)].map(([options, name]) => {
    const [, chosen] = / value="([^"]*)" selected/.exec(options) ?? / value="([^"]*)"/.exec(options) ?? [];
    return [name!, unescaped(chosen ?? '')] as const;
  });
  return { action: unescaped(action), fields: Object.fromEntries([...inputs, ...choices]) };
}

/** Where a question is: at an address, or behind a form to fill in there. */
export type Place = string | { readonly form: string; readonly typed: Readonly<Record<string, string>> };

export async function askAt(console: Pick<OpenConsole, 'ask'>, place: Place, asked: Asked = {}): Promise<Shown> {
  if (typeof place === 'string') return console.ask(place, asked);
  const shown = await console.ask(place.form, asked);
  const form = formIn(shown.body);
  return form ? console.ask(form.action, { ...asked, form: { ...form.fields, ...place.typed } }) : shown;
}

/** The command of the question on a page, as a person copies it. */
export const commandIn = (body: string): string =>
  unescaped(body.slice(body.lastIndexOf('</form>')).match(/<code class="command">([^<]*)<\/code>/)?.[1] ?? '');

/** The page that a question leads to, once it is answered with yes. @param filled fields that a person fills in */
export async function confirm(
  console: OpenConsole,
  place: Place,
  filled: Record<string, string> = {},
  /** What others do while the console waits. */
  others: () => Promise<unknown> = async () => undefined,
) {
  const asked = await askAt(console, place);
  const form = formIn(asked.body);
  if (!form) throw new Error(`${JSON.stringify(place)} asks nothing: ${asked.status} ${asked.body}`);
  const [sent] = await Promise.all([console.ask(form.action, { form: { ...form.fields, ...filled } }), others()]);
  const there = sent.headers.location;
  const shown: Shown = there === undefined ? sent : await console.ask(there);
  return { asked, form, sent, shown };
}
