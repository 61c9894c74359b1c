import type { APIRequestContext } from 'playwright-core';
import { routes } from '#infra/console/routes.ts';

/** Addresses, below the console's own, of all pages that are there, each with the shape that its route gives it. */
export const shapes: readonly string[] = [...routes.pages, ...routes.changes].map(({ path }) => path);

/** Pages of each shape that are read: some are empty, or lead nowhere. */
const pagesOfShape = 5;

/**
 * Follows links and forms that only read from the overview on, and finds for each shape of address a page with much on it.
 *
 * @param request reads as a browser that is admitted
 */
export async function crawl(request: APIRequestContext, url: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, { readonly address: string; readonly length: number }[]>();
  const queue = ['/'];
  const known = new Set(queue);
  while (queue.length > 0) {
    const address = queue.shift()!;
    const shape = shapeOf(address);
    const pages = found.get(shape) ?? [];
    if (pages.length >= pagesOfShape) continue;
    const answer = await request.get(`${url}${address}`);
    const text = await answer.text();
    if (!answer.ok()) throw new Error(`a link leads to ${address}, which answers ${answer.status()}`);
    found.set(shape, [...pages, { address, length: text.length }]);
    for (const next of linksIn(text, address)) {
      if (!known.has(next)) queue.push(next);
      known.add(next);
    }
  }
  return new Map(
    [...found].map(([shape, pages]) => [shape, pages.toSorted((a, b) => b.length - a.length)[0]!.address]),
  );
}

/** Path and query of the links in a page, without fragments and changes of the language. */
function linksIn(page: string, address: string): string[] {
  const links = [...page.matchAll(/<a [^>]*?href="([^"]*)"|<form method="get" action="([^"]*)"/g)];
  return links.flatMap(([, link, action]) => {
    const { origin, pathname, search, searchParams } = new URL(
      (link ?? action!).replaceAll('&amp;', '&'),
      `http://console.example${address}`,
    );
    return origin !== 'http://console.example' || searchParams.has('language') ? [] : [`${pathname}${search}`];
  });
}

function shapeOf(address: string): string {
  const { pathname } = new URL(address, 'http://console.example');
  const shape = shapes.find((one) => new RegExp(`^${one.replaceAll(/:\w+/g, '[^/]+')}$`).test(pathname));
  if (shape === undefined) throw new Error(`a link leads to ${address}, where no page is`);
  return shape;
}
