import type { OpenConsole, Shown } from './console-world.ts';

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
  const [, action, inner] = /<form method="post" action="([^"]*)">(.*?)<\/form>/s.exec(body) ?? [];
  if (action === undefined || inner === undefined) return undefined;
  const inputs = [...inner.matchAll(/<input[^>]*>/g)].map(([input]) => {
    const attribute = (name: string) => unescaped(new RegExp(` ${name}="([^"]*)"`).exec(input)?.[1] ?? '');
    return [attribute('name'), attribute('value')] as const;
  });
  return { action: unescaped(action), fields: Object.fromEntries(inputs) };
}

/** The command of the question on a page, as a person copies it. */
export const commandIn = (body: string): string =>
  unescaped(body.slice(body.lastIndexOf('</form>')).match(/<code class="command">([^<]*)<\/code>/)?.[1] ?? '');

/** The page that a question leads to, once it is answered with yes. @param filled fields that a person fills in */
export async function confirm(
  console: OpenConsole,
  path: string,
  filled: Record<string, string> = {},
  /** What others do while the console waits. */
  others: () => Promise<unknown> = async () => undefined,
) {
  const asked = await console.ask(path);
  const form = formIn(asked.body);
  if (!form) throw new Error(`${path} asks nothing: ${asked.status} ${asked.body}`);
  const [sent] = await Promise.all([console.ask(form.action, { form: { ...form.fields, ...filled } }), others()]);
  const there = sent.headers.location;
  const shown: Shown = there === undefined ? sent : await console.ask(there);
  return { asked, form, sent, shown };
}
