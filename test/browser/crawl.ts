import type { APIRequestContext } from 'playwright-core';
import { routes } from '#infra/console/routes.ts';
import { alice } from '#test/infra/local/local-world.ts';

/** Paths whose question has no address, since the form before it may hold a secret. */
export const posted: readonly string[] = ['/endpoint/add'];

/**
 * Paths of all pages and questions of the console that have an address. A page with a form has its question at `?ask` of
 * the same path.
 */
export const shapes: readonly string[] = [
  ...routes.pages.map(({ path }) => path),
  ...routes.changes
    .filter(({ path }) => !posted.includes(path))
    .map(({ path }) => (routes.pages.some((page) => page.path === path) ? `${path}?ask` : path)),
];

/** Pages of each path that are read: what can be changed depends on the state of what they show. */
const pagesOfShape = 20;

/** What links lead to. */
export interface Crawled {
  /** For each path, the address of a page. */
  readonly pages: ReadonlyMap<string, string>;
  /** Links that lead to no page, each with the status there. */
  readonly broken: readonly string[];
}

/**
 * Follows links and forms from the overview on without changing anything, and finds for each path the page with most on it.
 *
 * @param request reads as a browser that is admitted
 */
export async function crawl(request: APIRequestContext, url: string): Promise<Crawled> {
  const found = new Map<string, { readonly address: string; readonly length: number }[]>();
  const broken: string[] = [];
  const queue = ['/'];
  const known = new Set(queue);
  while (queue.length > 0) {
    const address = queue.shift()!;
    const shape = shapeOf(address);
    const pages = (shape !== undefined && found.get(shape)) || [];
    if (pages.length >= pagesOfShape) continue;
    const answer = await request.get(`${url}${address}`);
    const text = await answer.text();
    if (shape === undefined || !answer.ok()) {
      broken.push(`${address}: ${answer.status()}`);
      continue;
    }
    found.set(shape, [...pages, { address, length: text.length }]);
    for (const next of linksIn(text, address)) {
      if (!known.has(next)) queue.push(next);
      known.add(next);
    }
  }
  const longest = [...found].map(
    ([shape, pages]) => [shape, pages.toSorted((a, b) => b.length - a.length)[0]!.address] as const,
  );
  return { pages: new Map(longest), broken };
}

/** Texts that a person fills in, by the name of the field. */
const typed: Readonly<Record<string, string>> = { mailbox: alice };

/** Path and query of what the links and forms of a page lead to, without fragments and changes of the language. */
function linksIn(page: string, address: string): string[] {
  const links = [...page.matchAll(/<a [^>]*?href="([^"]*)"/g)].map(([, link]) => link!);
  const forms = [...page.matchAll(/<form [^>]*?method="(get|post)" action="([^"]*)"[^>]*>(.*?)<\/form>/gs)].map(
    ([, method, action, fields]) => (method === 'post' ? action! : `${action}?${queryOf(fields!)}`),
  );
  return [...links, ...forms].flatMap((link) => {
    const { origin, pathname, search, searchParams } = new URL(link.replaceAll('&amp;', '&'), `${nowhere}${address}`);
    return origin !== nowhere || searchParams.has('language') ? [] : [`${pathname}${search}`];
  });
}

/** Query of a form that is sent with what it holds, and with the texts of a person. */
function queryOf(form: string): string {
  const inputs = [...form.matchAll(/<input [^>]*?name="([^"]*)"(?: value="([^"]*)")?/g)].map(
    ([, name, value]): [string, string] => [name!, value || typed[name!] || ''],
  );
  const choices = [...form.matchAll(/<select [^>]*?name="([^"]*)".*?<\/select>/gs)].map(
    ([options, name]): [string, string] => [name!, /<option value="([^"]*)" selected/.exec(options)?.[1] ?? ''],
  );
  return new URLSearchParams([...inputs, ...choices].filter(([, value]) => value !== '')).toString();
}

const nowhere = 'http://console.example';

function shapeOf(address: string): string | undefined {
  const { pathname, searchParams } = new URL(address, nowhere);
  const shape = searchParams.has('ask') ? `${pathname}?ask` : pathname;
  return shapes.find((one) => one === shape);
}
